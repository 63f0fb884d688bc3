package dev.herald.problem;

import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the process when a thread of Herald's own dies, or when any thread meets an {@link Error}: a
 * process without one of its threads still answers, but accepts what it never delivers. After a
 * restart nothing is lost, because PostgreSQL has it. Thread-safe.
 */
public final class FailStop implements Thread.UncaughtExceptionHandler {
  /** The exit code, the same as that of {@code -XX:+ExitOnOutOfMemoryError}. */
  public static final int EXIT_CODE = 3;

  private static final Logger LOG = LoggerFactory.getLogger("dev.herald.Herald");
  private static final String OWN = "herald-";
  private static final int DEEPEST = 100;

  private final IntConsumer end;

  /**
   * @param end ends the process at once with an exit code
   */
  public FailStop(IntConsumer end) {
    this.end = end;
  }

  /**
   * Hands an Error among the causes of a failure to the current thread's handler, as if the thread
   * died of it; for code that catches Errors, as Camel does. Does nothing for other failures, nor
   * for an Error that a single message or request can cause, too deep a call or a failed assertion:
   * it would end one node after the other.
   */
  public static void passOn(Throwable failure) {
    Throwable cause = failure;
    Error error = null;
    for (int i = 0; i < DEEPEST && cause != null; i++) {
      if (cause instanceof StackOverflowError || cause instanceof AssertionError) {
        return;
      }
      if (error == null && cause instanceof Error first) {
        error = first;
      }
      cause = cause.getCause();
    }
    if (error != null) {
      Thread thread = Thread.currentThread();
      thread.getUncaughtExceptionHandler().uncaughtException(thread, error);
    }
  }

  @Override
  public void uncaughtException(Thread thread, Throwable failure) {
    if (!(failure instanceof Error) && !thread.getName().startsWith(OWN)) {
      LOG.error("Thread {} failed", thread.getName(), failure);
      return;
    }
    try {
      LOG.error("Thread {} failed", thread.getName(), failure);
      LOG.error(
          "Herald ends with exit code {}, because thread {} failed: {}. Start it again: accepted"
              + " messages are in PostgreSQL",
          EXIT_CODE,
          thread.getName(),
          failure.toString());
    } finally {
      // Logging needs memory, too.
      end.accept(EXIT_CODE);
    }
  }
}
