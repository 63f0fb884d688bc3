package dev.herald.testing;

import dev.herald.config.Settings;
import dev.herald.config.SettingsReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;

/** Settings as {@code application.properties} gives them, with what a test changes. */
public final class Configured {
  private Configured() {}

  /**
   * @param changes a key, its value, the next key and so on
   */
  public static Settings with(String... changes) {
    Properties properties = properties();
    properties.setProperty("api.key", "a-key");
    properties.setProperty("webhook.url", "https://provider.example/send");
    for (int i = 0; i < changes.length; i += 2) {
      properties.setProperty(changes[i], changes[i + 1]);
    }
    return SettingsReader.read(key -> Optional.ofNullable(properties.getProperty(key)), false);
  }

  /** What {@code application.properties} has. */
  public static Properties properties() {
    Properties properties = new Properties();
    try (Reader file = Files.newBufferedReader(Path.of("application.properties"))) {
      properties.load(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties;
  }
}
