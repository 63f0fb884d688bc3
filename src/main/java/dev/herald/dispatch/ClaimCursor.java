package dev.herald.dispatch;

import dev.herald.message.ClaimedMessage;
import dev.herald.message.IdOrder;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * Decides where a claim starts to look for due messages: where the last one ended, and once a
 * second at the beginning. The index entries of claimed messages stay until a vacuum. A claim that
 * always started at the beginning would walk over all of them and took 80 ms after 1.4 million
 * messages, instead of 2 (docs/performance.md). Messages before the cursor, because their lease ran
 * out, they were given back or their transaction was long, are found by the first claim after that
 * second. Thread-safe.
 */
final class ClaimCursor {
  private static final Duration FROM_THE_BEGINNING_EVERY = Duration.ofSeconds(1);

  /**
   * A position in the order in which messages are claimed.
   *
   * @param dueMicros when a message is due, in microseconds since 1970 by the database's clock
   * @param id the message's id, which orders messages that are due at the same time
   */
  public record Position(long dueMicros, UUID id) {
    static final Position BEGINNING = new Position(0, new UUID(0, 0));

    private boolean isBefore(Position other) {
      return dueMicros != other.dueMicros
          ? dueMicros < other.dueMicros
          : IdOrder.compare(id, other.id) < 0;
    }
  }

  private Position reached = Position.BEGINNING;
  private Long lastFromTheBeginning;

  /**
   * Where the next claim begins.
   *
   * @param now {@link System#nanoTime()}
   */
  synchronized Position next(long now) {
    if (lastFromTheBeginning == null
        || now - lastFromTheBeginning >= FROM_THE_BEGINNING_EVERY.toNanos()) {
      lastFromTheBeginning = now;
      return Position.BEGINNING;
    }
    return reached;
  }

  /** Moves to the last of the claimed messages, given in any order; stays if there are none. */
  synchronized void reached(List<ClaimedMessage> messages) {
    Position last = Position.BEGINNING;
    for (ClaimedMessage message : messages) {
      Position place = new Position(message.dueMicros(), message.id());
      if (last.isBefore(place)) {
        last = place;
      }
    }
    if (!messages.isEmpty()) {
      reached = last;
    }
  }
}
