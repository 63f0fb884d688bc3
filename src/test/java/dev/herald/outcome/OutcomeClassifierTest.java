package dev.herald.outcome;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.dispatch.Samples;
import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.webhook.Posts;
import dev.herald.webhook.Posts.Course;
import dev.herald.webhook.WebhookException;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an answer means: the table "Outcomes". */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OutcomeClassifierTest {
  private static final ClaimedMessage MESSAGE = Samples.message();

  private final OutcomeClassifier outcomes = new OutcomeClassifier(Clock.systemUTC());

  @ParameterizedTest
  @CsvSource({
    "200, DELIVERED",
    "201, DELIVERED",
    "202, DELIVERED",
    "204, DELIVERED",
    "299, DELIVERED",
    "408, NOT_SENT",
    "425, NOT_SENT",
    "429, NOT_SENT",
    "503, NOT_SENT",
    "401, MISCONFIGURED",
    "403, MISCONFIGURED",
    "404, MISCONFIGURED",
    "405, MISCONFIGURED",
    "300, REFUSED",
    "301, REFUSED",
    "302, REFUSED",
    "303, REFUSED",
    "304, REFUSED",
    "307, REFUSED",
    "308, REFUSED",
    "400, REFUSED",
    "402, REFUSED",
    "406, REFUSED",
    "409, REFUSED",
    "410, REFUSED",
    "413, REFUSED",
    "422, REFUSED",
    "451, REFUSED",
    "499, REFUSED",
    "500, MAYBE_SENT",
    "502, MAYBE_SENT",
    "504, MAYBE_SENT",
    "501, MAYBE_SENT",
    "599, MAYBE_SENT",
    "600, MAYBE_SENT",
    "199, MAYBE_SENT",
  })
  void should_class_every_status(int status, Kind kind) {
    Outcome outcome =
        outcomes.answered(
            MESSAGE,
            status,
            null,
            ProviderText.of("{\"messageId\":\"m-1\"}".getBytes(UTF_8), null));
    assertThat(outcome.kind()).isEqualTo(kind);
    assertThat(outcome.httpStatus()).isEqualTo(status);
    if (kind == Kind.DELIVERED) {
      assertThat(outcome.error()).isNull();
      assertThat(outcome.webhookMessageId()).isEqualTo("m-1");
    } else {
      assertThat(outcome.error()).startsWith("HTTP " + status).contains("m-1");
      assertThat(outcome.webhookMessageId()).isNull();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 425, 429, 503})
  void should_keep_how_long_the_provider_asks_to_wait(int status) {
    Outcome outcome =
        outcomes.answered(
            MESSAGE, status, Duration.ofSeconds(300), ProviderText.of("no".getBytes(UTF_8), null));
    assertThat(outcome.retryAfter()).isEqualTo(Duration.ofSeconds(300));
  }

  @Test
  void should_take_a_2xx_whatever_its_body() {
    for (byte[] body : new byte[][] {null, {}, {(byte) 0xff, 0, (byte) 0xfe, '{'}}) {
      assertThat(outcomes.answered(MESSAGE, 200, null, ProviderText.of(body, null)))
          .extracting(Outcome::kind, Outcome::webhookMessageId)
          .containsExactly(Kind.DELIVERED, null);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "202, DELIVERED",
    "500, MAYBE_SENT",
    "503, NOT_SENT",
    "429, NOT_SENT",
    "401, NOT_SENT",
    "422, NOT_SENT",
  })
  void should_believe_a_step_that_nothing_was_sent_unless_an_answer_says_otherwise(
      int status, Kind kind) {
    WebhookException notSent = new WebhookException("the token was refused");
    assertThat(outcomes.failed(MESSAGE, notSent, "", answered(status, null)).kind())
        .isEqualTo(kind);
    assertThat(outcomes.failed(MESSAGE, notSent, "", Posts.NONE).kind()).isEqualTo(Kind.NOT_SENT);
  }

  @Test
  void should_not_repeat_the_message_though_a_step_says_that_nothing_was_sent() {
    WebhookException quotes = new WebhookException("no tariff for " + MESSAGE.phoneNumber());
    assertThat(outcomes.failed(MESSAGE, quotes, "", Posts.NONE).error())
        .isEqualTo("no tariff for ***");
    assertThat(outcomes.failed(MESSAGE, new WebhookException(null), "", Posts.NONE).error())
        .endsWith("no reason");
  }

  @Test
  void should_keep_how_long_the_provider_asks_to_wait_when_a_step_fails_after_its_answer() {
    Posts posts = answered(429, "Sat, 21 Nov 2026 09:37:00 GMT");
    Exception[] failures = {new IllegalStateException(), new WebhookException("no connection")};
    for (Exception failure : failures) {
      assertThat(outcomes.failed(MESSAGE, failure, "", posts))
          .extracting(Outcome::kind, Outcome::retryAfter)
          .containsExactly(Kind.NOT_SENT, Duration.ofMinutes(1));
    }
  }

  private static Posts answered(int status, String retryAfter) {
    return new Posts(Course.ANSWERED, status, retryAfter, "Sat, 21 Nov 2026 09:36:00 GMT", false);
  }
}
