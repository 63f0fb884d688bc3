package dev.herald.dispatch;

import dev.herald.message.ClaimedMessage;
import dev.herald.message.IdOrder;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * From where claims look for what is due: from where the last one ended, and once a second from the
 * beginning. The index entries of messages that were claimed stay until a vacuum, and a claim that
 * always began at the beginning would walk over all of them: after 1.4 million it took 80 ms, and
 * one that goes on takes 2 (docs/performance.md). What comes to lie before the frontier, because
 * its lease ran out, it was given back or its transaction was long, is found by the first claim
 * after that second. Thread-safe.
 */
final class ClaimCursor {
  private static final Duration FROM_THE_BEGINNING_EVERY = Duration.ofSeconds(1);

  /**
   * A place in the order in which messages are claimed.
   *
   * @param dueMicros when a message is due, in microseconds since 1970 by the database's clock
   * @param id of the message, for those that are due at the same time
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

  /** Takes note of what a claim brought, in any order; nothing moves nothing. */
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
