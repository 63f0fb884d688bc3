package dev.herald.api;

import dev.herald.config.Role;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import io.vertx.core.MultiMap;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;

/**
 * Who calls. The request filter marks a request with it, and the doors of routes take it from
 * there: variable {@code key} is the name, and {@code keyId} tells apart keys of one name.
 *
 * @param name of the key
 * @param id the first eight characters of the key's SHA-256; empty if there is no key, or one so
 *     short that this would help to guess it
 */
record Caller(String name, String id, Set<Role> roles) {
  private static final String NAME = "Herald-Key-Name";
  private static final String ID = "Herald-Key-Id";
  private static final String ROLES = "Herald-Key-Roles";

  /** Headers that the request filter alone can set. */
  static final List<String> MARKS = List.of(NAME, ID, ROLES);

  /** Of an exchange that a request began: what its caller may do. */
  private static final String PROPERTY = "herald.roles";

  /** Takes away what a client pretends to be. */
  static void unmark(MultiMap headers) {
    MARKS.forEach(headers::remove);
  }

  void mark(MultiMap headers) {
    headers.set(NAME, name).set(ID, id).set(ROLES, Role.join(roles));
  }

  /** Hands the caller of a request to a route. */
  static void enter(Exchange exchange, MultiMap headers) {
    exchange.setVariable("key", headers.get(NAME));
    String id = headers.get(ID);
    if (id != null && !id.isEmpty()) {
      exchange.setVariable("keyId", id);
    }
    exchange.setProperty(
        PROPERTY, Optional.ofNullable(headers.get(ROLES)).flatMap(Role::parse).orElse(Set.of()));
  }

  /** What the caller of an exchange may do; all of it if no request began it. */
  static Set<Role> rolesOf(Exchange exchange) {
    @SuppressWarnings("unchecked")
    Set<Role> roles = exchange.getProperty(PROPERTY, Role.ALL, Set.class);
    return roles;
  }

  /** The refusal of a caller that has none of the roles. */
  Optional<Problem> refusal(Set<Role> needed) {
    return refusal(name, roles, needed);
  }

  static Optional<Problem> refusal(String name, Set<Role> roles, Set<Role> needed) {
    return Collections.disjoint(roles, needed)
        ? Optional.of(
            Problem.of(
                Type.FORBIDDEN,
                "this call needs the role %s, and the key of '%s' has only %s; use another key, or give this one the role in api.key"
                    .formatted(
                        needed.stream()
                            .sorted()
                            .map(Role::toString)
                            .collect(Collectors.joining(" or ")),
                        name,
                        roles.isEmpty() ? "none" : Role.join(roles).replace("+", " and "))))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return id.isEmpty() ? name : name + " (" + id + ")";
  }
}
