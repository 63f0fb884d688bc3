package dev.herald.webhook;

import dev.herald.message.ClaimedMessage;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;

/**
 * Turns a message into the provider's payload, a map that later steps may change. The other methods
 * are for edits of {@code routes/deliver.camel.yaml}. Stateless.
 */
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

  /**
   * Adds a field, or replaces its value. A dot in a name leads into an object: {@code text.body} is
   * the field {@code body} of the object {@code text}, which is made if it is not there.
   */
  public Map<String, Object> set(Map<String, Object> payload, String name, Object value) {
    int dot = name.indexOf('.');
    if (dot < 0) {
      payload.put(name, value);
    } else {
      set(object(payload, name.substring(0, dot)), name.substring(dot + 1), value);
    }
    return payload;
  }

  /** Renames a field. The new name may lead into an object, as in {@link #set}. */
  public Map<String, Object> rename(Map<String, Object> payload, String name, String to) {
    if (!payload.containsKey(name)) {
      throw new IllegalArgumentException(
          "the payload has no field " + name + ": " + payload.keySet());
    }
    return set(payload, to, payload.remove(name));
  }

  /**
   * Writes the payload as a form, {@code application/x-www-form-urlencoded} in UTF-8, without the
   * fields that are null.
   */
  public String form(Map<String, Object> payload) {
    return payload.entrySet().stream()
        .filter(field -> field.getValue() != null)
        .map(field -> encode(field.getKey()) + "=" + encode(field.getValue().toString()))
        .collect(Collectors.joining("&"));
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Map<String, Object> payload, String name) {
    Object there = payload.computeIfAbsent(name, any -> new LinkedHashMap<>());
    if (there instanceof Map<?, ?> object) {
      return (Map<String, Object>) object;
    }
    throw new IllegalArgumentException("the payload's field " + name + " is not an object");
  }
}
