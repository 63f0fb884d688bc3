package dev.herald.dispatch;

import dev.herald.Settings;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stops this node's claiming while the provider is down, then lets single messages test it. While
 * it is open nothing is claimed, so no attempt is burnt and no row moves. Thread-safe.
 */
public final class Circuit {
  private static final Logger LOG = LoggerFactory.getLogger(Circuit.class);
  private static final Exception OUTAGE =
      new Exception("outage", null, false, false) {
        private static final long serialVersionUID = 1L;
      };

  private final CircuitBreaker breaker;

  /** What a claim may take. */
  public enum Leave {
    BATCH,
    ONE_PROBE,
    NOTHING
  }

  public Circuit(Settings.Circuit settings) {
    breaker =
        CircuitBreaker.of(
            "webhook",
            CircuitBreakerConfig.custom()
                .slidingWindowSize(settings.window())
                .minimumNumberOfCalls(Math.max(1, settings.window() / 2))
                .failureRateThreshold(settings.failureRate())
                .waitDurationInOpenState(settings.openFor())
                .permittedNumberOfCallsInHalfOpenState(1)
                .writableStackTraceEnabled(false)
                .build());
    breaker
        .getEventPublisher()
        .onStateTransition(
            event ->
                LOG.warn(
                    "The webhook's circuit is {} (it was {}): {}",
                    event.getStateTransition().getToState(),
                    event.getStateTransition().getFromState(),
                    switch (event.getStateTransition().getToState()) {
                      case OPEN ->
                          "nothing is claimed for " + settings.openFor().toSeconds() + " s";
                      case HALF_OPEN -> "one message tests the provider";
                      default -> "delivery goes on";
                    }));
  }

  /**
   * Asks for leave to claim; a probe that then finds no message must be handed back with {@link
   * #noProbe}.
   */
  public Leave leave() {
    if (breaker.getState() == State.CLOSED) {
      return Leave.BATCH;
    }
    return breaker.tryAcquirePermission() ? Leave.ONE_PROBE : Leave.NOTHING;
  }

  public void noProbe() {
    breaker.releasePermission();
  }

  /**
   * Takes note of an outcome. While half-open only the probe's counts: others began before the
   * circuit opened.
   */
  public void note(Outcome outcome) {
    if (!outcome.kind().attempted()) {
      if (outcome.probe()) {
        noProbe();
      }
    } else if (outcome.probe() || breaker.getState() == State.CLOSED) {
      if (outcome.kind().outage()) {
        breaker.onError(outcome.took().toNanos(), TimeUnit.NANOSECONDS, OUTAGE);
      } else {
        breaker.onSuccess(outcome.took().toNanos(), TimeUnit.NANOSECONDS);
      }
    }
  }

  /** Whether whole batches may be claimed. */
  boolean closed() {
    return breaker.getState() == State.CLOSED;
  }

  public boolean open() {
    return breaker.getState() == State.OPEN;
  }

  public State state() {
    return breaker.getState();
  }
}
