package dev.herald.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.logging.LogManager;

/**
 * The environment variables LOG_LEVEL and LOG_FORMAT, and what names this node in the log. {@code
 * log4j2.xml} finds them as system properties, so this must run before the first logger is made.
 */
public final class LogSettings {
  private static final List<String> LEVELS = List.of("error", "warn", "info", "debug");
  private static final List<String> FORMATS = List.of("text", "json");

  private LogSettings() {}

  /**
   * Hands the settings to the log. What is wrong has its default there.
   *
   * @param configuration may have {@code node.name}
   * @return what is wrong with the variables; empty if nothing is
   */
  public static List<String> apply(Path configuration) {
    List<String> faults = new ArrayList<>();
    read(System.getenv(), faults).forEach(System::setProperty);
    System.setProperty("herald.log.version", Version.TEXT);
    System.setProperty("herald.log.node", nodeName(configuration));
    // Some libraries log here, past the format: PostgreSQL's driver what it also throws.
    LogManager.getLogManager().reset();
    return List.copyOf(faults);
  }

  /** The system properties that the variables ask for. */
  static Map<String, String> read(Map<String, String> environment, List<String> faults) {
    String level = oneOf("LOG_LEVEL", LEVELS, "info", environment, faults);
    return Map.of(
        "herald.log.format",
        oneOf("LOG_FORMAT", FORMATS, "text", environment, faults),
        "herald.log.level",
        level,
        "herald.log.libraries",
        level.equals("debug") ? "info" : level);
  }

  private static String oneOf(
      String variable,
      List<String> values,
      String usual,
      Map<String, String> environment,
      List<String> faults) {
    String given = environment.getOrDefault(variable, "").strip();
    String value = given.toLowerCase(Locale.ROOT);
    if (given.isEmpty()) {
      return usual;
    }
    if (!values.contains(value)) {
      faults.add(
          "%s is '%s'; it must be one of %s".formatted(variable, given, String.join(", ", values)));
      return usual;
    }
    return value;
  }

  /** What is wrong with the file is reported when all of it is read. */
  private static String nodeName(Path configuration) {
    try {
      return ConfigurationSources.read(configuration, new Properties())
          .value("node.name")
          .filter(name -> !name.isEmpty())
          .orElseGet(SettingsReader::hostName);
    } catch (RuntimeException reportedLater) {
      return SettingsReader.hostName();
    }
  }
}
