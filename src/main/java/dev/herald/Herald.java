package dev.herald;

import dev.herald.config.ConfigurationException;
import dev.herald.config.ConfigurationSources;
import dev.herald.problem.FailStop;
import dev.herald.wiring.Placeholders;
import dev.herald.wiring.Wiring;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service. Start it with {@code java -jar target/herald.jar} in the folder that has
 * application.properties and routes/.
 */
public final class Herald {
  private static final Logger LOG = LoggerFactory.getLogger(Herald.class);
  private static final Path CONFIGURATION = Path.of("application.properties");
  private static final Path CONTRACT = Path.of("openapi.yaml");
  private static final int CANNOT_START = 1;

  /** Longer than any server.grace-period; the process ends as soon as everything is done. */
  private static final int OUTLIVES_A_SIGNAL_SECONDS = 3_700;

  private final Main main = new Main();
  private final Properties overrides;
  private final Wiring wiring;
  private ConfigurationSources configuration;

  /**
   * @param overrides properties that override the file and the environment; for tests
   */
  public Herald(Properties overrides) {
    this(overrides, false);
  }

  private Herald(Properties overrides, boolean development) {
    this.overrides = overrides;
    wiring =
        new Wiring(
            key -> configuration.value(key),
            () -> main.getShutdownStrategy().isRunAllowed(),
            development);
    main.setAppName("Herald");
    main.configure().setExtraShutdownTimeout(OUTLIVES_A_SIGNAL_SECONDS);
    main.setPropertyPlaceholderLocations("false"); // Herald reads the file itself
    overrides
        .stringPropertyNames()
        .forEach(key -> main.addOverrideProperty(key, overrides.getProperty(key)));
    main.configure().addConfiguration(wiring);
    main.addMainListener(
        new MainListenerSupport() {
          @Override
          public void beforeInitialize(BaseMainSupport support) {
            Placeholders.resolve(support.getCamelContext(), configuration::value);
          }

          @Override
          public void afterConfigure(BaseMainSupport support) {
            wiring.checkFlow();
          }

          @Override
          public void beforeStop(BaseMainSupport support) {
            try {
              wiring.endDelivery();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }

          @Override
          public void afterStop(BaseMainSupport support) {
            wiring.close();
          }
        });
  }

  /** For the development run, which accepts sample keys. No configuration can turn this on. */
  public static Herald forDevelopment(Properties overrides) {
    return new Herald(overrides, true);
  }

  public static void main(String[] arguments) {
    Thread.setDefaultUncaughtExceptionHandler(new FailStop(Runtime.getRuntime()::halt));
    System.exit(new Herald(new Properties()).run());
  }

  /** Runs until a signal or {@link #stop}, and returns the exit code of the process. */
  public int run() {
    try {
      List<String> missing =
          Stream.of(CONFIGURATION, CONTRACT)
              .filter(file -> !Files.isReadable(file))
              .map(Path::toString)
              .toList();
      if (!missing.isEmpty()) {
        throw new ConfigurationException(
            "there is no %s in %s; start Herald in the folder that has it"
                .formatted(String.join(" and no ", missing), Path.of("").toAbsolutePath()));
      }
      configuration = ConfigurationSources.read(CONFIGURATION, overrides);
      main.setInitialProperties(configuration.file());
      // The driver asks for the JVM's time zone, and PostgreSQL does not know every one of Java's.
      // The log keeps its own.
      TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
      main.run();
      return Math.max(0, main.getExitCode());
    } catch (Exception e) {
      report(e);
      wiring.close();
      if (main.getCamelContext() != null) {
        main.getCamelContext().stop();
      }
      return CANNOT_START;
    }
  }

  /** Asks it to stop; {@link #run} returns when it has. */
  public void stop() {
    main.completed();
  }

  private static void report(Exception failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConfigurationException) {
        LOG.error("Herald cannot start:\n  {}", cause.getMessage());
        return;
      }
    }
    LOG.error("Herald cannot start", failure);
  }
}
