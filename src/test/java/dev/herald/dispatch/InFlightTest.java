package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class InFlightTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
  private final InFlight inFlight = new InFlight(clock::get);

  @Test
  void should_count_what_is_claimed_and_not_recorded() {
    inFlight.batch().claimed(5);
    inFlight.recorded(2);
    assertThat(inFlight.count()).isEqualTo(3);
  }

  @Test
  void should_work_out_its_rate_four_times_a_second() {
    inFlight.recorded(100);
    pass(Duration.ofMillis(249));
    assertThat(inFlight.perSecond()).isZero();
    pass(Duration.ofMillis(1));
    assertThat(inFlight.perSecond()).isEqualTo(400);
    inFlight.recorded(10);
    assertThat(inFlight.perSecond()).isEqualTo(400);
    pass(Duration.ofMillis(500));
    assertThat(inFlight.latestPerSecond()).as("nobody has asked since").isEqualTo(400);
    assertThat(inFlight.perSecond()).isEqualTo(20);
    assertThat(inFlight.latestPerSecond()).isEqualTo(20);
  }

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }
}
