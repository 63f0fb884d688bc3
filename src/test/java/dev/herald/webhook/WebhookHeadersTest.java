package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.herald.message.ClaimedMessage;
import dev.herald.testing.Configured;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What goes to the provider with a message: its headers and its payload. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class WebhookHeadersTest {
  private static final String ID = "01890a5d-ac96-774b-bcce-b302099a8057";

  @Test
  void should_send_the_same_idempotency_key_on_every_attempt() {
    assertThat(headers(message(1, "c-1")).getMessage().getHeaders())
        .containsOnly(
            entry("Idempotency-Key", ID),
            entry("X-Correlation-ID", "c-1"),
            entry("Content-Type", "application/json"));
    assertThat(headers(message(2, "c-1")).getMessage().getHeaders())
        .containsEntry("Idempotency-Key", ID);
  }

  @Test
  void should_send_no_correlation_id_where_there_is_none() {
    assertThat(headers(message(1, null)).getMessage().getHeaders())
        .doesNotContainKey("X-Correlation-ID");
  }

  @Test
  void should_send_the_providers_key_under_the_header_that_it_asks_for() {
    Exchange exchange =
        headers(
            message(1, null), "webhook.auth-header", "x-ins-auth-key", "webhook.auth-value", "s3");
    assertThat(exchange.getMessage().getHeaders())
        .containsEntry("x-ins-auth-key", "s3")
        .doesNotContainKey("Authorization");
  }

  @Test
  void should_keep_the_message_for_the_payload() {
    ClaimedMessage message = message(1, null);
    assertThat(headers(message).getMessage().getBody()).isSameAs(message);
    assertThat(new Payload().of(message))
        .containsExactly(entry("to", "+905551234567"), entry("content", "hi"));
  }

  private static Exchange headers(ClaimedMessage message, String... changes) {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.getMessage().setBody(message);
    new WebhookHeaders(Configured.with(changes).webhook()).process(exchange);
    return exchange;
  }

  private static ClaimedMessage message(int attempt, String correlationId) {
    return new ClaimedMessage(
        UUID.fromString(ID),
        UUID.randomUUID(),
        "+905551234567",
        "hi",
        attempt,
        3,
        correlationId,
        false,
        null,
        0,
        null,
        false,
        null,
        Map.of());
  }
}
