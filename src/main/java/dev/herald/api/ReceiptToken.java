package dev.herald.api;

import dev.herald.config.ApiKey;
import dev.herald.config.Role;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import io.vertx.core.MultiMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Guards {@code /receipts/NAME?token=}, for providers that can only call a URL: the token takes the
 * place of a key. Immutable.
 */
public final class ReceiptToken {
  /** Who calls, as the routes and the rate limit know it. */
  static final Caller CALLER = new Caller("receipts", "", Set.of(Role.SEND));

  private static final String PATHS = "/receipts/";
  private static final String PARAMETER = "token";

  private final Optional<ApiKeys> token;

  /**
   * @param token {@code receipts.token}
   */
  public ReceiptToken(Optional<String> token) {
    this.token =
        token.map(
            secret ->
                new ApiKeys(List.of(new ApiKey(CALLER.name(), secret, CALLER.roles())), false));
  }

  /** Whether the token guards a path, and no key does. */
  static boolean guards(String path) {
    return path.startsWith(PATHS);
  }

  /** What is wrong with a request; takes the token away, so that no route and no log shows it. */
  Optional<Problem> problem(MultiMap query) {
    String given = query.get(PARAMETER);
    query.remove(PARAMETER);
    if (token.isEmpty()) {
      return Optional.of(
          Problem.of(
              Type.NOT_FOUND,
              "this Herald takes no receipts at /receipts/; set receipts.token to let providers in"));
    }
    return token.get().owner(given).isPresent()
        ? Optional.empty()
        : Optional.of(
            Problem.of(
                Type.UNAUTHORIZED,
                "the query parameter token must have the value of receipts.token"));
  }

  /** Nothing is there. */
  static Problem nothingAt(String path) {
    return Problem.of(
        Type.NOT_FOUND, "no route takes receipts at " + path + "; routes.include adds one");
  }
}
