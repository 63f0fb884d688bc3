package dev.herald.webhook;

import dev.herald.message.ClaimedMessage;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.camel.Body;

/** What the provider gets of a message, as a map that later steps may change. Stateless. */
public final class Payload {
  public Map<String, Object> of(@Body ClaimedMessage message) {
    Map<String, Object> payload = new LinkedHashMap<>();
    payload.put("to", message.phoneNumber());
    payload.put("content", message.content());
    return payload;
  }
}
