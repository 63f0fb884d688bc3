package dev.herald.outcome;

import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.webhook.Posts;
import dev.herald.webhook.WebhookException;
import java.time.Clock;
import java.time.Duration;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;

/**
 * Classifies a webhook's response, or its failure to respond, by the table "Outcomes" in
 * docs/architecture.md. Stateless.
 */
public final class OutcomeClassifier implements Processor {
  private final RetryAfter retryAfter;

  /**
   * @param clock for a {@code Retry-After} that is a date
   */
  public OutcomeClassifier(Clock clock) {
    this.retryAfter = new RetryAfter(clock);
  }

  /**
   * The last step of the delivery route: turns the response into an outcome. The variable {@code
   * messageIdAt} may say where the provider's id is in the response, as a JSON Pointer.
   */
  @Override
  public void process(Exchange exchange) {
    Message answer = exchange.getMessage();
    Integer status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
    if (status == null) {
      throw new IllegalStateException(
          "no step called the webhook, so there is no answer to classify");
    }
    answer.setBody(
        answered(
            exchange.getVariable("message", ClaimedMessage.class),
            status,
            retryAfter.wait(
                answer.getHeader("Retry-After", String.class),
                answer.getHeader("Date", String.class)),
            ProviderText.of(
                answer.getBody(byte[].class),
                answer.getHeader(Exchange.CONTENT_TYPE, String.class),
                exchange.getVariable("messageIdAt", String.class))));
  }

  /** Classifies a response. */
  Outcome answered(ClaimedMessage message, int status, Duration retryAfter, ProviderText answer) {
    Kind kind = kind(status);
    return kind == Kind.DELIVERED
        ? new Outcome(message, kind, status, answer.messageId(), null, null, Duration.ZERO, false)
        : new Outcome(
            message, kind, status, null, answer.error(status), retryAfter, Duration.ZERO, false);
  }

  /**
   * Classifies a failure of the delivery route.
   *
   * @param place the step that failed, its route, file and line; empty if no step did
   * @param posts the route's POSTs up to the failure
   */
  public Outcome failed(ClaimedMessage message, Exception failure, String place, Posts posts) {
    Duration asked = retryAfter.wait(posts.retryAfter(), posts.date());
    if (failure instanceof WebhookException webhook && (webhook.written() || !accepted(posts))) {
      Kind kind = webhook.written() ? Kind.MAYBE_SENT : Kind.NOT_SENT;
      String said = StepFailure.withoutItsData(webhook.getMessage(), message);
      return failed(message, kind, null, said, asked);
    }
    String why =
        "%s: %s"
            .formatted(
                place.isEmpty() ? "" : ", at " + place, StepFailure.inWords(failure, message));
    return switch (posts.last()) {
      case BEFORE ->
          failed(
              message, Kind.MISCONFIGURED, null, "the route failed before the POST" + why, asked);
      case UNANSWERED ->
          failed(
              message,
              Kind.MAYBE_SENT,
              null,
              "the route failed after an unanswered POST" + why,
              asked);
      case ANSWERED ->
          failed(
              message,
              kind(posts.status()),
              posts.status(),
              "the route failed after the answer" + why,
              asked);
    };
  }

  /** Whether the provider has, or may have, accepted the message, by its answer. */
  private static boolean accepted(Posts posts) {
    return posts.last() == Posts.Course.ANSWERED
        && (kind(posts.status()) == Kind.DELIVERED || kind(posts.status()) == Kind.MAYBE_SENT);
  }

  private static Outcome failed(
      ClaimedMessage message, Kind kind, Integer status, String error, Duration retryAfter) {
    return new Outcome(
        message,
        kind,
        status,
        null,
        ProviderText.storable(error),
        retryAfter,
        Duration.ZERO,
        false);
  }

  public static Kind kind(int status) {
    if (status >= 200 && status < 300) {
      return Kind.DELIVERED;
    }
    return switch (status) {
      case 408, 425, 429, 503 -> Kind.NOT_SENT;
      case 401, 403, 404, 405 -> Kind.MISCONFIGURED;
      // 500, 502, 504 and all others: the server may have acted before it failed.
      default -> status >= 300 && status < 500 ? Kind.REFUSED : Kind.MAYBE_SENT;
    };
  }
}
