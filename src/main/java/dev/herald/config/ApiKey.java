package dev.herald.config;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A key that the API accepts.
 *
 * @param name whose it is; several keys may have one name
 */
public record ApiKey(String name, String secret, Set<Role> roles) {
  /** Characters below which a key may be guessed. */
  public static final int SHORT = 16;

  /** Keys of the development run, and placeholders that people forget to replace. */
  static final Pattern SAMPLE =
      Pattern.compile(
          "dev-.*|(change|replace)[-_]?(me|this|it)|secret|test|password|passw0rd|example|sample|demo"
              + "|default|admin|root|key|api[-_]?key|my[-_]?key|your[-_]?key|token|herald|1234.*"
              + "|a-long-random-key|another-one",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private static final Pattern SENDABLE = Pattern.compile("[ -~]*");
  private static final String MAKE_ONE = "make one with: openssl rand -hex 24";

  /**
   * Reads entries {@code KEY}, {@code NAME:KEY} or {@code NAME:KEY:ROLES}, separated by commas or
   * line breaks. A key that has a colon needs roles behind it.
   *
   * @param samplesToo whether sample keys are accepted
   * @param fault takes what is wrong with an entry, to be read after the name of the key; it never
   *     shows a secret
   */
  static List<ApiKey> parse(String entries, boolean samplesToo, Consumer<String> fault) {
    List<ApiKey> keys = new ArrayList<>();
    Set<String> secrets = new HashSet<>();
    for (String entry : entries.split("[,\\r\\n]")) {
      if (!entry.isBlank()) {
        parse(entry.strip(), fault)
            .filter(key -> key.isUsable(samplesToo, fault))
            .ifPresent(
                key -> {
                  if (secrets.add(key.secret)) {
                    keys.add(key);
                  } else {
                    fault.accept(
                        "has a key twice, as '" + key.name + "' too; give each entry its own key");
                  }
                });
      }
    }
    return keys;
  }

  /**
   * Reads them from a file, which has at least one.
   *
   * @param samplesToo whether sample keys are accepted
   * @throws ConfigurationException saying all that is wrong, without a secret
   */
  public static List<ApiKey> read(SecretFile file, boolean samplesToo) {
    List<String> faults = new ArrayList<>();
    List<ApiKey> keys =
        parse(file.read(), samplesToo, fault -> faults.add(file.path() + " " + fault));
    if (keys.isEmpty() && faults.isEmpty()) {
      faults.add(file.path() + " has no key");
    }
    ConfigurationException.throwIfAny(faults);
    return keys;
  }

  private static Optional<ApiKey> parse(String entry, Consumer<String> fault) {
    if (KeyReader.PLACEHOLDER.matcher(entry).matches()) {
      fault.accept("is a name in double braces, not a key; write the key itself");
      return Optional.empty();
    }
    int first = entry.indexOf(':');
    int last = entry.lastIndexOf(':');
    String name = first < 0 ? "default" : entry.substring(0, first).strip();
    Set<Role> roles = Role.ALL;
    String secret = entry.substring(first + 1).strip();
    if (last > first) {
      secret = entry.substring(first + 1, last).strip();
      Optional<Set<Role>> named = Role.parse(entry.substring(last + 1));
      if (named.isEmpty()) {
        fault.accept(
            "has an entry for '"
                + name
                + "' that does not end with roles; write NAME:KEY:ROLES, with read, send and operate"
                + " joined by +, also if the key itself has a colon");
        return Optional.empty();
      }
      roles = named.get();
    } else if (Role.parse(secret).isPresent()) {
      // The name may be the key.
      fault.accept("has an entry with roles but no name; write NAME:KEY:ROLES");
      return Optional.empty();
    }
    if (name.isEmpty() || secret.isEmpty()) {
      fault.accept(
          "has an entry without a name or a key; write KEY, NAME:KEY or NAME:KEY:ROLES,"
              + " separated by commas");
      return Optional.empty();
    }
    return Optional.of(new ApiKey(name, secret, roles));
  }

  private boolean isUsable(boolean samplesToo, Consumer<String> fault) {
    boolean sample = !samplesToo && SAMPLE.matcher(secret).matches();
    if (sample) {
      fault.accept("has a sample key for '" + name + "', which anyone can guess; " + MAKE_ONE);
    }
    boolean sendable = SENDABLE.matcher(secret).matches();
    if (!sendable) {
      fault.accept(
          "has a key for '"
              + name
              + "' with a character outside ASCII, which no client could send; "
              + MAKE_ONE);
    }
    return !sample && sendable;
  }

  /** Whether it could be guessed. */
  public boolean isShort() {
    return secret.length() < SHORT;
  }

  @Override
  public String toString() {
    return name;
  }
}
