package dev.herald;

import dev.herald.config.ConfigurationException;
import dev.herald.config.ConfigurationSources;
import dev.herald.config.LogSettings;
import dev.herald.config.Placeholders;
import dev.herald.config.UnknownKeys;
import dev.herald.flow.Flow;
import dev.herald.problem.FailStop;
import dev.herald.wiring.Wiring;
import dev.herald.wiring.Wiring.Purpose;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TimeZone;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
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
  private static final Path CONFIGURATION = Path.of("application.properties");

  /** Before the first logger. */
  private static final List<String> LOG_FAULTS = LogSettings.apply(CONFIGURATION);

  private static final Logger LOG = LoggerFactory.getLogger(Herald.class);
  private static final Path CONTRACT = Path.of("openapi.yaml");

  /** Longer than any server.grace-period; the process ends as soon as everything is done. */
  private static final int OUTLIVES_A_SIGNAL_SECONDS = 3_700;

  private final Main main =
      new Main() {
        /** The check below reads the files first, and says more of a fault. */
        @Override
        protected void modelineRoutes(CamelContext camel) {}

        @Override
        protected void configureRoutes(CamelContext camel) throws Exception {
          wiring.checkFlow();
          if (!checkOnly) {
            super.configureRoutes(camel);
          }
        }
      };

  /** What a check uses for keys without which Herald does not start. */
  private static final Map<String, String> STAND_INS =
      Map.of("webhook.url", "http://localhost/", "api.key", "only-for-this-check");

  /** Servers and counters that a check does not need. */
  private static final List<String> NOT_FOR_A_CHECK =
      List.of("camel.management.enabled", "camel.metrics.enabled", "camel.main.jmx-enabled");

  private final Properties overrides;
  private final boolean checkOnly;
  private final Wiring wiring;
  private ConfigurationSources configuration;

  /**
   * @param overrides properties that override the file and the environment; for tests
   */
  public Herald(Properties overrides) {
    this(overrides, Purpose.SERVICE);
  }

  private Herald(Properties overrides, Purpose purpose) {
    this.overrides = overrides;
    checkOnly = purpose == Purpose.CHECK;
    wiring =
        new Wiring(
            this::value,
            () -> configuration.keys(),
            () -> main.getShutdownStrategy().isRunAllowed(),
            purpose);
    main.setAppName("Herald");
    main.configure().setExtraShutdownTimeout(OUTLIVES_A_SIGNAL_SECONDS);
    main.setPropertyPlaceholderLocations("false"); // Herald reads the file itself
    overrides
        .stringPropertyNames()
        .forEach(key -> main.addOverrideProperty(key, overrides.getProperty(key)));
    if (checkOnly) {
      NOT_FOR_A_CHECK.forEach(key -> main.addOverrideProperty(key, "false"));
    }
    main.configure().addConfiguration(wiring);
    main.addMainListener(
        new MainListenerSupport() {
          @Override
          public void beforeInitialize(BaseMainSupport support) {
            Placeholders.resolve(support.getCamelContext(), Herald.this::value);
            warnOfUnknownKeys(support.getCamelContext());
          }

          @Override
          public void beforeStop(BaseMainSupport support) {
            try {
              wiring.end();
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
    return new Herald(overrides, Purpose.DEVELOPMENT);
  }

  public static void main(String[] arguments) {
    System.exit(
        new CommandLine(Herald::serve, Herald::checkAndTell, System.out, System.err)
            .run(List.of(arguments)));
  }

  private static int serve() {
    Thread.setDefaultUncaughtExceptionHandler(new FailStop(Runtime.getRuntime()::halt));
    return new Herald(new Properties()).run();
  }

  private static int checkAndTell() {
    try {
      System.out.println("The flow can run: " + check(new Properties()));
      return 0;
    } catch (Exception e) {
      Optional<String> fault = fault(e);
      if (fault.isEmpty()) {
        log().error("The check failed", e);
      }
      fault.ifPresent(text -> System.out.println("The flow cannot run:\n  " + text));
      return CommandLine.FAILED;
    }
  }

  /**
   * Checks the configuration and the flow, and starts nothing.
   *
   * @param overrides properties that override the file and the environment; for tests
   * @return what was checked
   * @throws ConfigurationException naming every fault
   */
  public static String check(Properties overrides) {
    Herald herald = new Herald(overrides, Purpose.CHECK);
    try {
      herald.configure();
      herald.main.init();
      return herald.wiring.checkedFlow();
    } finally {
      herald.wiring.close();
      if (herald.main.getCamelContext() != null) {
        herald.main.getCamelContext().stop();
      }
    }
  }

  /** The value of a key. A check needs no secrets and no provider. */
  private Optional<String> value(String key) {
    Optional<String> value = configuration.value(key);
    return checkOnly && value.filter(text -> !text.isBlank()).isEmpty()
        ? Optional.ofNullable(STAND_INS.get(key)).or(() -> value)
        : value;
  }

  /** Runs until a signal or {@link #stop}, and returns the exit code of the process. */
  public int run() {
    try {
      configure();
      main.run();
      return Math.max(0, main.getExitCode());
    } catch (Exception e) {
      report(e);
      wiring.close();
      if (main.getCamelContext() != null) {
        main.getCamelContext().stop();
      }
      return CommandLine.FAILED;
    }
  }

  private void configure() {
    ConfigurationException.throwIfAny(LOG_FAULTS);
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
    configuration.oldNames().forEach(log()::warn);
    main.setInitialProperties(configuration.file());
    main.addOverrideProperty(
        Wiring.ROUTES, String.join(",", Wiring.routePatterns(configuration::value)));
    // The driver asks for the JVM's time zone, and PostgreSQL does not know every one of Java's.
    // The log keeps its own.
    TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
  }

  private void warnOfUnknownKeys(CamelContext camel) {
    try {
      UnknownKeys.in(configuration, Flow.texts(camel, Wiring.routePatterns(configuration::value)))
          .forEach(log()::warn);
    } catch (IOException e) {
      log().debug("What keys the flow uses is not known: {}", e.getMessage());
    }
  }

  /** Asks it to stop; {@link #run} returns when it has. */
  public void stop() {
    main.completed();
  }

  private void report(Exception failure) {
    fault(failure)
        .or(() -> wiring.startFault(failure))
        .ifPresentOrElse(
            text -> {
              log().error("Herald cannot start:\n  {}", text);
              log().debug("It cannot start", failure);
            },
            () -> log().error("Herald cannot start", failure));
  }

  /** What an operator can mend. */
  private static Optional<String> fault(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConfigurationException) {
        return Optional.of(cause.getMessage());
      }
    }
    return Optional.empty();
  }

  /** Not a constant, because the log takes longer to start than a word of help to print. */
  private static Logger log() {
    return LoggerFactory.getLogger(Herald.class);
  }
}
