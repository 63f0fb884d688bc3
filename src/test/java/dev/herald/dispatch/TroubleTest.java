package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class TroubleTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
  private final Trouble trouble = new Trouble(clock::get);

  @Test
  void should_show_after_more_than_a_moment_and_more_than_one_failure() {
    assertThat(trouble.failed()).isTrue();
    assertThat(trouble.now()).isTrue();
    clock.addAndGet(Duration.ofSeconds(2).toNanos());
    assertThat(trouble.since()).as("it failed once").isEmpty();
    assertThat(trouble.failed()).isFalse();
    assertThat(trouble.since()).isPresent();
  }

  @Test
  void should_not_show_what_is_over_soon() {
    trouble.failed();
    trouble.failed();
    assertThat(trouble.since()).as("just now").isEmpty();
    assertThat(trouble.worked()).isTrue();
    assertThat(trouble.worked()).isFalse();
    assertThat(trouble.now()).isFalse();
    clock.addAndGet(Duration.ofSeconds(2).toNanos());
    assertThat(trouble.since()).isEmpty();
  }
}
