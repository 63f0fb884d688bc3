package dev.herald.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.uuid.Generators;
import dev.herald.message.MessageQueries.Messages;
import dev.herald.message.MessageQueries.Page;
import dev.herald.message.MessageQueries.Row;
import dev.herald.message.MessageQueries.SentMessages;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.ProblemException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class MessageQueriesTest {
  private static final String ID = "01890a5d-ac96-774b-bcce-b302099a8057";

  private final MessageQueries queries = new MessageQueries(new PhoneNumbers(Optional.of("TR")));

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {"-, -, -", "PENDING, PENDING, false", "SENDING, PENDING, true", "SENT, SENT, -"})
  void should_tell_sending_from_pending_by_the_lease(String asked, String stored, Boolean leased) {
    Messages query =
        queries.messages(asked, null, null, null, null, null, null, null, null, null, null);
    assertThat(query.lists()).isEqualTo(stored == null ? null : new String[] {stored});
    assertThat(query.leased()).isEqualTo(leased);
    assertThat(query.limit()).isEqualTo(50);
    assertThat(query.offset()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0555 123 45 67, +905551234567", "+905551234567, +905551234567", "+19, +19"})
  void should_look_for_a_number_as_it_is_stored(String asked, String stored) {
    assertThat(
            queries
                .messages(null, asked, null, null, null, null, null, null, null, null, null)
                .phoneNumber())
        .isEqualTo(stored);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"nobody", " 49301234567", "+", "+0123456", "12", "+1234567890123456", "\u0000"})
  void should_refuse_what_cannot_be_a_number(String asked) {
    ThrowingCallable query =
        () -> queries.messages(null, asked, null, null, null, null, null, null, null, null, null);
    refuses("phoneNumber", query);
    assertThatThrownBy(query).hasMessageContaining("+905551234567").hasMessageContaining("%2B");
  }

  @Test
  void should_bound_the_ids_by_the_time_of_acceptance_with_room_for_clocks() {
    Instant now = Instant.now();
    UUID id = Generators.timeBasedEpochRandomGenerator().generate();
    Messages query =
        queries.messages(
            null,
            null,
            null,
            null,
            now.minusSeconds(2) + "",
            now.plusSeconds(2) + "",
            null,
            null,
            null,
            null,
            null);
    assertThat(query.fromId().toString()).isLessThan(id.toString());
    assertThat(query.toId().toString()).isGreaterThan(id.toString());
    assertThat(MessageQueries.firstId(Instant.ofEpochMilli(0x0189_0a5d_ac96L)).toString())
        .isEqualTo("01890a5d-ac96-7000-8000-000000000000");
    assertThat(MessageQueries.firstId(Instant.EPOCH.minusSeconds(1)))
        .isEqualTo(MessageQueries.firstId(Instant.EPOCH));
  }

  @Test
  void should_go_on_after_the_last_message_of_a_page() {
    List<Row> rows = List.of(row(1), row(2), row(3));
    Messages first =
        queries.messages(null, null, null, null, null, null, null, null, 2, null, null);
    Page page = queries.page(rows, first);
    assertThat(page.items()).containsExactly(message(1), message(2));
    Messages next =
        queries.messages(
            null, null, null, null, null, null, null, null, 2, page.nextCursor(), null);
    assertThat(next.toId()).isEqualTo(message(2).id());
    assertThat(queries.page(rows.subList(0, 2), next).nextCursor()).as("the last page").isNull();
  }

  @Test
  void should_go_on_after_the_last_sent_message_of_a_page() {
    SentMessages first = queries.sent(null, null, 1, null, null);
    assertThat(first.afterId()).isNull();
    Page page = queries.page(List.of(row(1), row(2)), first);
    SentMessages next = queries.sent(null, null, 1, page.nextCursor(), null);
    assertThat(next.afterId()).isEqualTo(message(1).id());
    assertThat(next.afterTime()).as("to the microsecond").isEqualTo("2030-01-01T00:00:00.000001Z");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "_", "1-1-1-1-1", ID + "x", ID + "_" + ID, "2030-01-01T00:00:00Z"})
  void should_refuse_a_cursor_of_its_own_making(String cursor) {
    refuses(
        "cursor",
        () -> queries.messages(null, null, null, null, null, null, null, null, null, cursor, null));
    refuses("cursor", () -> queries.sent(null, null, null, cursor, null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ID,
        "_" + ID,
        "2030-01-01T00:00:00Z_",
        "2030-01-01T00:00:00Z_1-1-1-1-1",
        "2030-01-01T00:00:00Z_" + ID + "_",
        "-1000000000-01-01T00:00:00Z_" + ID,
        "+10000-01-01T00:00:00Z_" + ID,
      })
  void should_refuse_a_cursor_of_sent_messages_that_no_page_gave(String cursor) {
    refuses("cursor", () -> queries.sent(null, null, null, cursor, null));
  }

  @Test
  void should_refuse_a_cursor_with_an_offset() {
    refuses(
        "offset",
        () -> queries.messages(null, null, null, null, null, null, null, null, null, ID, 1));
    assertThat(
            queries.messages(null, null, null, null, null, null, null, null, null, ID, 0).offset())
        .isZero();
    assertThat(
            queries
                .messages(null, null, null, null, null, null, null, null, null, null, 7)
                .offset())
        .isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2016-12-31T23:59:60Z", "2030-01-01 00:00:00Z", "0000-06-01T00:00:00Z"})
  void should_refuse_a_time_that_the_schema_lets_through_but_nothing_can_hold(String time) {
    refuses(
        "createdFrom",
        () -> queries.messages(null, null, null, null, time, null, null, null, null, null, null));
    refuses(
        "updatedFrom",
        () -> queries.messages(null, null, null, null, null, null, time, null, null, null, null));
    refuses(
        "updatedTo",
        () -> queries.messages(null, null, null, null, null, null, null, time, null, null, null));
    refuses(
        "createdTo",
        () -> queries.messages(null, null, null, null, null, time, null, null, null, null, null));
    refuses("sentFrom", () -> queries.sent(time, null, null, null, null));
    refuses("sentTo", () -> queries.sent(null, time, null, null, null));
  }

  @Test
  void should_look_for_a_reference_that_is_not_blank() {
    assertThat(
            queries
                .messages(null, null, " order 1", null, null, null, null, null, null, null, null)
                .reference())
        .isEqualTo(" order 1");
    refuses(
        "reference",
        () -> queries.messages(null, null, " \t", null, null, null, null, null, null, null, null));
  }

  private static void refuses(String parameter, ThrowingCallable query) {
    ProblemException refusal = catchThrowableOfType(ProblemException.class, query);
    assertThat(refusal).isNotNull();
    assertThat(refusal.problem().status()).isEqualTo(400);
    assertThat(refusal.problem().errors())
        .extracting(FieldError::pointer)
        .containsExactly(parameter);
  }

  @Test
  void should_merge_the_lists_of_several_statuses_unless_another_filter_leads() {
    Messages merged =
        queries.messages(
            "FAILED,SENDING,PENDING,FAILED",
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            7);
    assertThat(merged.lists()).containsExactlyInAnyOrder("FAILED", "PENDING");
    assertThat(merged.status()).isNull();
    assertThat(merged.leased()).isNull();
    assertThat(merged.reads()).as("a page, those before it and one more").isEqualTo(58);
    Messages led =
        queries.messages(
            "FAILED,SENDING", null, null, "REFUSED", null, null, null, null, null, null, null);
    assertThat(led.lists()).isNull();
    assertThat(led.status()).containsExactlyInAnyOrder("FAILED", "PENDING");
    assertThat(led.leased()).isTrue();
    assertThat(led.failureClass()).isEqualTo("REFUSED");
  }

  @Test
  void should_go_on_where_a_page_by_the_time_of_change_stopped_reading() {
    String time = "2030-01-01T00:00:00Z";
    Messages query =
        queries.messages(null, null, null, null, null, null, time, time, 2, null, null);
    assertThat(query.reads()).isEqualTo(5_000);
    assertThat(query.byUpdate()).isTrue();
    Messages failed =
        queries.messages("FAILED", null, null, null, null, null, time, null, null, null, null);
    assertThat(failed.lists()).as("has an index").containsExactly("FAILED");
    Messages mixed =
        queries.messages("FAILED,SENT", null, null, null, null, null, time, null, null, null, null);
    assertThat(mixed.lists()).as("would read too much to find 5,000").isNull();
    assertThat(mixed.status()).containsExactlyInAnyOrder("FAILED", "SENT");
    assertThat(query.toId())
        .as("accepted before it was changed")
        .isEqualTo(MessageQueries.firstId(Instant.parse("2030-01-01T00:05:00Z")));
    Row end = new Row(message(3), false, true);
    Page page = queries.page(List.of(row(1), end), query);
    assertThat(page.items()).containsExactly(message(1));
    assertThat(page.nextCursor()).isEqualTo(message(3).id().toString());
    assertThat(queries.page(List.of(end), query).items()).as("none fits").isEmpty();
    assertThat(queries.page(List.of(row(1), new Row(message(2), true, true)), query).nextCursor())
        .as("the last that was read fits, too")
        .isEqualTo(message(2).id().toString());
    assertThat(queries.page(List.of(row(1), row(2), end), query).nextCursor())
        .isEqualTo(message(3).id().toString());
    refuses(
        "offset",
        () -> queries.messages(null, null, null, null, null, null, time, null, null, null, 1));
  }

  private static Row row(int number) {
    return new Row(message(number), true, false);
  }

  private static Message message(int number) {
    Instant sentAt = Instant.parse("2030-01-01T00:00:00Z").plusNanos(number * 1_000L);
    return new Message(
        new UUID(0x0189_0a5d_ac96_7000L, 0x8000_0000_0000_0000L + number),
        "+905551234567",
        "hi",
        "SENT",
        1,
        3,
        null,
        null,
        sentAt,
        sentAt,
        null,
        null,
        sentAt,
        null,
        null,
        null,
        null);
  }
}
