package dev.herald.dispatch;

import dev.herald.message.ClaimedMessage;
import dev.herald.message.Trail;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeClassifier;
import dev.herald.webhook.Posting;
import dev.herald.webhook.Posts;
import dev.herald.webhook.Posts.Course;
import dev.herald.webhook.WebhookException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The delivery of one claimed message; it ends exactly once, with an outcome. It tracks the route's
 * POSTs, usually one, and keeps them within the claim's lease. Thread-safe.
 */
final class Delivery implements Posting {
  /** The part of a lease that is reserved for recording the outcome. */
  static final long MARGIN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final ClaimedMessage message;
  private final Claim claim;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile long started;
  private volatile Posts posts = Posts.NONE;

  Delivery(ClaimedMessage message, Claim claim, long now) {
    this.message = message;
    this.claim = claim;
    this.started = now;
  }

  ClaimedMessage message() {
    return message;
  }

  Claim claim() {
    return claim;
  }

  Posts posts() {
    return posts;
  }

  /** A POST that is cut off has an unknown outcome, so at least half of its time must be left. */
  @Override
  public long deadline(long now, long timeoutNanos) throws WebhookException {
    long left = claim.leaseLeft(now) - MARGIN_NANOS;
    if (left < timeoutNanos / 2) {
      throw new WebhookException(
          "the steps before the POST took too long: the lease is nearly over");
    }
    return now + Math.min(timeoutNanos, left);
  }

  @Override
  public void leaves(String host) {
    if (Trail.on()) {
      Trail.step(message, "leaves as a POST to {}, attempt {}", host, message.attempt());
    }
    started = System.nanoTime();
    posts = new Posts(Course.UNANSWERED, null, null, null, posts.maybeSent() || ambiguous(posts));
  }

  @Override
  public void answered(int status, String retryAfter, String date) {
    posts = new Posts(Course.ANSWERED, status, retryAfter, date, posts.maybeSent());
    if (Trail.on()) {
      Trail.step(message, "is answered with HTTP {}", status);
    }
  }

  /** Completes the outcome; nothing if the delivery has already ended. */
  Optional<Outcome> end(Outcome outcome, long now) {
    if (!ended.compareAndSet(false, true)) {
      return Optional.empty();
    }
    Kind kind = outcome.kind();
    if (posts.maybeSent() && kind.attempted() && kind != Kind.DELIVERED) {
      kind = Kind.MAYBE_SENT;
    }
    return Optional.of(
        new Outcome(
            message,
            kind,
            outcome.httpStatus(),
            outcome.webhookMessageId(),
            outcome.error(),
            outcome.retryAfter(),
            kind.attempted() ? Duration.ofNanos(now - started) : Duration.ZERO,
            claim.probe()));
  }

  private static boolean ambiguous(Posts posts) {
    return posts.last() == Course.UNANSWERED
        || (posts.last() == Course.ANSWERED
            && OutcomeClassifier.kind(posts.status()) == Kind.MAYBE_SENT);
  }
}
