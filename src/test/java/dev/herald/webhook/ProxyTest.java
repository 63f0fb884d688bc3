package dev.herald.webhook;

import static dev.herald.webhook.Calls.ACCEPTED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.ClientTls;
import dev.herald.dev.LocalServers;
import dev.herald.testing.Certificate;
import dev.herald.testing.ForwardProxy;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What certainly was not sent when a proxy stands between. What passes is in SecureDeliveryIT. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ProxyTest {
  @TempDir Path folder;

  private static SSLContext javas() {
    return ClientTls.context(Optional.empty(), Optional.empty());
  }

  private static void accept(Connection connection) throws IOException {
    while (connection.read() != null) {
      connection.write(ACCEPTED);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "407 Proxy Authentication Required",
        "502 Bad Gateway",
        "403 Forbidden",
        "302 Found"
      })
  void should_know_that_nothing_was_sent_when_the_proxy_makes_no_tunnel(String status)
      throws Exception {
    try (ForwardProxy proxy = new ForwardProxy();
        Calls calls = Calls.by(proxy.url(), javas())) {
      proxy.refuse(status);
      assertThat(calls.post("https://provider.example/webhook").notSent())
          .isEqualTo("the proxy refused to connect: HTTP " + status.substring(0, 3));
      assertThat(proxy.heads())
          .singleElement()
          .isEqualTo("CONNECT provider.example:443 HTTP/1.1\r\nHost: provider.example:443\r\n\r\n");
    }
  }

  @Test
  void should_know_that_nothing_was_sent_when_the_proxy_is_down() {
    try (Calls calls = Calls.by("http://127.0.0.1:" + LocalServers.freePort(), javas())) {
      assertThat(calls.post("https://provider.example/webhook").notSent())
          .startsWith("no connection: Connect to http://127.0.0.1:");
      assertThat(calls.post("http://provider.example/webhook").notSent())
          .startsWith("no connection: Connect to http://127.0.0.1:");
    }
  }

  @Test
  void should_know_that_nothing_was_sent_when_what_should_be_a_proxy_says_something_else()
      throws Exception {
    for (RawProvider.Behaviour odd :
        java.util.List.<RawProvider.Behaviour>of(
            Connection::closeFirst,
            Connection::reset,
            Connection::hang,
            connection -> connection.write("220 mail.example ESMTP ready\r\n\r\n").hang(),
            connection ->
                connection.write("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").hang())) {
      try (RawProvider other =
              new RawProvider(
                  connection -> {
                    connection.read();
                    odd.on(connection);
                  });
          Calls calls = Calls.by("http://127.0.0.1:" + other.port(), javas())) {
        assertThat(calls.post("https://provider.example/webhook").notSent())
            .isNotBlank()
            .doesNotContain("null");
      }
    }
  }

  @Test
  void should_send_nothing_by_a_tunnel_to_a_provider_that_it_does_not_trust() throws Exception {
    Certificate unknown = Certificate.make(folder, "unknown", "dns:localhost");
    try (RawProvider provider =
            new RawProvider(unknown.listen(Optional.empty()), ProxyTest::accept);
        ForwardProxy proxy = new ForwardProxy();
        Calls calls = Calls.by(proxy.url(), javas())) {
      assertThat(calls.post("https://localhost:" + provider.port() + "/webhook").notSent())
          .startsWith("TLS failed: ");
      assertThat(provider.requests()).isEmpty();
    }
  }

  @Test
  void should_check_the_providers_name_and_not_the_proxys() throws Exception {
    Certificate wrong = Certificate.make(folder, "wrong", "dns:provider.example,ip:127.0.0.1");
    SSLContext trusting = ClientTls.context(Optional.of(wrong.pem()), Optional.empty());
    try (RawProvider provider = new RawProvider(wrong.listen(Optional.empty()), ProxyTest::accept);
        ForwardProxy proxy = new ForwardProxy();
        Calls calls = Calls.by(proxy.url(), trusting)) {
      assertThat(calls.post("https://localhost:" + provider.port() + "/webhook").notSent())
          .startsWith("TLS failed: ")
          .contains("localhost");
      assertThat(provider.requests()).isEmpty();
    }
  }

  @Test
  void should_use_a_tunnel_again() throws Exception {
    Certificate known = Certificate.make(folder, "known", "dns:localhost");
    SSLContext trusting = ClientTls.context(Optional.of(known.pem()), Optional.empty());
    try (RawProvider provider = new RawProvider(known.listen(Optional.empty()), ProxyTest::accept);
        ForwardProxy proxy = new ForwardProxy();
        Calls calls = Calls.by(proxy.url(), trusting)) {
      for (int call = 1; call <= 3; call++) {
        assertThat(calls.post("https://localhost:" + provider.port() + "/webhook").status())
            .isEqualTo(202);
      }
      assertThat(provider.requests()).hasSize(3);
      assertThat(proxy.heads()).hasSize(1);
    }
  }
}
