package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.herald.client.ApiClient;
import dev.herald.client.ApiException;
import dev.herald.client.api.MessagesApi;
import dev.herald.client.model.BlockerCode;
import dev.herald.client.model.Delivery;
import dev.herald.client.model.Message;
import dev.herald.client.model.MessageChange;
import dev.herald.client.model.MessagePage;
import dev.herald.client.model.NewMessage;
import dev.herald.client.model.Receipt;
import dev.herald.client.model.RetryAction;
import dev.herald.client.model.Status;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * A client that OpenAPI Generator makes of {@code openapi.yaml}, used as it comes. It is compiled
 * with this test, apart from the others, after them.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class GeneratedClientIT {
  private static SampleWebhook webhook;
  private static Node node;
  private static MessagesApi messages;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    node = Node.on(Local.servers().newDatabase(), webhook.url()).start();
    ApiClient client = new ApiClient();
    client.updateBaseUri(node.api().url());
    client.setRequestInterceptor(
        request -> request.setHeader("Authorization", "Bearer " + Node.KEY));
    messages = new MessagesApi(client);
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @Test
  void should_create_list_and_cancel_messages() throws ApiException {
    NewMessage later =
        message("later")
            .sendAt(java.time.OffsetDateTime.parse("2130-01-01T09:00:00+03:00"))
            .reference("order-1")
            .metadata(Map.of("campaign", "spring"));
    Message created = messages.createMessage(later, "order-1");
    assertThat(created.getStatus()).isEqualTo(Status.PENDING);
    assertThat(created.getSendAt()).isEqualTo("2130-01-01T06:00:00Z");
    assertThat(created.getMetadata()).containsExactly(Map.entry("campaign", "spring"));
    assertThat(messages.createMessage(later, "order-1").getId()).isEqualTo(created.getId());

    List<UUID> batch =
        messages.createMessages(List.of(message("one"), message("two")), null).getIds();
    assertThat(batch).hasSize(2);
    MessagePage page =
        messages.listMessages(
            List.of(Status.PENDING, Status.SENDING),
            "+905551234567",
            "order-1",
            null,
            null,
            null,
            null,
            null,
            null,
            1,
            null,
            null);
    assertThat(page.getItems()).extracting(Message::getId).containsExactly(created.getId());

    Message changed =
        messages.patchMessage(created.getId(), new MessageChange().content("much later"));
    assertThat(changed.getContent()).isEqualTo("much later");
    assertThat(changed.getSendAt()).as("not named").isEqualTo(created.getSendAt());

    messages.cancelMessage(created.getId());
    assertThat(messages.getMessage(created.getId()).getStatus()).isEqualTo(Status.CANCELLED);
    assertThatThrownBy(() -> messages.cancelMessage(created.getId()))
        .isInstanceOfSatisfying(
            ApiException.class,
            refused -> {
              assertThat(refused.getCode()).isEqualTo(409);
              assertThat(refused.getResponseBody()).contains("urn:problem-type:herald:conflict");
            });
  }

  @Test
  void should_retry_a_message_that_was_refused() throws ApiException {
    webhook.answer(
        post ->
            post.content().equals("twice")
                ? SampleWebhook.Answer.status(400)
                : SampleWebhook.Answer.accepted());
    UUID id = messages.createMessage(message("twice"), null).getId();
    await().until(() -> messages.getMessage(id).getStatus() == Status.FAILED);
    assertThat(messages.getMessage(id).getFailedAttempts())
        .singleElement()
        .satisfies(attempt -> assertThat(attempt.getHttpStatus()).isEqualTo(400));
    assertThat(messages.explainMessage(id).getBlockers())
        .singleElement()
        .satisfies(blocker -> assertThat(blocker.getCode()).isEqualTo(BlockerCode.ENDED));
    assertThat(messages.retryMessages(new RetryAction().error("400").dryRun(true)).getMatched())
        .isEqualTo(1);

    webhook.answer(post -> SampleWebhook.Answer.accepted());
    assertThat(messages.retryMessage(id).getId()).isEqualTo(id);
    await().until(() -> messages.getMessage(id).getStatus() == Status.SENT);
    String messageId = messages.getMessage(id).getWebhookMessageId();
    assertThat(
            messages
                .createReceipt(
                    new Receipt().messageId(messageId).status(Receipt.StatusEnum.DELIVERED))
                .getMatched())
        .isTrue();
    assertThat(messages.getMessage(id).getDelivery().getStatus())
        .isEqualTo(Delivery.StatusEnum.DELIVERED);
  }

  private static NewMessage message(String content) {
    return new NewMessage().phoneNumber("+905551234567").content(content);
  }
}
