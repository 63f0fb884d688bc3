package dev.herald.flow;

/** The groups of routes that mean something to Herald, as {@code group} in a route file. */
public final class RouteGroups {
  /** Routes that ask for claims. */
  public static final String CLAIM = "claim";

  /** Routes that a claimed message passes: claims pause while one of them is stopped. */
  public static final String DELIVERY = "delivery";

  private RouteGroups() {}
}
