package dev.herald.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which versions of a row are events. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ChangesTest {
  private static final String CREATED = "2026-11-26T09:52:00.038892Z";
  private static final String NOW = "2026-11-26T09:52:01.177892Z";
  private static final String ID = "01a21744-e065-7021-9e1a-a3d85f3b4981";

  private final Map<String, Object> row =
      new HashMap<>(
          Map.of(
              "id", ID,
              "phone_number", "+905551234567",
              "status", "SENT",
              "attempts", 1,
              "created_at", CREATED,
              "updated_at", NOW,
              "status_at", NOW));

  @Test
  void should_tell_of_a_new_message() {
    row.put("status", "PENDING");
    row.put("updated_at", CREATED);
    row.remove("status_at");
    Event event = only(Changes.ofInsert(row));
    assertThat(event.type()).isEqualTo("message.accepted");
    assertThat(event.at()).isEqualTo(CREATED);
    assertThat(event.id()).isEqualTo("accepted-" + ID + "-1795686720038892");
  }

  @ParameterizedTest
  @CsvSource({
    "SENT, sent",
    "FAILED, failed",
    "UNKNOWN, unknown",
    "CANCELLED, cancelled",
    "EXPIRED, expired",
    "PENDING, retried"
  })
  void should_tell_of_each_new_status(String status, String type) {
    row.put("status", status);
    Event event = only(Changes.ofUpdate(row));
    assertThat(event.type()).isEqualTo("message." + type);
    assertThat(event.id()).isEqualTo(type + "-" + ID + "-1795686721177892");
    assertThat(event.at()).isEqualTo(NOW);
  }

  @Test
  void should_give_the_same_change_the_same_id() {
    assertThat(Changes.ofUpdate(row)).isEqualTo(Changes.ofUpdate(new HashMap<>(row)));
  }

  @Test
  void should_not_tell_of_what_leaves_the_status() {
    row.put("status", "PENDING");
    row.put("updated_at", "2026-11-26T09:52:03Z");
    assertThat(Changes.ofUpdate(row)).as("another time or text").isEmpty();
    row.remove("status_at");
    assertThat(Changes.ofUpdate(row)).as("before the first change").isEmpty();
  }

  @Test
  void should_not_tell_of_a_claim_though_it_leaves_the_times() {
    row.put("status", "PENDING");
    row.put("claim_id", "01a21744-e065-7021-9e1a-a3d85f3b4982");
    assertThat(Changes.ofUpdate(row)).isEmpty();
  }

  /** It may be written again, as by a claim that is given back: then it has the same id. */
  @Test
  void should_tell_of_a_receipt() {
    row.put("updated_at", "2026-11-26T09:52:03Z");
    row.put("delivery", "UNDELIVERED");
    row.put("delivery_at", "2026-11-26T09:52:02Z");
    row.put("delivery_code", "404");
    Event event = only(Changes.ofUpdate(row));
    assertThat(event.type()).isEqualTo("message.undelivered");
    assertThat(event.id()).isEqualTo("undelivered-" + ID + "-1795686722000000");
    assertThat(event.message().get("delivery"))
        .isEqualTo(Map.of("status", "UNDELIVERED", "at", "2026-11-26T09:52:02Z", "code", "404"));
  }

  @Test
  void should_tell_of_a_receipt_that_came_before_the_record_once_it_is_there() {
    row.put("delivery", "DELIVERED");
    row.put("delivery_at", CREATED);
    assertThat(Changes.ofUpdate(row))
        .extracting(Event::type)
        .containsExactly("message.sent", "message.delivered");
  }

  @Test
  void should_have_the_clients_own_words_and_no_content() {
    row.put("content", "hello");
    row.put("reference", "order-1");
    row.put("metadata", "{\"b\":\"1\",\"a\":\"2\"}");
    Map<String, Object> message = only(Changes.ofUpdate(row)).message();
    assertThat(message)
        .containsEntry("reference", "order-1")
        .containsEntry("metadata", Map.of("b", "1", "a", "2"))
        .containsEntry("phoneNumber", "+905551234567")
        .doesNotContainKeys("content", "lastError", "sentAt");
  }

  private static Event only(List<Event> events) {
    assertThat(events).hasSize(1);
    return events.get(0);
  }
}
