package dev.herald.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.message.ClaimedMessage;
import dev.herald.message.MessageStatus;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.testing.CapturedLog;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class FailureLogTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1_000);
  private final FailureLog failures = new FailureLog(clock::get);
  private final CapturedLog log = new CapturedLog();

  @AfterEach
  void close() {
    log.close();
  }

  @Test
  void should_tell_which_message_failed_and_why() {
    Outcome outcome = outcome(Kind.REFUSED, 400, "HTTP 400: no such number");
    failures.add(outcome, new Transition(MessageStatus.FAILED, true, null));
    assertThat(log.lines())
        .singleElement()
        .asString()
        .startsWith("WARN FailureLog request-1 ")
        .contains(
            "Message "
                + outcome.message().id()
                + " ended FAILED, refused: class REFUSED, HTTP 400,")
        .contains("attempt 2 of 3: no such number");
  }

  @Test
  void should_not_tell_of_what_is_sent_given_back_or_tried_again() {
    failures.add(
        outcome(Kind.DELIVERED, 202, null), new Transition(MessageStatus.SENT, true, null));
    add(Kind.RETURNED, null, MessageStatus.PENDING);
    add(Kind.NOT_SENT, 503, MessageStatus.PENDING);
    failures.sumUp();
    assertThat(log.lines()).isEmpty();
  }

  @Test
  void should_sum_up_what_is_too_much_once_a_minute_though_nothing_follows() {
    for (int i = 0; i < 9_805; i++) {
      add(Kind.REFUSED, 400, MessageStatus.FAILED);
    }
    for (int i = 0; i < 73; i++) {
      add(Kind.MAYBE_SENT, null, MessageStatus.FAILED);
    }
    clock.addAndGet(Duration.ofSeconds(59).toNanos());
    failures.tick();
    assertThat(log.lines()).hasSize(5);
    clock.addAndGet(Duration.ofSeconds(1).toNanos());
    failures.tick();
    assertThat(log.lines())
        .hasSize(6)
        .last()
        .asString()
        .contains(
            "... and 9,873 more messages ended unsent within 60 s:"
                + " 9,800 × refused (REFUSED, HTTP 400),"
                + " 73 × attempts used up (MAYBE_SENT, no status)");
    failures.tick();
    add(Kind.REFUSED, 400, MessageStatus.FAILED);
    assertThat(log.lines()).as("the next minute has lines of its own").hasSize(7);
  }

  @Test
  void should_tell_of_each_kind_of_misconfigured_once_a_minute() {
    for (int i = 0; i < 100; i++) {
      add(Kind.MISCONFIGURED, 401, MessageStatus.PENDING);
      add(Kind.MISCONFIGURED, 404, MessageStatus.PENDING);
      add(Kind.MISCONFIGURED, null, MessageStatus.PENDING);
    }
    assertThat(log.lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("URL or key seems wrong", "HTTP 401"),
            line -> assertThat(line).contains("URL or key seems wrong", "HTTP 404"),
            line -> assertThat(line).contains("step of the route fails", "no status"));
    failures.sumUp();
    assertThat(log.lines())
        .last()
        .asString()
        .contains("... and 297 more were MISCONFIGURED", "99 × HTTP 401", "99 × no status");
  }

  @Test
  void should_tell_once_a_minute_that_a_step_fails_when_a_message_is_accepted() {
    for (int i = 0; i < 100; i++) {
      failures.add(
          outcome(Kind.DELIVERED, 202, "the route failed after the answer, at step to: why"),
          new Transition(MessageStatus.SENT, true, null));
    }
    assertThat(log.lines())
        .singleElement()
        .asString()
        .contains("which is SENT, but the route failed after the answer, at step to: why");
    failures.sumUp();
    assertThat(log.lines())
        .last()
        .asString()
        .contains("... and 99 more are SENT, but a later step failed", "99 × HTTP 202");
  }

  @Test
  void should_stay_small_however_many_reasons_there_are() {
    for (int status = 400; status < 1_400; status++) {
      add(Kind.REFUSED, status, MessageStatus.FAILED);
      add(Kind.MISCONFIGURED, status, MessageStatus.PENDING);
    }
    failures.sumUp();
    assertThat(log.lines()).hasSizeLessThan(30);
    assertThat(log.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThan(1_000));
  }

  @Test
  void should_tell_of_messages_that_expire_in_the_database() {
    UUID id = UUID.randomUUID();
    failures.expired(
        List.of(
            Map.of("id", id, "status", "UNKNOWN", "last_error", "it expired, and may be sent")));
    assertThat(log.lines())
        .singleElement()
        .asString()
        .contains("Message " + id + " ended UNKNOWN: it expired, and may be sent");
  }

  private void add(Kind kind, Integer status, MessageStatus next) {
    failures.add(outcome(kind, status, "why"), new Transition(next, true, null));
  }

  private static Outcome outcome(Kind kind, Integer status, String error) {
    ClaimedMessage message =
        new ClaimedMessage(
            UUID.randomUUID(),
            UUID.randomUUID(),
            "+905551234567",
            "content",
            2,
            3,
            "request-1",
            false,
            null,
            0,
            null,
            false,
            null,
            Map.of());
    return new Outcome(message, kind, status, null, error, null, Duration.ZERO, false);
  }
}
