package dev.herald.intake;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.Configured;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** The columns of {@code sql/insert-messages.sql}: the same place is the same row. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class MessageBatchTest {
  private final NewMessage a = message("a", null);
  private final NewMessage b = message("b", Instant.parse("2030-01-01T12:00:00.5Z"));
  private final NewMessage c = message("c", null);

  @Test
  void should_give_each_message_a_row_with_what_its_request_says() {
    MessageBatch batch = batch(request("ops", "k", "c-1", a, b), request("app", null, null, c));
    assertThat(batch.getIds()).containsExactly(id(a), id(b), id(c));
    assertThat(batch.getContents()).containsExactly("a", "b", "c");
    assertThat(batch.getSendAts()).containsExactly(null, "2030-01-01T12:00:00.500Z", null);
    assertThat(batch.getExpiresAts()).containsExactly(null, "2030-01-01T13:00:00.500Z", null);
    assertThat(batch.getCorrelationIds()).containsExactly("c-1", "c-1", null);
    assertThat(batch.getChangedBys()).containsExactly("ops", "ops", "app");
    assertThat(batch.getFirstIds()).containsExactly(id(a), id(a), null);
    assertThat(batch.getKeyTtlMs()).isEqualTo(3_600_000);
    assertThat(batch.getMaxAttempts()).isEqualTo(7);
    assertThat(batch.isForOthers()).isTrue();
  }

  @Test
  void should_give_each_keyed_request_a_row_in_key_order() {
    Request later = request("ops", "2", null, a, b);
    Request earlier = request("ops", "1", null, c);
    Request first = request("app", "9", null, message("d", null));
    MessageBatch batch =
        batch(later, request("ops", null, null, message("no key", null)), earlier, first);
    assertThat(batch.getOwners()).containsExactly("app", "ops", "ops");
    assertThat(batch.getKeys()).containsExactly("9", "1", "2");
    assertThat(batch.getHashes()).containsExactly(first.hash(), earlier.hash(), later.hash());
    assertThat(batch.getRequestIds())
        .containsSequence("{" + id(c) + "}", "{" + id(a) + "," + id(b) + "}");
  }

  private static MessageBatch batch(Request... requests) {
    return new MessageBatch(
        List.of(requests),
        Configured.with("retry.max-attempts", "7").retry(),
        Duration.ofHours(1),
        true);
  }

  private static Request request(
      String owner, String key, String correlationId, NewMessage... messages) {
    return new Request(List.of(messages), owner, key, correlationId, new CompletableFuture<>());
  }

  private static NewMessage message(String content, Instant sendAt) {
    return new NewMessage(
        UUID.randomUUID(),
        "+905551234567",
        content,
        sendAt,
        sendAt == null ? null : sendAt.plusSeconds(3_600),
        "order " + content,
        Map.of("name", content));
  }

  private static String id(NewMessage message) {
    return message.id().toString();
  }
}
