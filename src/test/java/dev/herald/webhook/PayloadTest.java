package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class PayloadTest {
  private final Payload payload = new Payload();

  @Test
  void should_set_and_rename_fields_also_within_objects() {
    Map<String, Object> body = fields("to", "+905551234567", "content", "Hello");
    payload.rename(body, "content", "text.body");
    payload.set(body, "text.preview.url", false);
    payload.set(body, "type", "text");
    assertThat(body)
        .isEqualTo(
            Map.of(
                "to", "+905551234567",
                "text", Map.of("body", "Hello", "preview", Map.of("url", false)),
                "type", "text"));
  }

  @Test
  void should_refuse_a_field_that_is_not_there_or_not_an_object() {
    assertThatThrownBy(() -> payload.rename(fields("to", "x", "content", "y"), "text", "body"))
        .hasMessage("the payload has no field text: [to, content]");
    assertThatThrownBy(() -> payload.set(fields("to", "x", "content", "y"), "to.name", "z"))
        .hasMessage("the payload's field to is not an object");
  }

  @Test
  void should_write_a_form_in_utf_8() {
    assertThat(
            payload.form(
                payload.set(
                    fields("to", "+905551234567", "content", "Ay\u015fe & co = 100 %\n"),
                    "sender",
                    null)))
        .isEqualTo("to=%2B905551234567&content=Ay%C5%9Fe+%26+co+%3D+100+%25%0A");
  }

  private static Map<String, Object> fields(String name, Object value, String other, Object its) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put(name, value);
    fields.put(other, its);
    return fields;
  }
}
