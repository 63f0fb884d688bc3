package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.api.RateLimits.Verdict;
import io.github.bucket4j.TimeMeter;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** The limit, by a clock that only the test moves. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RateLimitsTest {
  private final Clock clock = new Clock();
  private final RateLimits limits = new RateLimits(2, clock);

  private static final class Clock implements TimeMeter {
    private long nanos;

    @Override
    public long currentTimeNanos() {
      return nanos;
    }

    @Override
    public boolean isWallClockBased() {
      return false;
    }
  }

  @Test
  void should_allow_a_seconds_requests_and_say_how_many_are_left() {
    assertThat(limits.count("ops"))
        .isEqualTo(new Verdict(true, "\"key\";r=1;t=1", "\"key\";q=2;w=1", 1));
    assertThat(limits.count("ops").limit()).isEqualTo("\"key\";r=0;t=1");
    Verdict refused = limits.count("ops");
    assertThat(refused.allowed()).isFalse();
    assertThat(refused.limit()).isEqualTo("\"key\";r=0;t=1");
    assertThat(refused.retryAfter()).isEqualTo(1);
  }

  @Test
  void should_fill_up_as_time_goes_by_and_no_further() {
    limits.count("ops");
    limits.count("ops");
    clock.nanos += 499_000_000;
    assertThat(limits.count("ops").allowed()).isFalse();
    clock.nanos += 1_000_000;
    assertThat(limits.count("ops").allowed()).isTrue();
    clock.nanos += 3_600_000_000_000L;
    assertThat(limits.count("ops").allowed()).isTrue();
    assertThat(limits.count("ops").allowed()).isTrue();
    assertThat(limits.count("ops").allowed()).isFalse();
  }

  @Test
  void should_count_each_key_by_itself() {
    limits.count("ops");
    limits.count("ops");
    assertThat(limits.count("ops").allowed()).isFalse();
    assertThat(limits.count("app").allowed()).isTrue();
  }

  @Test
  void should_be_off_at_zero() {
    assertThat(new RateLimits(0).on()).isFalse();
    assertThat(limits.on()).isTrue();
  }
}
