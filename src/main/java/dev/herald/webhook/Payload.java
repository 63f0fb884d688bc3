package dev.herald.webhook;

import dev.herald.message.ClaimedMessage;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;

/** Turns a message into the provider's payload, a map that later steps may change. Stateless. */
public final class Payload implements Processor {
  @Override
  public void process(Exchange exchange) {
    Message message = exchange.getMessage();
    message.setBody(of(message.getBody(ClaimedMessage.class)));
  }

  Map<String, Object> of(ClaimedMessage message) {
    Map<String, Object> payload = new LinkedHashMap<>();
    payload.put("to", message.phoneNumber());
    payload.put("content", message.content());
    return payload;
  }

  /** Adds a field, or replaces its value. For edits of {@code routes/deliver.camel.yaml}. */
  public Map<String, Object> set(Map<String, Object> payload, String name, Object value) {
    payload.put(name, value);
    return payload;
  }

  /** Renames a field. For edits of {@code routes/deliver.camel.yaml}. */
  public Map<String, Object> rename(Map<String, Object> payload, String name, String to) {
    if (!payload.containsKey(name)) {
      throw new IllegalArgumentException(
          "the payload has no field " + name + ": " + payload.keySet());
    }
    payload.put(to, payload.remove(name));
    return payload;
  }
}
