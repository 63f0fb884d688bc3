package dev.herald;

import dev.herald.config.Nearest;
import dev.herald.config.Version;
import dev.herald.problem.FailStop;
import java.io.PrintStream;
import java.util.List;
import java.util.function.IntSupplier;
import org.apache.camel.CamelContext;

/**
 * What the arguments ask for. Everything but the service answers on the console, without a log.
 *
 * @param service runs until it is stopped, and returns the exit code
 * @param check checks the flow, and returns the exit code
 */
record CommandLine(IntSupplier service, IntSupplier check, PrintStream out, PrintStream err) {
  static final int FAILED = 1;
  static final int MISUSED = 2;

  private static final List<String> OPTIONS = List.of("--check", "--help", "--version");

  private static final String USAGE =
      """
      Usage: java -jar herald.jar            accept and deliver messages, until SIGTERM
             java -jar herald.jar --check    check the configuration, routes/ and sql/; connect to nothing
             java -jar herald.jar --version  print the versions of Herald, Java and Camel
             java -jar herald.jar --help     print this""";

  private static final String HELP =
      """
      %s

      Start it in the folder that has application.properties, openapi.yaml, routes/ and sql/. application.properties
      explains every key. An environment variable overrides it (WEBHOOK_URL for webhook.url), and a system property
      before -jar overrides both (-Dwebhook.url=...). A secret can stand in a file (DATABASE_PASSWORD_FILE).

      You must set:
        WEBHOOK_URL        where messages are sent
        API_KEY            the keys of your clients: NAME:KEY, comma-separated
      and, unless the defaults fit:
        DATABASE_URL       jdbc:postgresql://localhost:5432/herald
        DATABASE_USERNAME  herald
        DATABASE_PASSWORD  (none)
        REDIS_URL          redis://localhost:6379/0
      LOG_LEVEL=debug logs more, LOG_FORMAT=json logs as JSON.

      Exit codes:
        0    --check found no fault
        %d    it could not start, and the log says why; --check found a fault
        %d    unknown arguments
        %d    it ended itself, because it could not go on safely: start it again
        143  stopped by SIGTERM"""
          .formatted(USAGE, FAILED, MISUSED, FailStop.EXIT_CODE);

  /** Does it, and returns the exit code of the process. */
  int run(List<String> arguments) {
    return switch (String.join(" ", arguments)) {
      case "" -> service.getAsInt();
      case "--check" -> check.getAsInt();
      case "--help", "-h" -> print(HELP);
      case "--version" -> print(versions());
      default -> refuse(arguments);
    };
  }

  private int print(String text) {
    out.println(text);
    return 0;
  }

  private static String versions() {
    return "Herald %s, Java %s, Camel %s"
        .formatted(
            Version.TEXT, System.getProperty("java.version"), Version.of(CamelContext.class));
  }

  private int refuse(List<String> arguments) {
    String wrong =
        arguments.stream()
            .filter(one -> !OPTIONS.contains(one))
            .findFirst()
            .map(
                one ->
                    "unknown argument "
                        + one
                        + Nearest.of(one, OPTIONS)
                            .map(nearest -> "; did you mean " + nearest.name() + "?")
                            .orElse(""))
            .orElse("more than one argument");
    err.println(wrong);
    err.println(USAGE);
    return MISUSED;
  }
}
