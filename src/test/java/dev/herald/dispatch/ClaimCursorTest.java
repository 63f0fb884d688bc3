package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.dispatch.ClaimCursor.Position;
import dev.herald.message.ClaimedMessage;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ClaimCursorTest {
  private static final UUID LOW = new UUID(0x7fffffffffffffffL, 1);
  private static final UUID HIGH = new UUID(0x8000000000000000L, 1);

  private final ClaimCursor frontier = new ClaimCursor();

  @Test
  void should_begin_at_the_beginning() {
    assertThat(frontier.next(-5)).isEqualTo(Position.BEGINNING);
  }

  @Test
  void should_go_on_after_the_last_in_the_order_of_the_database() {
    frontier.next(0);
    frontier.reached(List.of(due(7, LOW), due(9, LOW), due(9, HIGH), due(8, HIGH)));
    assertThat(frontier.next(1)).isEqualTo(new Position(9, HIGH));
    frontier.reached(List.of());
    assertThat(frontier.next(2)).as("nothing was brought").isEqualTo(new Position(9, HIGH));
  }

  @Test
  void should_look_from_the_beginning_once_a_second_and_go_back_to_what_it_finds_there() {
    frontier.next(0);
    frontier.reached(List.of(due(9, HIGH)));
    long second = TimeUnit.SECONDS.toNanos(1);
    assertThat(frontier.next(second - 1)).isEqualTo(new Position(9, HIGH));
    assertThat(frontier.next(second)).isEqualTo(Position.BEGINNING);
    frontier.reached(List.of(due(3, LOW)));
    assertThat(frontier.next(second + 1)).isEqualTo(new Position(3, LOW));
  }

  private static ClaimedMessage due(long micros, UUID id) {
    return new ClaimedMessage(
        id,
        UUID.randomUUID(),
        "+905551234567",
        "hi",
        1,
        3,
        null,
        false,
        null,
        micros,
        null,
        false,
        null,
        Map.of());
  }
}
