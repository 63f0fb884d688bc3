package dev.herald.api;

import io.vertx.core.MultiMap;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The request that came to an HTTP entrance of a route: its variable {@code request}. Immutable.
 *
 * @param method such as {@code POST}
 * @param path as it came
 * @param query the parameters by name; of one that is repeated, the first
 * @param headers by name in any case, without the client's secrets and the marks of the request
 *     filter; of one that is repeated, the first
 */
public record ClientRequest(
    String method, String path, Map<String, String> query, Map<String, String> headers) {

  private static final Set<String> HIDDEN =
      Set.of("Authorization", "Cookie", Operations.WITHOUT_BODY);

  static ClientRequest of(String method, String path, MultiMap query, MultiMap headers) {
    Map<String, String> shown = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.names().forEach(name -> shown.put(name, headers.get(name)));
    HIDDEN.forEach(shown::remove);
    Caller.MARKS.forEach(shown::remove);
    Map<String, String> parameters = new HashMap<>();
    query.names().forEach(name -> parameters.put(name, query.get(name)));
    return new ClientRequest(
        method, path, Map.copyOf(parameters), Collections.unmodifiableMap(shown));
  }
}
