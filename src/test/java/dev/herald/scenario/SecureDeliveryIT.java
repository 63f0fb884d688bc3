package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Certificate;
import dev.herald.testing.ForwardProxy;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole nodes that deliver through a proxy, over TLS, and with a certificate of their own. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SecureDeliveryIT {
  private static final String BASIC = "Proxy-Authorization: Basic aGVyYWxkOnBAc3M=\r\n";

  @TempDir static Path folder;

  private static Certificate provider;
  private static Certificate herald;

  @BeforeAll
  static void make() {
    provider = Certificate.make(folder, "provider", "dns:localhost");
    herald = Certificate.make(folder, "herald", "dns:herald.example");
  }

  private static void accept(Connection connection) throws IOException {
    while (connection.read() != null) {
      connection.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    }
  }

  private static Node.Builder node(String url) {
    return Node.on(Local.servers().newDatabase(), url);
  }

  private static String withUser(ForwardProxy proxy) {
    return "http://herald:p%40ss@127.0.0.1:" + proxy.port();
  }

  private static void send(Node node) {
    String id = node.api().create("through");
    await().until(() -> node.api().status(id).equals("SENT"));
  }

  private static JsonNode firstFailure(Node node) {
    String id = node.api().create("in vain");
    return await()
        .until(
            () ->
                node.api().get("/api/v1/messages/" + id).expect(200).body().at("/failedAttempts/0"),
            attempt -> !attempt.isMissingNode());
  }

  @Test
  void should_post_through_a_proxy_that_asks_who_it_is() throws IOException {
    try (RawProvider server = new RawProvider(SecureDeliveryIT::accept);
        ForwardProxy proxy = new ForwardProxy();
        Node node =
            node("http://127.0.0.1:" + server.port() + "/a%2Fb?sig=c%3D")
                .with("webhook.proxy", withUser(proxy))
                .start()) {
      send(node);
      assertThat(proxy.heads())
          .singleElement()
          .satisfies(
              head ->
                  assertThat(head)
                      .startsWith(
                          "POST http://127.0.0.1:%d/a%%2Fb?sig=c%%3D HTTP/1.1\r\n"
                              .formatted(server.port()))
                      .contains("\r\nHost: 127.0.0.1:" + server.port() + "\r\n")
                      .contains(BASIC));
      assertThat(server.requests())
          .singleElement()
          .satisfies(
              request ->
                  assertThat(request.head())
                      .startsWith("POST /a%2Fb?sig=c%3D HTTP/1.1\r\n")
                      .doesNotContain("Proxy-"));
    }
  }

  @Test
  void should_tunnel_to_a_provider_that_is_trusted_and_asks_for_a_certificate() throws IOException {
    try (RawProvider server =
            new RawProvider(provider.listen(Optional.of(herald)), SecureDeliveryIT::accept);
        ForwardProxy proxy = new ForwardProxy();
        Node node =
            node("https://localhost:" + server.port() + "/webhook")
                .with("webhook.proxy", withUser(proxy))
                .with("webhook.tls.trust", provider.pem())
                .with("webhook.tls.certificate", herald.pem())
                .with("webhook.tls.key", herald.key())
                .with("webhook.auth-value", "Bearer for-the-provider-alone")
                .start()) {
      send(node);
      assertThat(proxy.heads())
          .singleElement()
          .satisfies(
              head ->
                  assertThat(head)
                      .startsWith("CONNECT localhost:%d HTTP/1.1\r\n".formatted(server.port()))
                      .contains(BASIC)
                      .doesNotContain("for-the-provider-alone"));
      assertThat(server.requests())
          .singleElement()
          .satisfies(
              request ->
                  assertThat(request.head())
                      .startsWith("POST /webhook HTTP/1.1\r\n")
                      .contains("Authorization: Bearer for-the-provider-alone\r\n")
                      .doesNotContain("Proxy-"));

      proxy.refuse("407 Proxy Authentication Required");
    }
  }

  @Test
  void should_count_a_message_as_not_sent_when_the_provider_asks_for_a_certificate_in_vain()
      throws IOException {
    try (RawProvider server =
            new RawProvider(provider.listen(Optional.of(herald)), SecureDeliveryIT::accept);
        Node node =
            node("https://localhost:" + server.port() + "/webhook")
                .with("webhook.tls.trust", provider.pem())
                .start()) {
      JsonNode attempt = firstFailure(node);
      assertThat(attempt.path("class").asText()).isEqualTo("NOT_SENT");
      assertThat(attempt.path("error").asText()).startsWith("TLS failed: ");
      assertThat(server.requests()).isEmpty();
    }
  }

  @Test
  void should_count_a_message_as_not_sent_when_the_proxy_refuses() throws IOException {
    try (ForwardProxy proxy = new ForwardProxy();
        Node node =
            node("https://provider.example/webhook").with("webhook.proxy", proxy.url()).start()) {
      proxy.refuse("407 Proxy Authentication Required");
      JsonNode attempt = firstFailure(node);
      assertThat(attempt.path("class").asText()).isEqualTo("NOT_SENT");
      assertThat(attempt.path("error").asText())
          .isEqualTo("the proxy refused to connect: HTTP 407");
    }
  }

  @Test
  void should_not_start_with_files_that_hold_nothing_of_use() throws IOException {
    Path garbage = Files.writeString(folder.resolve("garbage.pem"), "not PEM");
    refuses(
        "webhook.tls.trust=" + garbage + " cannot be used",
        node("https://provider.example/").with("webhook.tls.trust", garbage));
    refuses(
        "webhook.tls.key is not set, but webhook.tls.certificate is",
        node("https://provider.example/").with("webhook.tls.certificate", herald.pem()));
  }

  private static void refuses(String reason, Node.Builder builder) {
    try (CapturedLog log = new CapturedLog()) {
      assertThatThrownBy(builder::start).hasMessageContaining("the node did not start");
      assertThat(String.join("", log.lines())).contains(reason).doesNotContain("\tat ");
    }
  }
}
