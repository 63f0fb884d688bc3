package dev.herald.api;

import io.vertx.core.MultiMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The request that came to an HTTP entrance of a route: its variable {@code request}. Immutable.
 *
 * @param method such as {@code POST}
 * @param path as it came
 * @param query the parameters by name; of one that is repeated, the first
 * @param headers by name in any case, without the client's secrets; of one that is repeated, the
 *     first
 */
public record ClientRequest(
    String method, String path, Map<String, String> query, Map<String, String> headers) {

  private static final Set<String> SECRET = Set.of("authorization", "cookie");

  static ClientRequest of(String method, String path, MultiMap query, MultiMap headers) {
    Map<String, String> shown = first(headers);
    shown.keySet().removeIf(name -> SECRET.contains(name.toLowerCase(java.util.Locale.ROOT)));
    return new ClientRequest(method, path, Map.copyOf(first(query)), shown);
  }

  private static Map<String, String> first(MultiMap values) {
    Map<String, String> first = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    values.names().forEach(name -> first.put(name, values.get(name)));
    return first;
  }
}
