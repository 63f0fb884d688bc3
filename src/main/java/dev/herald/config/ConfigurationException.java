package dev.herald.config;

import java.util.ArrayList;
import java.util.List;

/** The configuration is invalid. The message names every wrong key and how to fix it. */
public final class ConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ConfigurationException(String message) {
    super(message, null, false, false);
  }

  /**
   * Makes all checks, and reports what they found at once.
   *
   * @param checks each throws a ConfigurationException if something is wrong
   */
  public static void all(Runnable... checks) {
    List<String> problems = new ArrayList<>();
    for (Runnable check : checks) {
      try {
        check.run();
      } catch (ConfigurationException wrong) {
        problems.add(wrong.getMessage());
      }
    }
    throwIfAny(problems);
  }

  public static void throwIfAny(List<String> problems) {
    if (!problems.isEmpty()) {
      throw new ConfigurationException(String.join("\n  ", problems));
    }
  }
}
