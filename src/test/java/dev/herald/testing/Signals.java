package dev.herald.testing;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Sends a signal to a process that a test started. */
public final class Signals {
  private Signals() {}

  /**
   * @param signal its name without SIG
   */
  public static void send(String signal, long pid) {
    try {
      new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).inheritIO().start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
