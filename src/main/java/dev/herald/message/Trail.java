package dev.herald.message;

import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * What the log says of single messages, with the id of each, and of the request that created it, in
 * fields of their own: at debug every step from the intake to the outcome. Thread-safe.
 */
public final class Trail {
  private static final Logger LOG = LoggerFactory.getLogger(Trail.class);

  /** The fields, which {@code log4j2.xml} shows. */
  private static final String MESSAGE = "herald.message.id";

  private static final String REQUEST = "correlationId";

  private Trail() {}

  /** Whether steps are logged; ask first where there are many messages. */
  public static boolean on() {
    return LOG.isDebugEnabled();
  }

  /**
   * Logs a step at debug.
   *
   * @param step what follows "Message ID", with {} for each of the values
   */
  public static void step(ClaimedMessage message, String step, Object... values) {
    step(message.id(), message.correlationId(), step, values);
  }

  /** The same for a message that no claim holds. */
  public static void step(UUID id, String correlationId, String step, Object... values) {
    if (on()) {
      about(LOG, Level.DEBUG, id, correlationId).log("Message " + id + " " + step, values);
    }
  }

  /**
   * Begins a line about a message.
   *
   * @param correlationId may be null
   */
  public static LoggingEventBuilder about(Logger log, Level level, UUID id, String correlationId) {
    LoggingEventBuilder line = log.atLevel(level).addKeyValue(MESSAGE, id);
    return correlationId == null ? line : line.addKeyValue(REQUEST, correlationId);
  }
}
