package dev.herald.flow;

import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome;
import dev.herald.problem.Fault;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.camel.model.ThrowExceptionDefinition;

/**
 * What became of a claimed message in a rehearsal, and whether that is right: it passes the gate
 * once, leaves in one POST, and has an outcome.
 *
 * @param message how a fault calls it
 */
record Verdict(Rehearsal flow, Rehearsal.Run run, String message) {
  /** A message as a claim returns it. */
  static ClaimedMessage sample(
      String phoneNumber, String content, String reference, Map<String, String> metadata) {
    return new ClaimedMessage(
        new UUID(0, 1),
        new UUID(0, 2),
        phoneNumber,
        content,
        1,
        3,
        "sample",
        false,
        null,
        System.currentTimeMillis() * 1_000,
        null,
        false,
        reference,
        metadata);
  }

  /**
   * What is wrong; nothing if the message would have been delivered.
   *
   * @param mayDecline whether a {@code throwException} of the flow is an end as any other: its own
   *     decision, such as while something is missing that comes later
   */
  Optional<Fault> fault(boolean mayDecline) {
    RoutePart batch = route(FlowCheck.CLAIM);
    if (run.ended().isEmpty()) {
      return Optional.of(batch.fault(batch.line(), beforeTheGate(batch)));
    }
    if (run.ended().size() > 1) {
      return Optional.of(
          batch.fault(
              batch.line(),
              "%s passed the step gate %d times in %s; once is right"
                  .formatted(message, run.ended().size(), batch.name())));
    }
    DrySteps.Ended end = run.ended().get(0);
    if (mayDecline && end.failure() != null && end.last() instanceof ThrowExceptionDefinition) {
      return Optional.empty();
    }
    RoutePart deliver = route(FlowCheck.DELIVER);
    Optional<RoutePart> failed =
        end.last() != null && end.last().getLineNumber() > 0
            ? flow.routeOf(end.last())
            : Optional.empty();
    return afterTheGate(end, deliver.name(), failed.map(RoutePart::name))
        .map(
            what ->
                failed
                    .map(route -> route.fault(end.last().getLineNumber(), what))
                    .orElseGet(() -> deliver.fault(deliver.line(), what)));
  }

  private String beforeTheGate(RoutePart batch) {
    return run.failure() == null
        ? "%s did not pass the step gate in %s; the claim needs outputClass: %s, and the split must lead each message through gate"
            .formatted(message, batch.name(), ClaimedMessage.class.getName())
        : "%s failed before the gate: %s".formatted(message, flow.reason(run.failure()));
  }

  private Optional<String> afterTheGate(DrySteps.Ended end, String route, Optional<String> failed) {
    if (end.failure() != null) {
      String step =
          failed
              .map(name -> " (step %s of %s)".formatted(RoutePart.name(end.last()), name))
              .orElse("");
      return Optional.of(
          "%s failed: %s%s%s".formatted(message, flow.reason(end.failure()), hint(), step));
    }
    if (!(end.body() instanceof Outcome)) {
      return Optional.of(
          "%s went through %s and ended without an outcome; its last step must be outcomeClassifier"
              .formatted(message, route));
    }
    if (run.posts().isEmpty()) {
      return Optional.of(
          "%s went through %s without a POST, and has an outcome all the same%s"
              .formatted(message, route, hint()));
    }
    return run.posts().size() == 1
        ? Optional.empty()
        : Optional.of(
            "%s was posted %d times in %s, though the first POST was accepted; it must leave once"
                .formatted(message, run.posts().size(), route));
  }

  /** What may explain it: a POST by another client, or steps that answered nothing. */
  private String hint() {
    if (!run.posts().isEmpty() || run.skipped().isEmpty()) {
      return "";
    }
    boolean posts =
        flow.routes().stream()
            .flatMap(route -> route.targets().stream())
            .anyMatch(target -> target.uri().contains("#webhookClient"));
    return posts
        ? "; a check does not call %s, which answered nothing"
            .formatted(String.join(", ", run.skipped()))
        : "; the POST needs httpClient: \"#webhookClient\"";
  }

  private RoutePart route(String entrance) {
    return flow.routes().stream()
        .filter(one -> one.entrance().equals(entrance))
        .findFirst()
        .orElseThrow();
  }
}
