package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.Claim;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.message.Message;
import dev.herald.message.MessageQueries.Page;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * What keeps a message from being sent, in words: by its row and by the claim's own conditions,
 * which {@code sql/explain-messages.sql} has read, and by the state of this node. Thread-safe.
 */
public final class Blockers {
  /** What a blocker is: stable, for programs. */
  public enum Code {
    SCHEDULER_STOPPED,
    NOT_DUE,
    WAITING_TURN,
    RATE_LIMITED,
    QUEUED,
    SENDING,
    CIRCUIT_OPEN,
    ROUTE_STOPPED,
    NO_ROOM,
    ENDED
  }

  /** Schema {@code Blocker} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Blocker(
      Code code, String detail, Instant since, Instant until, String by, String action) {}

  /** Schema {@code Why} of the contract; no blocker if the next claim takes the message. */
  public record Why(UUID id, String status, List<Blocker> blockers) {}

  /** A message of a list, with the code of its first blocker; null if it has none. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Explained(@JsonUnwrapped Message message, Code why) {}

  /** Schema {@code MessagePage} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record ExplainedPage(List<Explained> items, String nextCursor) {}

  private static final int COUNTED = 10_000;

  private static final Map<String, String> CLASSES =
      Map.of(
          "NOT_SENT", "the provider certainly did not accept it",
          "MISCONFIGURED", "the webhook's URL or key is wrong, or a step of the route failed",
          "REFUSED", "the provider will not accept this message",
          "MAYBE_SENT", "it may have been sent");

  private final String node;
  private final ClaimPlanner planner;
  private final Circuit circuit;
  private final Supplier<List<RouteStops.Stopped>> stoppedRoutes;

  /**
   * @param node the name of this node
   * @param stoppedRoutes the routes that hold back this node's claims; one without an id while a
   *     reload does
   */
  public Blockers(
      String node,
      ClaimPlanner planner,
      Circuit circuit,
      Supplier<List<RouteStops.Stopped>> stoppedRoutes) {
    this.node = node;
    this.planner = planner;
    this.circuit = circuit;
    this.stoppedRoutes = stoppedRoutes;
  }

  /** The ids to explain: of one message. */
  public String[] one(@Variable("id") String id) {
    return new String[] {id};
  }

  /** The ids to explain: of a page. */
  public String[] all(@Body Page page) {
    return page.items().stream().map(message -> message.id().toString()).toArray(String[]::new);
  }

  /**
   * Explains one message.
   *
   * @throws ProblemException NOT_FOUND
   */
  public Why why(
      @Body List<Standing> rows, @Variable("id") String id, @Variable("claim") Claim claim) {
    if (rows.isEmpty()) {
      throw new ProblemException(Type.NOT_FOUND, "there is no message " + id);
    }
    Standing message = rows.get(0);
    return new Why(
        message.id(),
        message.leased() ? "SENDING" : message.status(),
        blockers(message, claim, ofNode()));
  }

  /** Adds the first code to each message of a page. */
  public ExplainedPage page(
      @Body List<Standing> rows, @Variable("page") Page page, @Variable("claim") Claim claim) {
    List<Blocker> ofNode = ofNode();
    Map<UUID, Standing> standings =
        rows.stream().collect(Collectors.toMap(Standing::id, Function.identity()));
    return new ExplainedPage(
        page.items().stream()
            .map(
                message ->
                    new Explained(message, first(standings.get(message.id()), claim, ofNode)))
            .toList(),
        page.nextCursor());
  }

  private Code first(Standing message, Claim claim, List<Blocker> ofNode) {
    return message == null
        ? null
        : blockers(message, claim, ofNode).stream().findFirst().map(Blocker::code).orElse(null);
  }

