package dev.herald.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.herald.api.Json;
import dev.herald.message.MessageChange;
import dev.herald.message.PhoneNumbers;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.ProblemException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a schema cannot say about a message. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class NewMessagesTest {
  private static final String NOW = "2030-01-01T12:00:00Z";

  private final NewMessages drafts =
      new NewMessages(
          new PhoneNumbers(Optional.of("TR")), Clock.fixed(Instant.parse(NOW), ZoneOffset.UTC));

  @Test
  void should_make_a_message_of_what_was_sent() {
    ObjectNode body = body("0555 123 45 67", " hi 😀\n");
    body.put("sendAt", "2030-01-02T12:00:00+03:00").put("expiresAt", "2030-01-02T09:00:00.001Z");
    NewMessage message = drafts.one(body);
    assertThat(message.phoneNumber()).isEqualTo("+905551234567");
    assertThat(message.content()).as("as it was written").isEqualTo(" hi 😀\n");
    assertThat(message.sendAt()).isEqualTo("2030-01-02T09:00:00Z");
    assertThat(message.expiresAt()).isEqualTo("2030-01-02T09:00:00.001Z");
    assertThat(message.id().version()).isEqualTo(7);
  }

  @Test
  void should_give_ids_in_the_order_of_the_request() {
    ArrayNode body = Json.MAPPER.createArrayNode();
    for (int i = 0; i < 1_000; i++) {
      body.add(body("+905551234567", "message " + i));
    }
    List<NewMessage> messages = drafts.of(body).messages();
    assertThat(messages).hasSize(1_000);
    assertThat(messages.get(7).content()).isEqualTo("message 7");
    assertThat(messages).extracting(message -> message.id().toString()).isSorted();
  }

  @Test
  void should_name_every_bad_field_of_every_item() {
    ArrayNode body = Json.MAPPER.createArrayNode();
    body.add(body("12", " \t\n"));
    body.add(body("+905551234567", "fine"));
    body.add(body("+905551234567", "late").put("expiresAt", NOW));
    Problem problem = catchThrowableOfType(ProblemException.class, () -> drafts.of(body)).problem();
    assertThat(problem.status()).isEqualTo(422);
    assertThat(problem.errors())
        .extracting(FieldError::pointer)
        .containsExactly("/0/phoneNumber", "/0/content", "/2/expiresAt");
    assertThat(problem.errors().get(0).detail()).contains("TR");
  }

  @Test
  void should_keep_the_clients_own_words() {
    ObjectNode body = body("+905551234567", "hi").put("reference", "order 1001");
    body.putObject("metadata").put("z", "").put("a", "two\nlines").put("😀".repeat(64), "x");
    NewMessage message = drafts.one(body);
    assertThat(message.reference()).isEqualTo("order 1001");
    assertThat(message.metadata()).containsOnlyKeys("z", "a", "😀".repeat(64));
    assertThat(message.metadataJson()).startsWith("{\"z\":\"\",\"a\":\"two\\nlines\",");

    body.putObject("metadata");
    assertThat(drafts.one(body).metadata()).as("an empty object").isNull();
    assertThat(drafts.one(body).metadataJson()).isNull();
  }

  @Test
  void should_find_what_is_wrong_in_a_body_that_breaks_the_schema_too() {
    ArrayNode body = Json.MAPPER.createArrayNode();
    body.add(Json.MAPPER.createObjectNode().put("phoneNumber", "12").put("expiresAt", NOW));
    body.add(body("+905551234567", " ").put("sendAt", 7).put("reference", true));
    body.add("a text").addNull();
    body.addObject().putNull("content").putArray("metadata");
    assertThat(drafts.faults(body))
        .extracting(FieldError::pointer)
        .containsExactly("/0/phoneNumber", "/0/expiresAt", "/1/content");
  }

  @Test
  void should_change_only_what_a_patch_names_and_all_but_times_with_a_replacement() {
    ObjectNode body = body("0555 123 45 67", "hi").putNull("sendAt");
    MessageChange patch = drafts.patch(body);
    assertThat(patch.getNames()).containsExactly("phoneNumber", "content", "sendAt");
    assertThat(patch.phoneNumber()).isEqualTo("+905551234567");
    assertThat(patch.getSendAtText()).isNull();
    assertThat(drafts.replacement(body).getNames())
        .containsExactly("phoneNumber", "content", "sendAt", "reference", "metadata");
    ObjectNode past = Json.MAPPER.createObjectNode().put("expiresAt", NOW);
    assertThat(
            catchThrowableOfType(ProblemException.class, () -> drafts.patch(past))
                .problem()
                .errors())
        .extracting(FieldError::pointer)
        .containsExactly("/expiresAt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a\nb", "\u0000", "\u2028", "\ud83d", "a/b~\u007f"})
  void should_refuse_a_name_that_is_no_line(String name) {
    ObjectNode body = body("+905551234567", "hi");
    body.putObject("metadata").put(name, "x").put("fine", "y");
    FieldError error = refusal(body);
    assertThat(error.pointer())
        .isEqualTo("/metadata/" + name.replace("~", "~0").replace("/", "~1"));
    assertThat(error.detail()).isEqualTo("the name must have 1 to 64 characters, on one line");
  }

  @Test
  void should_refuse_a_long_name_and_a_blank_reference() {
    ObjectNode body = body("+905551234567", "hi");
    body.putObject("metadata").put("😀".repeat(65), "x");
    assertThat(refusal(body).pointer()).isEqualTo("/metadata/" + "😀".repeat(65));
    assertThat(refusal(body("+905551234567", "hi").put("reference", " ")).detail())
        .isEqualTo("must not be blank");
  }

  @Test
  void should_refuse_a_blank_text() {
    FieldError error = refusal(body("+905551234567", " \u2003\t"));
    assertThat(error.pointer()).isEqualTo("/content");
    assertThat(error.detail()).isEqualTo("must not be blank");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        "-, 2030-01-01T11:59:59Z, must be in the future",
        "-, 2030-01-01T12:00:00Z, must be in the future",
        "2030-01-03T00:00:00Z, 2030-01-02T00:00:00Z, must be after sendAt",
        "2030-01-02T03:00:00+03:00, 2030-01-02T00:00:00Z, must be after sendAt",
      })
  void should_refuse_a_message_that_could_never_be_sent(
      String sendAt, String expiresAt, String detail) {
    ObjectNode body = body("+905551234567", "hi").put("expiresAt", expiresAt);
    if (sendAt != null) {
      body.put("sendAt", sendAt);
    }
    assertThat(refusal(body).pointer()).isEqualTo("/expiresAt");
    assertThat(refusal(body).detail()).isEqualTo(detail);
  }

  @Test
  void should_take_a_time_to_send_that_is_past_as_at_once() {
    ObjectNode body = body("+905551234567", "hi").put("sendAt", "2020-01-01T00:00:00Z");
    assertThat(drafts.one(body).sendAt()).isEqualTo("2020-01-01T00:00:00Z");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2030-06-30T23:59:60Z",
        "2030-02-30T00:00:00Z",
        "2030-01-02",
        "0000-06-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
      })
  void should_refuse_a_time_that_cannot_be_kept(String time) {
    FieldError error = refusal(body("+905551234567", "hi").put("sendAt", time));
    assertThat(error.pointer()).isEqualTo("/sendAt");
    assertThat(error.detail()).contains("RFC 3339");
  }

  @Test
  void should_leave_it_open_whether_a_request_whose_messages_are_expired_repeats_another() {
    ArrayNode body = Json.MAPPER.createArrayNode();
    body.add(body("+905551234567", "fine"));
    body.add(body("+905551234567", "late").put("expiresAt", NOW));
    NewMessages.Checked checked = drafts.of(body);
    assertThat(checked.messages()).hasSize(2);
    assertThat(checked.expired().orElseThrow().errors())
        .extracting(FieldError::pointer)
        .containsExactly("/1/expiresAt");
  }

  private FieldError refusal(ObjectNode body) {
    Problem problem =
        catchThrowableOfType(ProblemException.class, () -> drafts.one(body)).problem();
    assertThat(problem.errors()).hasSize(1);
    return problem.errors().get(0);
  }

  private static ObjectNode body(String phoneNumber, String content) {
    return Json.MAPPER.createObjectNode().put("phoneNumber", phoneNumber).put("content", content);
  }
}
