package dev.herald.config;

import java.util.List;

/** The configuration is invalid. The message names every wrong key and how to fix it. */
public final class ConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ConfigurationException(String message) {
    super(message, null, false, false);
  }

  public static void throwIfAny(List<String> problems) {
    if (!problems.isEmpty()) {
      throw new ConfigurationException(String.join("\n  ", problems));
    }
  }
}
