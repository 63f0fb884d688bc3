package dev.herald.intake;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** When two requests are the same. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RequestTest {
  private static final Instant NOON = Instant.parse("2030-01-01T12:00:00Z");
  private static final Instant EVENING = Instant.parse("2030-01-01T18:00:00Z");

  @Test
  void should_hash_what_is_asked_for_and_nothing_else() {
    String hash = hash(message("+905551234567", "hi", NOON, EVENING));
    assertThat(hash).matches("[0-9a-f]{64}");
    assertThat(hash(message("+905551234567", "hi", NOON, EVENING)))
        .as("another id is the same request")
        .isEqualTo(hash);
    assertThat(
            List.of(
                hash,
                hash(message("+905557654321", "hi", NOON, EVENING)),
                hash(message("+905551234567", "Hi", NOON, EVENING)),
                hash(message("+905551234567", "hi", null, EVENING)),
                hash(message("+905551234567", "hi", NOON, null)),
                hash(message("+905551234567", "hi", EVENING, NOON))))
        .doesNotHaveDuplicates();
  }

  @Test
  void should_hash_the_clients_own_words_in_any_order() {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("b", "2");
    metadata.put("a", "1");
    assertThat(hash(message("r", metadata)))
        .isEqualTo(hash(message("r", Map.of("a", "1", "b", "2"))));
    assertThat(
            List.of(
                hash(message(null, null)),
                hash(message("null", null)),
                hash(message("r", null)),
                hash(message("r", metadata)),
                hash(message(null, metadata)),
                hash(message(null, Map.of("a", "1"))),
                hash(message(null, Map.of("a", "1\",\"b\":\"2"))),
                hash(message(null, null), message("r", null)),
                hash(message("r", null), message(null, null))))
        .doesNotHaveDuplicates();
  }

  @Test
  void should_hash_as_ever_what_has_no_words_of_the_clients_own() {
    assertThat(hash(message("+905551234567", "hi", NOON, null)))
        .isEqualTo("6998e049edcc45c0b4923837d52cdbf0ccb41283d9434478605cf2bf54731189");
  }

  @Test
  void should_not_take_many_messages_for_one_that_reads_alike() {
    NewMessage first = message("+905551234567", "a", null, null);
    NewMessage second = message("+905551234567", "b", null, null);
    NewMessage both = message("+905551234567", "a+905551234567\nnull\nnull\n1\nb", null, null);
    assertThat(List.of(hash(first, second), hash(second, first), hash(both), hash(first)))
        .doesNotHaveDuplicates();
  }

  @Test
  void should_keep_the_keys_of_different_owners_apart() {
    assertThat(request("ops", "1").scopedKey()).isNotEqualTo(request("app", "1").scopedKey());
    assertThat(request("a", "bc").scopedKey()).isNotEqualTo(request("ab", "c").scopedKey());
    assertThat(request("ops", null).keyed()).isFalse();
  }

  private static String hash(NewMessage... messages) {
    return new Request(List.of(messages), "ops", "1", null, new CompletableFuture<>()).hash();
  }

  private static Request request(String owner, String key) {
    return new Request(List.of(), owner, key, null, new CompletableFuture<>());
  }

  private static NewMessage message(String number, String content, Instant from, Instant to) {
    return new NewMessage(UUID.randomUUID(), number, content, from, to, null, null);
  }

  private static NewMessage message(String reference, Map<String, String> metadata) {
    return new NewMessage(
        UUID.randomUUID(), "+905551234567", "hi", null, null, reference, metadata);
  }
}
