package dev.herald.dispatch;

import dev.herald.message.ClaimedMessage;
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
 * One claimed message on its way through this node; it ends exactly once, with an outcome. It knows
 * of the POSTs that the route makes, one as a rule, and holds them to the claim's lease.
 * Thread-safe.
 */
final class Delivery implements Posting {
  /** What of a lease is kept for what follows a POST: recording its outcome. */
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

  /** A POST that would be cut off halfway leaves nobody wiser: half of its time must be there. */
  @Override
  public long deadline(long now, long timeoutNanos) throws WebhookException {
    long left = claim.leaseLeft(now) - MARGIN_NANOS;
    if (left < timeoutNanos / 2) {
      throw WebhookException.notSent(
          "the steps before the POST took so long that the lease is nearly over");
    }
    return now + Math.min(timeoutNanos, left);
  }

  @Override
  public void leaves() {
    started = System.nanoTime();
    posts = new Posts(Course.UNANSWERED, null, posts.maybeSent() || ambiguous(posts));
  }

  @Override
  public void answered(int status) {
    posts = new Posts(Course.ANSWERED, status, posts.maybeSent());
  }

  /** The outcome with what only the delivery knows, or nothing when it has ended before. */
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
