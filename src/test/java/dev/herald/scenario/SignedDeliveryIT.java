package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Deliveries that a provider can verify. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SignedDeliveryIT {
  private static final String SECRET = "bXkgc2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz";

  @Test
  void should_sign_every_attempt_with_the_messages_id_over_the_bytes_that_came() throws Exception {
    try (SampleWebhook webhook = new SampleWebhook();
        Node node =
            Node.on(Local.servers().newDatabase(), webhook.url())
                .with("webhook.signing-secret", "whsec_" + SECRET)
                .start()) {
      webhook.answer(post -> webhook.posts().size() == 1 ? Answer.status(503) : Answer.accepted());
      String id = node.api().create("ünïcödé 😀 \"quoted\"");
      await().untilAsserted(() -> assertThat(node.api().status(id)).isEqualTo("SENT"));
      assertThat(webhook.posts()).hasSize(2);
      for (Post post : webhook.posts()) {
        assertThat(post.headers().get("webhook-id")).isEqualTo(id);
        assertThat(post.headers().get("webhook-signature"))
            .isEqualTo("v1," + sign(id, post.headers().get("webhook-timestamp"), post.body()));
      }
    }
  }

  private static String sign(String id, String timestamp, String body)
      throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(Base64.getDecoder().decode(SECRET), "HmacSHA256"));
    String signed = id + "." + timestamp + "." + body;
    return Base64.getEncoder().encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
  }
}
