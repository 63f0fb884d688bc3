package dev.herald.dispatch;

import dev.herald.config.Settings;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.Trail;
import dev.herald.outcome.LogWords;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeClassifier;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RetryPolicy;
import dev.herald.problem.FailStop;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.Processor;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The step before a message's delivery: checks whether the message may still be posted. If not, the
 * message leaves the route with its outcome. However the route ends, the outcome is recorded.
 * Thread-safe.
 */
public final class Gate implements Processor {
  private static final Logger LOG = LoggerFactory.getLogger(Gate.class);
  private static final int MOST_CAUSES = 10;

  private final long needed;
  private final RetryPolicy policy;
  private final Circuit circuit;
  private final OutcomeClassifier classifier;
  private final OutcomeRecorder recorder;
  private final BooleanSupplier postingAllowed;
  private final AtomicInteger busy = new AtomicInteger();
  private volatile boolean closed;

  /**
   * @param postingAllowed whether a POST may begin now; otherwise messages are given back
   */
  public Gate(
      Settings settings,
      RetryPolicy policy,
      Circuit circuit,
      OutcomeClassifier classifier,
      OutcomeRecorder recorder,
      BooleanSupplier postingAllowed) {
    this.needed = settings.webhook().timeout().toNanos() + Delivery.MARGIN_NANOS;
    this.policy = policy;
    this.circuit = circuit;
    this.classifier = classifier;
    this.recorder = recorder;
    this.postingAllowed = postingAllowed;
  }

  @Override
  public void process(Exchange exchange) throws InvalidPayloadException {
    ClaimedMessage message = exchange.getMessage().getMandatoryBody(ClaimedMessage.class);
    Claim claim = exchange.getVariable("claim", Claim.class);
    if (claim == null) {
      throw new IllegalStateException("bean gate needs variable claim; the split must keep it");
    }
    long now = System.nanoTime();
    Delivery delivery = new Delivery(message, claim, now);
    exchange.setVariable("message", message);
    exchange.setVariable("delivery", delivery);
    exchange.getExchangeExtension().addOnCompletion(new Ending(delivery));
    claim.batch().arrived();
    busy.incrementAndGet();
    refusal(delivery, now)
        .ifPresent(
            outcome -> {
              exchange.getMessage().setBody(outcome);
              exchange.setRouteStop(true);
            });
  }

  /** Gives back all messages from now on. */
  void close() {
    closed = true;
  }

  /** Messages in the delivery route. */
  public int busy() {
    return busy.get();
  }

  private Optional<Outcome> refusal(Delivery delivery, long now) {
    ClaimedMessage message = delivery.message();
    Claim claim = delivery.claim();
    if (message.orphan() && !policy.allowsAgain(message.attempt(), message.maxAttempts())) {
      return Optional.of(
          Outcome.untried(
              message,
              Kind.ORPHANED,
              "may have been sent: the lease ran out before the outcome was recorded"));
    }
    if (closed
        || !postingAllowed.getAsBoolean()
        || claim.leaseLeft(now) <= needed
        || !circuit.allows(claim)) {
      return Optional.of(Outcome.untried(message, Kind.RETURNED, null));
    }
    if (message.expiresInMs() != null
        && TimeUnit.NANOSECONDS.toMillis(now - claim.askedAt()) >= message.expiresInMs()) {
      return Optional.of(
          Outcome.untried(message, Kind.EXPIRED, "it expired before it could be sent"));
    }
    return Optional.empty();
  }

  /** Ends the delivery once, however the exchange ends. */
  private final class Ending extends SynchronizationAdapter {
    private final Delivery delivery;

    Ending(Delivery delivery) {
      this.delivery = delivery;
    }

    @Override
    public void onDone(Exchange exchange) {
      Outcome outcome =
          exchange.getMessage().getBody() instanceof Outcome given ? given : failed(exchange);
      delivery.end(outcome, System.nanoTime()).ifPresent(ended -> end(exchange, ended));
    }

    /** The body is for the caller that waits for the batch. */
    private void end(Exchange exchange, Outcome outcome) {
      exchange.getMessage().setBody(outcome);
      if (Trail.on()) {
        Trail.step(
            outcome.message(),
            "ends as {} after {} ms{}",
            outcome.kind(),
            outcome.took().toMillis(),
            outcome.error() == null ? "" : ": " + LogWords.of(outcome.message(), outcome.error()));
      }
      circuit.note(outcome);
      busy.decrementAndGet();
      recorder.add(outcome);
    }

    /** Where it was thrown and not what it says, for that may quote the message. */
    private static String trace(Throwable failure) {
      StringBuilder trace = new StringBuilder();
      Throwable cause = failure;
      for (int depth = 0; cause != null && depth < MOST_CAUSES; depth++) {
        trace.append(depth == 0 ? "\n  " : "\nCaused by: ").append(cause.getClass().getName());
        for (StackTraceElement frame : cause.getStackTrace()) {
          trace.append("\n\tat ").append(frame);
        }
        cause = cause.getCause();
      }
      return trace.toString();
    }

    private Outcome failed(Exchange exchange) {
      Exception failure = exchange.getException();
      if (failure == null) {
        failure =
            new IllegalStateException(
                "the route ended without an outcome; its last step must be outcomeClassifier");
      }
      FailStop.passOn(failure);
      String place = FailedStep.of(exchange);
      if (LOG.isDebugEnabled()) {
        LOG.debug("Message {} failed at {}:{}", delivery.message().id(), place, trace(failure));
      }
      return classifier.failed(delivery.message(), failure, place, delivery.posts());
    }
  }
}
