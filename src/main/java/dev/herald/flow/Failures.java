package dev.herald.flow;

import dev.herald.problem.Reason;
import java.util.Optional;

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
      IllegalStateException failure = new IllegalStateException(what + ": " + Reason.of(e), e);
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
