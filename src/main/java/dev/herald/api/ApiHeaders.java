package dev.herald.api;

import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.Exchange;
import org.apache.camel.spi.HeaderFilterStrategy;

/**
 * An allow-list: which headers and query parameters of a request become headers of its exchange,
 * and which headers of the exchange go into the response. Nothing else that a client sends can
 * reach a route. Immutable.
 */
public final class ApiHeaders implements HeaderFilterStrategy {
  /**
   * The name of the key that the request came with; the request filter sets it, never the client.
   */
  public static final String KEY_NAME = "Herald-Key-Name";

  public static final String CORRELATION_ID = "X-Correlation-ID";
  public static final String IDEMPOTENCY_KEY = "Idempotency-Key";

  private static final Set<String> OUT = Set.of("location", "retry-after");

  private final Set<String> in = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);

  /**
   * @param queryNames the query parameters that the contract knows
   */
  public ApiHeaders(Set<String> queryNames) {
    in.addAll(queryNames);
    in.addAll(Set.of(KEY_NAME, CORRELATION_ID, IDEMPOTENCY_KEY, "Content-Type", "Accept"));
  }

  @Override
  public boolean applyFilterToExternalHeaders(String name, Object value, Exchange exchange) {
    return !in.contains(name);
  }

  @Override
  public boolean applyFilterToCamelHeaders(String name, Object value, Exchange exchange) {
    return !OUT.contains(name.toLowerCase(Locale.ROOT));
  }
}
