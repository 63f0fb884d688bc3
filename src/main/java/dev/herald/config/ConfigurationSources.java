package dev.herald.config;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Where the value of a key comes from: a system property, or else the environment, or else the
 * file, which is read once, as UTF-8. A value is what was written: nothing in it is replaced or
 * resolved. The value of a secret may be in a file of its own, which another key names, see {@link
 * SecretFile}; it is read once, too. Thread-safe.
 */
public final class ConfigurationSources {
  /** Keys that have another name now, and the name that they had. */
  private static final Map<String, String> RENAMED = Map.of("retention.finished", "retention.sent");

  /** They still work, with a warning. */
  static final Set<String> OLD_NAMES = Set.copyOf(RENAMED.values());

  private final Properties overrides;
  private final Map<String, String> environment;
  private final Properties file;
  private final Map<SecretFile, String> secrets = new ConcurrentHashMap<>();

  /**
   * @param overrides values that override all others; for tests
   * @param environment the environment variables
   * @param file the values of the file
   */
  ConfigurationSources(Properties overrides, Map<String, String> environment, Properties file) {
    this.overrides = overrides;
    this.environment = environment;
    this.file = file;
  }

  /**
   * @param overrides values that override all others; for tests
   * @throws ConfigurationException if the file is not a .properties file in UTF-8
   */
  public static ConfigurationSources read(Path file, Properties overrides) {
    Properties values = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      values.load(reader);
    } catch (CharacterCodingException e) {
      throw new ConfigurationException(file + " is not encoded as UTF-8; save it as UTF-8");
    } catch (IllegalArgumentException e) {
      throw new ConfigurationException(
          file + " has \\u without four hexadecimal digits; write a backslash as \\\\");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    values.replaceAll((key, value) -> value.toString().stripTrailing());
    return new ConfigurationSources(overrides, System.getenv(), values);
  }

  /**
   * The value of a key without the spaces around it, or nothing. Where a source has only the old
   * name of the key, that counts.
   *
   * @throws ConfigurationException if it should come from a file and cannot
   */
  public Optional<String> value(String key) {
    Optional<String> written = written(key);
    if (!SecretFile.KEYS.contains(key)) {
      return written;
    }
    String name = SecretFile.nameOf(key);
    Optional<String> path = written(name).filter(text -> !text.isEmpty());
    if (path.isEmpty()) {
      return written;
    }
    if (written.filter(text -> !text.isEmpty()).isPresent()) {
      throw new ConfigurationException(
          "%s and %s are both set; keep one (in the environment they are %s and %s)"
              .formatted(key, name, variable(key), variable(name)));
    }
    return Optional.of(secrets.computeIfAbsent(new SecretFile(key, path.get()), SecretFile::read));
  }

  private Optional<String> written(String key) {
    return sources().flatMap(source -> given(source, key).stream()).findFirst();
  }

  private static Optional<String> given(UnaryOperator<String> source, String key) {
    return Optional.ofNullable(source.apply(key))
        .or(() -> Optional.ofNullable(RENAMED.get(key)).map(source))
        .map(String::strip);
  }

  /** A sentence for each key that has its old name. Nothing is logged before the log knows how. */
  public List<String> oldNames() {
    return RENAMED.entrySet().stream()
        .filter(one -> sources().anyMatch(source -> source.apply(one.getValue()) != null))
        .map(
            one ->
                "%s is now called %s; the old name still works, but rename it"
                    .formatted(one.getValue(), one.getKey()))
        .toList();
  }

  /** The first that has a key counts. */
  private Stream<UnaryOperator<String>> sources() {
    return Stream.of(
        overrides::getProperty,
        System::getProperty,
        key ->
            variables(key).map(environment::get).filter(Objects::nonNull).findFirst().orElse(null),
        file::getProperty);
  }

  /** The keys that the file or the overrides have. */
  public Set<String> keys() {
    Set<String> keys = new TreeSet<>(file.stringPropertyNames());
    keys.addAll(overrides.stringPropertyNames());
    return keys;
  }

  /** The values of the file. */
  public Properties file() {
    return file;
  }

  Map<String, String> environment() {
    return environment;
  }

  /** The environment variable of a key: {@code WEBHOOK_URL} for {@code webhook.url}. */
  static String variable(String key) {
    return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  /**
   * Camel's forms too, for an operator's own key: MY.KEY and MY_KEY for my.key, MYKEY and MY_KEY
   * for myKey.
   */
  static Stream<String> variables(String key) {
    return Stream.of(
        key.toUpperCase(Locale.ROOT),
        variable(key),
        variable(key.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_")));
  }
}
