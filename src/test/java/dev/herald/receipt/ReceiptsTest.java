package dev.herald.receipt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.ProblemException;
import dev.herald.receipt.Receipts.Matched;
import dev.herald.receipt.Receipts.Result;
import dev.herald.testing.CapturedLog;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What providers send, as the statement takes it, and what is said of the outcome. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ReceiptsTest {
  private final AtomicLong nanos = new AtomicLong();
  private final Receipts receipts = new Receipts(Duration.ofHours(24), nanos::get);

  @Test
  void should_read_json_maps_and_lists_of_them() throws IOException {
    Map<String, Object> map = new HashMap<>(Map.of("messageId", 17, "status", "DELIVERED"));
    map.put("code", null);
    ReceiptBatch one = receipts.read(map);
    assertThat(one.getMessageIds()).containsExactly("17");
    assertThat(one.getIds()).containsExactly((String) null);
    assertThat(one.getCodes()).containsExactly((String) null);
    assertThat(one.isKept()).isFalse();
    assertThat(one.getKeepMs()).isEqualTo(86_400_000);

    ReceiptBatch list =
        receipts.read(
            new ObjectMapper()
                .readTree(
                    """
                    [{"id": "01890a5d-ac96-774b-bcce-b302099a8057", "status": "UNDELIVERED",
                      "at": "2030-01-01T12:00:00.5+0300", "code": 3, "detail": "a\\u0000\\nb "},
                     {"messageId": "m", "status": "DELIVERED", "other": {}}]
                    """));
    assertThat(list.getStatuses()).containsExactly("UNDELIVERED", "DELIVERED");
    assertThat(list.getAts()).containsExactly("2030-01-01T09:00:00.500Z", null);
    assertThat(list.getCodes()).containsExactly("3", null);
    assertThat(list.getDetails()).containsExactly("a b", null);
    assertThat(receipts.read(List.of()).getIds()).isEmpty();
  }

  @Test
  void should_cut_what_is_too_long_as_an_answer_of_the_webhook_is_cut() {
    Map<String, String> receipt = new HashMap<>();
    for (String field : List.of("messageId", "code", "detail")) {
      receipt.put(field, "x".repeat(1_000));
    }
    receipt.put("status", "DELIVERED");
    ReceiptBatch batch = receipts.read(receipt);
    assertThat(batch.getMessageIds()[0]).hasSize(255);
    assertThat(batch.getCodes()[0]).hasSize(64);
    assertThat(batch.getDetails()[0]).hasSize(500);
  }

  @Test
  void should_name_all_that_is_wrong() {
    List<Object> given =
        Arrays.asList(
            Map.of("id", "x", "messageId", "m", "status", "delivered"),
            Map.of("at", "yesterday"),
            null,
            "text");
    assertThat(
            catchThrowableOfType(ProblemException.class, () -> receipts.read(given))
                .problem()
                .errors())
        .extracting(FieldError::pointer)
        .containsExactly(
            "/0/id",
            "/0/id",
            "/0/status",
            "/1/messageId",
            "/1/status",
            "/1/at",
            "/2/messageId",
            "/2/status",
            "/3/messageId",
            "/3/status");
  }

  @Test
  void should_be_matched_only_if_all_are() {
    assertThat(receipts.recorded(List.of())).isEqualTo(new Matched(false));
    assertThat(receipts.recorded(List.of(row("matched", 2), row("repeated", 1))))
        .isEqualTo(new Matched(true));
    assertThat(receipts.recorded(List.of(row("matched", 2), row("kept", 1))))
        .isEqualTo(new Matched(false));
    assertThat(receipts.count(Result.MATCHED)).isEqualTo(4);
    assertThat(receipts.count(Result.KEPT)).isEqualTo(1);
  }

  @Test
  void should_warn_at_once_then_sum_up_and_leave_nothing_unsaid() {
    try (CapturedLog log = new CapturedLog()) {
      receipts.recorded(List.of(row("ambiguous", 3)));
      receipts.recorded(List.of(row("ambiguous", 4)));
      receipts.missing(0);
      assertThat(log.lines()).singleElement().asString().contains("provider's id: 3");
      nanos.addAndGet(Duration.ofMinutes(1).toNanos());
      receipts.recorded(List.of());
      receipts.missing(5);
      assertThat(log.lines()).hasSize(3);
      assertThat(log.lines().get(1)).contains("provider's id: 4");
      assertThat(log.lines().get(2)).contains("receipts.expected-within: 5");
      assertThat(receipts.missed()).isEqualTo(5);
    }
  }

  private static Map<String, Object> row(String result, long n) {
    return Map.of("result", result, "n", n);
  }

  @Test
  void should_look_for_missing_receipts_only_while_that_is_on() {
    assertThat(receipts.watches("0")).as("forgets how far it was").isTrue();
    assertThat(receipts.watches("0")).as("could not, and tries again").isTrue();
    receipts.missing(0);
    assertThat(receipts.watches("0s")).isFalse();

    assertThat(receipts.watches("10s")).isTrue();
    receipts.missing(0);
    assertThat(receipts.watches("10s")).isTrue();
    assertThat(receipts.watches("0")).as("turned off").isTrue();
    receipts.missing(0);
    assertThat(receipts.watches("0")).isFalse();
  }
}
