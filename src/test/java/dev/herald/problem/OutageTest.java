package dev.herald.problem;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.CapturedLog;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

@DisplayNameGeneration(ReplaceUnderscores.class)
class OutageTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1_000);
  private final Outage outage =
      new Outage(LoggerFactory.getLogger("Some"), Duration.ofSeconds(2), clock::get);
  private final CapturedLog log = new CapturedLog();

  @AfterEach
  void close() {
    log.close();
  }

  @Test
  void should_log_a_line_when_it_begins_one_a_minute_and_one_when_it_is_over() {
    for (int i = 0; i < 1_000; i++) {
      outage.failed("It is away", "no " + i);
      pass(100);
    }
    work(3_000);
    work(3_000);
    assertThat(log.lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("WARN", "It is away: no 0"),
            line ->
                assertThat(line)
                    .contains("WARN", "It is away for 1 m 0 s now, and failed 601 times: no 600"),
            line -> assertThat(line).contains("INFO", "It is back after 1 m 40 s, with a gap"));
    assertThat(outage.reason()).isNull();
  }

  @Test
  void should_go_on_while_it_works_only_now_and_then() {
    outage.failed("It is away", "no");
    work(1_900);
    outage.failedAgain();
    work(1_900);
    assertThat(log.lines()).hasSize(1);
    assertThat(outage.reason()).isEqualTo("It is away: no");
    work(200);
    assertThat(log.lines()).hasSize(2);
  }

  @Test
  void should_know_but_not_tell_what_another_line_tells() {
    outage.failed("It is away", "no", false);
    assertThat(outage.reason()).isEqualTo("It is away: no");
    work(0);
    work(2_000);
    assertThat(outage.reason()).isNull();
    assertThat(log.lines()).isEmpty();
    outage.failed("It is away", "no", false);
    outage.failed("It is away", "no");
    assertThat(log.lines()).hasSize(1);
  }

  private void work(long afterMs) {
    outage.worked("It is back", ", with a gap");
    pass(afterMs);
    outage.worked("It is back", ", with a gap");
  }

  private void pass(long ms) {
    clock.addAndGet(Duration.ofMillis(ms).toNanos());
  }
}
