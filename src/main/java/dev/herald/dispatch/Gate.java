package dev.herald.dispatch;

import dev.herald.Settings;
import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.ClaimedMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * The step before a message's delivery: it waits for one of {@code dispatch.concurrency} slots
 * without holding a thread, and then says whether the message may still be posted. One that may not
 * leaves the route with its outcome. However the route ends, the outcome is recorded and the slot
 * is free again. Thread-safe.
 */
public final class Gate extends AsyncProcessorSupport {
  /** What lies between this check and the first byte: scheduling and a garbage collection. */
  private static final Duration HAND_OVER = Duration.ofSeconds(1);

  private record Waiting(Exchange exchange, AsyncCallback callback, Delivery delivery) {}

  private final int slots;
  private final Duration needed;
  private final RetryPolicy policy;
  private final Circuit circuit;
  private final Outcomes outcomes;
  private final Recorder recorder;
  private final BooleanSupplier mayPost;
  private final Deque<Waiting> waiting = new ArrayDeque<>();
  private final ThreadLocal<Boolean> admitting = new ThreadLocal<>();
  private int busy;
  private volatile boolean closed;

  /**
   * @param mayPost whether a POST may begin now; what comes while it may not is given back
   */
  public Gate(
      Settings settings,
      RetryPolicy policy,
      Circuit circuit,
      Outcomes outcomes,
      Recorder recorder,
      BooleanSupplier mayPost) {
    this.slots = settings.dispatch().concurrency();
    this.needed = settings.webhook().timeout().plus(HAND_OVER);
    this.policy = policy;
    this.circuit = circuit;
    this.outcomes = outcomes;
    this.recorder = recorder;
    this.mayPost = mayPost;
  }

  @Override
  public boolean process(Exchange exchange, AsyncCallback callback) {
    ClaimedMessage message = exchange.getMessage().getBody(ClaimedMessage.class);
    Delivery delivery = new Delivery(message, exchange.getVariable("claim", Claim.class));
    exchange.setVariable("message", message);
    exchange.setVariable("delivery", delivery);
    exchange.getExchangeExtension().addOnCompletion(new Ending(delivery));
    Waiting arrival = new Waiting(exchange, callback, delivery);
    synchronized (waiting) {
      if (busy >= slots) {
        waiting.add(arrival);
        return false;
      }
      busy++;
    }
    check(arrival);
    callback.done(true);
    return true;
  }

  /** Gives back what waits, and whatever still comes. */
  void drain() {
    closed = true;
    free(0);
  }

  public int busy() {
    synchronized (waiting) {
      return busy;
    }
  }

  public int waiting() {
    synchronized (waiting) {
      return waiting.size();
    }
  }

  private void check(Waiting next) {
    long now = System.nanoTime();
    Delivery delivery = next.delivery();
    delivery.start(now);
    refusal(delivery, now)
        .ifPresent(
            outcome -> {
              next.exchange().getMessage().setBody(outcome);
              next.exchange().setRouteStop(true);
            });
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
        || !mayPost.getAsBoolean()
        || !claim.holdsFor(needed, now)
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

  /** Frees slots and lets the next ones through, in a loop rather than a recursion. */
  private void free(int count) {
    synchronized (waiting) {
      busy -= count;
    }
    if (admitting.get() != null) {
      return;
    }
    admitting.set(true);
    try {
      for (Waiting next = poll(); next != null; next = poll()) {
        check(next);
        next.callback().done(false);
      }
    } finally {
      admitting.remove();
    }
  }

  private Waiting poll() {
    synchronized (waiting) {
      if (waiting.isEmpty() || (busy >= slots && !closed)) {
        return null;
      }
      busy++;
      return waiting.poll();
    }
  }

  /** However the exchange ends, its delivery ends once and its slot is freed once. */
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
      free(1);
    }

    /** The body is for whoever waits for the batch. */
    private void end(Exchange exchange, Outcome outcome) {
      exchange.getMessage().setBody(outcome);
      circuit.note(outcome);
      recorder.add(outcome);
    }

    private Outcome failed(Exchange exchange) {
      Exception failure = exchange.getException();
      if (failure == null) {
        failure =
            new IllegalStateException(
                "the route ended without an outcome; it must end with step outcomes");
      }
      return outcomes.failed(
          delivery.message(),
          failure,
          exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class),
          exchange.getProperty(Exchange.TO_ENDPOINT, String.class));
    }
  }
}
