package dev.herald.flow;

import java.util.Optional;
import org.springframework.core.NestedExceptionUtils;

/** Does everything that can be done, and keeps the first failure. Not thread-safe. */
final class Failures {
  private IllegalStateException first;

  /** Something that may fail. */
  interface Step {
    void run() throws Exception;
  }

  /**
   * @param what it is that fails, for the message
   */
  void collect(String what, Step step) {
    try {
      step.run();
    } catch (Exception | LinkageError e) {
      Throwable root = NestedExceptionUtils.getMostSpecificCause(e);
      IllegalStateException failure =
          new IllegalStateException(
              what + ": " + (root.getMessage() == null ? root : root.getMessage()), e);
      if (first == null) {
        first = failure;
      } else {
        first.addSuppressed(failure);
      }
    }
  }

  Optional<IllegalStateException> first() {
    return Optional.ofNullable(first);
  }

  void throwIfAny() {
    if (first != null) {
      throw first;
    }
  }
}
