package dev.herald.problem;

/** Why something failed, in words. */
public final class Reason {
  private Reason() {}

  /** The message of the deepest cause that has one; without any, the class of the deepest. */
  public static String of(Throwable failure) {
    String reason = null;
    Throwable deepest = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause.getMessage() != null
          && !cause.getMessage().isBlank()
          && !isOf(cause, cause.getCause())) {
        reason = cause.getMessage();
      }
      deepest = cause;
    }
    return reason == null ? deepest.getClass().getName() : reason;
  }

  /** Whether a message is only its cause's, which {@link Throwable} makes of it. */
  private static boolean isOf(Throwable failure, Throwable cause) {
    return cause != null && failure.getMessage().equals(cause.toString());
  }
}
