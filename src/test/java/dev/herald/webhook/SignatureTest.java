package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.SigningSecret;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class SignatureTest {
  private static final String ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  private static final String BODY = "{\"test\": 2432232314}";
  private static final Clock CLOCK = Clock.fixed(Instant.ofEpochSecond(1614265330), ZoneOffset.UTC);

  @Test
  void should_sign_as_the_test_vector_of_standard_webhooks() throws Exception {
    Exchange exchange = signed(SigningSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assertThat(exchange.getMessage().getHeaders())
        .containsEntry("webhook-id", ID)
        .containsEntry("webhook-timestamp", "1614265330")
        .containsEntry("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assertThat(exchange.getMessage().getBody())
        .as("what was signed is what is sent")
        .isEqualTo(BODY.getBytes());
  }

  @Test
  void should_do_nothing_without_a_secret() throws Exception {
    Exchange exchange = signed(Optional.empty());
    assertThat(exchange.getMessage().getHeaders()).containsOnlyKeys("Idempotency-Key");
    assertThat(exchange.getMessage().getBody()).isSameAs(BODY);
  }

  @Test
  void should_take_only_secrets_of_the_specifications_form_and_length() {
    assertThat(SigningSecret.parse("whsec_" + "A".repeat(32)))
        .get()
        .satisfies(bytes -> assertThat(bytes).hasSize(24));
    assertThat(SigningSecret.parse("whsec_" + "A".repeat(28))).isEmpty();
    assertThat(SigningSecret.parse("whsec_" + "A".repeat(88))).isEmpty();
    assertThat(SigningSecret.parse("whsec_")).isEmpty();
    assertThat(SigningSecret.parse("A".repeat(32))).isEmpty();
    assertThat(SigningSecret.parse("whsec_" + "-".repeat(32))).isEmpty();
  }

  private static Exchange signed(Optional<byte[]> secret) throws Exception {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.getMessage().setHeader("Idempotency-Key", ID);
    exchange.getMessage().setBody(BODY);
    new Signature(secret, CLOCK).process(exchange);
    return exchange;
  }
}
