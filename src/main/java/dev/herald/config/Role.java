package dev.herald.config;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;

/** What a key of the API may do; {@code x-herald-role} in openapi.yaml says what a call needs. */
public enum Role {
  /** Look at messages and at the state of Herald. */
  READ,
  /** Create, change, cancel and retry messages. */
  SEND,
  /** Start, stop and change delivery and the flow. */
  OPERATE;

  /** Every role: what a key has that names none. */
  public static final Set<Role> ALL = Collections.unmodifiableSet(EnumSet.allOf(Role.class));

  private final String written = name().toLowerCase(Locale.ROOT);

  /** The role of this name, or nothing. */
  public static Optional<Role> named(String name) {
    for (Role role : ALL) {
      if (role.written.equals(name)) {
        return Optional.of(role);
      }
    }
    return Optional.empty();
  }

  /** Roles as they are written, joined by {@code +}; nothing where one of them is none. */
  public static Optional<Set<Role>> parse(String written) {
    Set<Role> roles = EnumSet.noneOf(Role.class);
    for (String name : written.split("\\+", -1)) {
      Optional<Role> role = named(name.strip());
      if (role.isEmpty()) {
        return Optional.empty();
      }
      roles.add(role.get());
    }
    return Optional.of(Collections.unmodifiableSet(roles));
  }

  /** Roles as they are written: {@code read+send}. */
  public static String join(Set<Role> roles) {
    StringJoiner written = new StringJoiner("+");
    for (Role role : ALL) {
      if (roles.contains(role)) {
        written.add(role.written);
      }
    }
    return written.toString();
  }

  @Override
  public String toString() {
    return written;
  }
}
