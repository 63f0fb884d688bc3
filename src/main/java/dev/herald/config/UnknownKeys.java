package dev.herald.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds what was meant for Herald and does nothing, such as {@code WEBHOOK_TIMOUT}. A key of an
 * operator's own is known if a route or a statement has its name. The environment has names of many
 * programs, so there only a name counts that can hardly be anything but a key misspelt.
 */
public final class UnknownKeys {
  private static final Pattern WORD = Pattern.compile("\\w[\\w.-]*");
  private static final String CAMELS = "camel.";

  /** They are read by the log's configuration. */
  private static final List<String> LOG = List.of("LOG_FORMAT", "LOG_LEVEL");

  private final Set<String> known;
  private final Set<String> variables;
  private final Set<String> prefixes;
  private final Set<String> used;
  private final List<String> found = new ArrayList<>();

  private UnknownKeys(Set<String> known, Set<String> used) {
    this.known = known;
    this.used = used;
    variables = all(known, ConfigurationSources::variable);
    variables.addAll(LOG);
    prefixes = all(known, UnknownKeys::prefix);
  }

  /**
   * Returns a sentence for each name.
   *
   * @param flow the text of the flow's files
   */
  public static List<String> in(ConfigurationSources sources, Stream<String> flow) {
    Set<String> known = SettingsReader.keys();
    SecretFile.KEYS.forEach(key -> known.add(SecretFile.nameOf(key)));
    known.addAll(ConfigurationSources.OLD_NAMES);
    Stream<String> values =
        sources.file().stringPropertyNames().stream()
            .filter(key -> key.startsWith(CAMELS))
            .map(sources.file()::getProperty);
    UnknownKeys keys =
        new UnknownKeys(
            known,
            Stream.concat(flow, values).flatMap(UnknownKeys::words).collect(Collectors.toSet()));
    keys.check("%s in application.properties", sources.keys());
    keys.check("-D%s", System.getProperties().stringPropertyNames());
    keys.checkEnvironment(sources.environment().keySet());
    return keys.found;
  }

  private void check(String written, Collection<String> names) {
    for (String name : new TreeSet<>(names)) {
      if (!known.contains(name) && !used.contains(name) && !name.startsWith(CAMELS)) {
        Optional<Nearest> nearest = Nearest.of(name, known);
        if (prefixes.contains(prefix(name)) || nearest.filter(Nearest::sure).isPresent()) {
          tell(written.formatted(name), nearest.map(Nearest::name));
        }
      }
    }
  }

  private void checkEnvironment(Collection<String> names) {
    Set<String> usedHere =
        used.stream().flatMap(ConfigurationSources::variables).collect(Collectors.toSet());
    for (String name : new TreeSet<>(names)) {
      if (!variables.contains(name) && !usedHere.contains(name) && !used.contains(name)) {
        String file = name.replaceFirst("_FILE$", "");
        Optional<String> meant =
            variables.contains(file)
                ? Optional.of(file)
                : Nearest.of(name, variables).filter(Nearest::sure).map(Nearest::name);
        if (meant.isPresent()) {
          tell(name + " in the environment", meant);
        }
      }
    }
  }

  private void tell(String name, Optional<String> meant) {
    found.add(
        "%s is not a key of Herald's, and no route uses it, so it does nothing; %s"
            .formatted(
                name,
                meant
                    .map("did you mean %s?"::formatted)
                    .orElse("remove it, or see the keys in application.properties")));
  }

  private static Set<String> all(Set<String> names, UnaryOperator<String> change) {
    return names.stream().map(change).collect(Collectors.toCollection(TreeSet::new));
  }

  private static String prefix(String key) {
    return key.substring(0, Math.max(0, key.indexOf('.')));
  }

  private static Stream<String> words(String text) {
    return WORD.matcher(text).results().map(MatchResult::group);
  }
}
