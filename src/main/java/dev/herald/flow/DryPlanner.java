package dev.herald.flow;

/**
 * Stands for bean {@code claimPlanner} in a rehearsal, where a route asks it what to claim: always
 * one batch. Its other methods are stepped over.
 */
public final class DryPlanner {
  private volatile String[] lost;

  /** Any claim: the statement that it is for is not run. */
  public Object next() {
    return "claim";
  }

  /** The same, by hand. */
  public Object manual() {
    return next();
  }

  /** The same, for display. */
  public Object preview() {
    return next();
  }

  /** No claim's answer was lost, unless a check says so. */
  public Object lost() {
    return lost;
  }

  /**
   * @param claims whose answers were lost; null for none
   */
  void lose(String[] claims) {
    lost = claims;
  }

  /** Stepped over, like those below: they are here to be found. */
  public void wake() {}

  public void claimed() {}

  public void givenBack() {}

  public void notGivenBack() {}

  public void failed() {}
}