  private List<Blocker> blockers(Standing message, Claim claim, List<Blocker> ofNode) {
    List<Blocker> blockers = new ArrayList<>();
    if (!message.due()) {
      Blocker own = own(message);
      if (own.code() != Code.NOT_DUE) {
        return List.of(own);
      }
      blockers.add(own);
    }
    Standing.Claims claims = message.claims();
    if (!claims.allowed() && !claims.running()) {
      blockers.add(stopped(claims));
    }
    blockers.addAll(ofNode);
    if (message.due()) {
      if (!claims.allowed() && claims.running()) {
        blockers.add(held(claims, claim));
      }
      if (message.behind()) {
        blockers.add(queued(message, claim));
      }
    }
    return blockers;
  }

  /** By the message's own row, which the claim's condition leaves out. */
  private static Blocker own(Standing message) {
    if (!message.status().equals("PENDING")) {
      return ended(message);
    }
    if (message.leased()) {
      return new Blocker(
          Code.SENDING,
          "A node has taken it for attempt %d of %d. If that node dies, the message is due again at %s"
              .formatted(message.attempts(), message.maxAttempts(), shown(message.leaseUntil())),
          null,
          message.leaseUntil(),
          null,
          null);
    }
    if (message.expired()) {
      return new Blocker(
          Code.ENDED,
          "Its time ran out at %s; within seconds it is EXPIRED"
              .formatted(shown(message.expiresAt())),
          message.expiresAt(),
          null,
          null,
          null);
    }
    if (message.later()) {
      boolean scheduled =
          message.sendAt() != null && !message.nextAttemptAt().isAfter(message.sendAt());
      return new Blocker(
          Code.NOT_DUE,
          scheduled
              ? "It is to be sent at " + shown(message.sendAt())
              : "Its last attempt failed%s. The next is at %s"
                  .formatted(
                      message.lastError() == null ? "" : ": " + message.lastError(),
                      shown(message.nextAttemptAt())),
          null,
          message.nextAttemptAt(),
          null,
          null);
    }
    return new Blocker(
        Code.NOT_DUE,
        "A condition in sql/due.sql leaves it out",
        null,
        null,
        null,
        "Compare the message with sql/due.sql; other nodes may have another file");
  }

  private static Blocker ended(Standing message) {
    boolean over = message.status().equals("FAILED") || message.status().equals("UNKNOWN");
    String detail =
        switch (message.status()) {
          case "SENT" ->
              "The provider accepted it at " + shown(message.sentAt()) + receipt(message);
          case "FAILED" -> "It failed: " + failure(message);
          case "UNKNOWN" -> "It may have been sent, and you must decide: " + failure(message);
          case "CANCELLED" -> "It was cancelled";
          case "EXPIRED" ->
              "It expired" + (message.lastError() == null ? "" : ": " + message.lastError());
          default -> "It is " + message.status();
        };
    String action =
        !over
            ? null
            : message.expired()
                ? "It cannot be sent again: it expired at %s. Create a new message"
                    .formatted(shown(message.expiresAt()))
                : "POST /api/v1/messages/%s/retry sends it again".formatted(message.id());
    return new Blocker(
        Code.ENDED,
        detail,
        message.sentAt() != null ? message.sentAt() : message.statusAt(),
        null,
        message.status().equals("CANCELLED") ? message.changedBy() : null,
        action);
  }

  private static String failure(Standing message) {
    String error = message.lastError() == null ? "no reason was recorded" : message.lastError();
    String words = message.kind() == null ? null : CLASSES.get(message.kind());
    return words == null ? error : "%s (%s: %s)".formatted(error, message.kind(), words);
  }

  private static String receipt(Standing message) {
    if (message.delivery() == null) {
      return "; no receipt has come";
    }
    String code = message.deliveryCode() == null ? "" : " with code " + message.deliveryCode();
    return switch (message.delivery()) {
      case "DELIVERED" -> "; it arrived at " + shown(message.deliveryAt());
      case "UNDELIVERED" ->
          "; the provider's receipt says that it did not arrive%s, at %s"
              .formatted(code, shown(message.deliveryAt()));
      default -> "; its receipt is missing";
    };
  }

