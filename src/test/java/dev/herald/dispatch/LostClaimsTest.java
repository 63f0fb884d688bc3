package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class LostClaimsTest {
  private final AtomicLong clock = new AtomicLong();
  private final LostClaims lost = new LostClaims(clock::get);

  @Test
  void should_look_for_each_until_no_more_of_it_is_found() {
    UUID one = UUID.randomUUID();
    UUID other = UUID.randomUUID();
    lost.add(one);
    lost.add(other);
    assertThat(lost.toGiveBack()).containsExactly(one.toString(), other.toString());
    lost.found(Set.of(one));
    assertThat(lost.toGiveBack()).as("not at once again").isNull();
    pass(Duration.ofSeconds(1));
    assertThat(lost.toGiveBack()).as("a look has a limit").hasSize(2);
    lost.found(Set.of());
    pass(Duration.ofSeconds(1));
    assertThat(lost.toGiveBack()).containsExactly(other.toString());
  }

  @Test
  void should_leave_claims_half_of_the_time_when_a_look_takes_long() {
    lost.add(UUID.randomUUID());
    assertThat(lost.toGiveBack()).isNotNull();
    pass(Duration.ofSeconds(10));
    lost.looked();
    pass(Duration.ofSeconds(9));
    assertThat(lost.toGiveBack()).isNull();
    pass(Duration.ofSeconds(1));
    assertThat(lost.toGiveBack()).isNotNull();
  }

  @Test
  void should_forget_what_never_comes() {
    lost.add(UUID.randomUUID());
    pass(LostClaims.KEPT);
    assertThat(lost.toGiveBack()).hasSize(1);
    pass(Duration.ofSeconds(1));
    assertThat(lost.toGiveBack()).isNull();
  }

  @Test
  void should_keep_a_bounded_number_the_last_ones() {
    UUID last = null;
    for (int i = 0; i <= LostClaims.MAX; i++) {
      last = UUID.randomUUID();
      lost.add(last);
    }
    assertThat(lost.toGiveBack()).hasSize(LostClaims.MAX).contains(last.toString());
  }

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }
}
