package dev.herald.api;

import org.slf4j.MDC;

/** What the log says of a request carries its correlation id. */
public final class RequestLog {
  private static final String KEY = "correlationId";

  private RequestLog() {}

  /**
   * Logs with the id.
   *
   * @param correlationId null where there is no request, as with a timer
   */
  public static void with(String correlationId, Runnable log) {
    if (correlationId == null) {
      log.run();
    } else {
      MDC.put(KEY, correlationId);
      try {
        log.run();
      } finally {
        MDC.remove(KEY);
      }
    }
  }
}