  private static Blocker stopped(Standing.Claims claims) {
    return new Blocker(
        Code.SCHEDULER_STOPPED,
        claims.reason() == null
            ? "Delivery is stopped on every node"
            : "Delivery is stopped on every node: " + claims.reason(),
        claims.changedAt(),
        null,
        claims.changedBy(),
        "POST /api/v1/scheduler/start starts delivery on every node");
  }

  /** The scheduler is on, and no claim takes anything yet. */
  private static Blocker held(Standing.Claims claims, Claim claim) {
    if (claims.tokens() != null && claims.tokens() < 1) {
      Duration wait =
          Duration.ofNanos((long) ((1 - claims.tokens()) / claim.rateLimit() * 1_000_000_000));
      return new Blocker(
          Code.RATE_LIMITED,
          "All nodes together send %d messages a second (webhook.rate-limit), and they did"
              .formatted(claim.rateLimit()),
          null,
          claims.now().plus(wait),
          null,
          null);
    }
    boolean turn = claim.paced() && claims.nextBatchAt().isAfter(claims.now());
    return new Blocker(
        Code.WAITING_TURN,
        turn
            ? "The next batch of up to %d messages goes at %s (dispatch.interval)"
                .formatted(claim.limit(), shown(claims.nextBatchAt()))
            : "A condition in sql/allowed.sql holds claims back",
        null,
        turn ? claims.nextBatchAt() : null,
        null,
        turn ? null : "Look at sql/allowed.sql; other nodes may have another file");
  }

  private static Blocker queued(Standing message, Claim claim) {
    return new Blocker(
        Code.QUEUED,
        "%s messages are due before it, and the next claim takes up to %d"
            .formatted(
                message.ahead() > COUNTED
                    ? "More than %,d".formatted(COUNTED)
                    : "%,d".formatted(message.ahead()),
                claim.limit()),
        message.nextAttemptAt(),
        null,
        null,
        null);
  }

  /** Only this node's; others may send the message meanwhile. */
  private List<Blocker> ofNode() {
    List<Blocker> blockers = new ArrayList<>();
    Circuit.Snapshot seen = circuit.snapshot();
    switch (seen.state()) {
      case OPEN, HALF_OPEN ->
          blockers.add(
              new Blocker(
                  Code.CIRCUIT_OPEN,
                  "Node %s sends only a few messages, to test the webhook: %s"
                      .formatted(node, seen.fullReason()),
                  seen.since(),
                  seen.until(),
                  null,
                  "Look at the provider, webhook.url and webhook.auth-value; Herald goes on by itself"));
      case PAUSED -> {
        if (seen.until() != null) {
          blockers.add(
              new Blocker(
                  Code.CIRCUIT_OPEN,
                  "Node %s pauses: %s".formatted(node, seen.fullReason()),
                  seen.since(),
                  seen.until(),
                  null,
                  null));
        }
      }
      case CLOSED -> {}
    }
    for (RouteStops.Stopped route : stoppedRoutes.get()) {
      blockers.add(
          route.route() == null
              ? new Blocker(
                  Code.ROUTE_STOPPED,
                  "Node %s claims nothing while it reloads its flow".formatted(node),
                  null,
                  null,
                  null,
                  null)
              : new Blocker(
                  Code.ROUTE_STOPPED,
                  "Route %s is stopped on node %s, which claims nothing meanwhile"
                      .formatted(route.route(), node),
                  route.since(),
                  null,
                  route.by(),
                  "POST /api/v1/routes/%s/start on node %s starts it"
                      .formatted(route.route(), node)));
    }
    planner
        .noRoom()
        .ifPresent(
            no ->
                blockers.add(
                    new Blocker(
                        Code.NO_ROOM,
                        "Node %s %s".formatted(node, no.reason()),
                        no.since(),
                        null,
                        null,
                        null)));
    return blockers;
  }

  private static String shown(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
