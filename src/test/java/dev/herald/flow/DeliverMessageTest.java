package dev.herald.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeClassifier;
import dev.herald.testing.Configured;
import dev.herald.webhook.HeaderRules;
import dev.herald.webhook.Payload;
import dev.herald.webhook.Signature;
import dev.herald.webhook.WebhookHeaders;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.main.MainConfigurationProperties;
import org.apache.camel.spi.Registry;
import org.apache.camel.test.junit5.TestExecutionConfiguration;
import org.apache.camel.test.main.junit5.CamelMainTestSupport;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * Route {@code deliver-message} by itself, without a database or a webhook: the POST is a mock.
 * Copy this to test an edit of your own; docs/change-the-flow.md says how.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class DeliverMessageTest extends CamelMainTestSupport {
  private static final ClaimedMessage MESSAGE =
      new ClaimedMessage(
          UUID.fromString("01a1feba-4fdb-7c56-a9d8-750b8131e816"),
          UUID.randomUUID(),
          "+905551234567",
          "Hello",
          1,
          3,
          "correlation-1",
          false,
          null,
          0,
          null,
          false,
          null,
          Map.of());

  @Override
  protected void configure(MainConfigurationProperties main) {
    main.withRoutesIncludePattern("file:routes/deliver.camel.yaml,file:routes/errors.camel.yaml");
  }

  @Override
  protected void bindToRegistry(Registry registry) {
    registry.bind("webhookHeaders", new WebhookHeaders(Configured.with().webhook()));
    registry.bind("payload", new Payload());
    registry.bind("signature", new Signature(Optional.empty(), Clock.systemUTC()));
    registry.bind("outcomeClassifier", new OutcomeClassifier(Clock.systemUTC()));
    registry.bind("headerRules", new HeaderRules());
    registry.bind("exceptionMapper", (Processor) exchange -> {});
    registry.bind("claimPlanner", new Object());
  }

  @Override
  public void configureTest(TestExecutionConfiguration test) {
    super.configureTest(test);
    test.withUseAdviceWith(true);
  }

  /** The provider, as this test has it. */
  private MockEndpoint provider(int status, String answer) throws Exception {
    AdviceWith.adviceWith(
        context,
        "deliver-message",
        route -> route.weaveById("http-send-message").replace().to("mock:provider"));
    MockEndpoint provider = getMockEndpoint("mock:provider");
    provider.whenAnyExchangeReceived(
        exchange -> {
          exchange.getMessage().setHeader(Exchange.HTTP_RESPONSE_CODE, status);
          exchange.getMessage().setBody(answer);
        });
    context.start();
    return provider;
  }

  private Outcome deliver() {
    return template
        .send(
            "direct:deliver-message",
            exchange -> {
              exchange.setVariable("message", MESSAGE);
              exchange.getMessage().setBody(MESSAGE);
            })
        .getMessage()
        .getBody(Outcome.class);
  }

  @Test
  void should_post_the_payload_with_the_messages_id() throws Exception {
    MockEndpoint provider = provider(202, "{\"messageId\":\"m-1\"}");
    provider.expectedBodiesReceived("{\"to\":\"+905551234567\",\"content\":\"Hello\"}");
    provider.expectedHeaderReceived("Idempotency-Key", MESSAGE.id().toString());
    provider.expectedHeaderReceived("X-Correlation-ID", "correlation-1");

    Outcome outcome = deliver();

    provider.assertIsSatisfied();
    assertThat(outcome.kind()).isEqualTo(Kind.DELIVERED);
    assertThat(outcome.webhookMessageId()).isEqualTo("m-1");
  }

  @Test
  void should_end_with_what_a_refusal_means() throws Exception {
    provider(422, "no such number");

    Outcome outcome = deliver();

    assertThat(outcome.kind()).isEqualTo(Kind.REFUSED);
    assertThat(outcome.error()).isEqualTo("HTTP 422: no such number");
  }
}
