package dev.herald.webhook;

import dev.herald.config.HeaderFields;
import org.apache.camel.Exchange;
import org.apache.camel.spi.HeaderFilterStrategy;

/**
 * Which headers pass between an exchange and HTTP: all except Camel's own and those that frame a
 * message, which the client sets itself. Stateless.
 */
public final class HeaderRules implements HeaderFilterStrategy {
  @Override
  public boolean applyFilterToCamelHeaders(String name, Object value, Exchange exchange) {
    return HeaderFields.isCamels(name) || HeaderFields.isFraming(name);
  }

  @Override
  public boolean applyFilterToExternalHeaders(String name, Object value, Exchange exchange) {
    return HeaderFields.isCamels(name);
  }
}
