package dev.herald.flow;

/**
 * Stands for bean {@code claimPlanner} in a rehearsal, where a route asks it what to claim: always
 * one batch. Its other methods are stepped over.
 */
public final class DryPlanner {
  /** Any claim: the statement that it is for is not run. */
  public Object next() {
    return "claim";
  }

  /** The same, by hand. */
  public Object manual() {
    return next();
  }

  /** No claim's answer was lost. */
  public Object lost() {
    return null;
  }

  /** Stepped over, like those below: they are here to be found. */
  public void wake() {}

  public void claimed() {}

  public void givenBack() {}

  public void notGivenBack() {}

  public void failed() {}
}
