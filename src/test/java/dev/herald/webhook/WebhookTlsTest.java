package dev.herald.webhook;

import static dev.herald.webhook.Calls.ACCEPTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.config.ClientTls;
import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.testing.Certificate;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whom the client trusts, and how it shows who it is. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class WebhookTlsTest {
  @TempDir static Path folder;

  private static Certificate provider;
  private static Certificate herald;
  private static Certificate stranger;

  @BeforeAll
  static void make() {
    provider = Certificate.make(folder, "provider", "dns:localhost");
    herald = Certificate.make(folder, "herald", "dns:herald.example");
    stranger = Certificate.make(folder, "stranger", "dns:localhost");
  }

  private static SSLContext context(Certificate trusted, Optional<Certificate> own) {
    return ClientTls.context(
        Optional.of(trusted.pem()), own.map(one -> new Settings.Tls(one.pem(), one.key())));
  }

  private static RawProvider serving(Optional<Certificate> client, String... protocols)
      throws IOException {
    return new RawProvider(provider.listen(client, protocols), WebhookTlsTest::accept);
  }

  private static void accept(Connection connection) throws IOException {
    while (connection.read() != null) {
      connection.write(ACCEPTED);
    }
  }

  private static String url(String host, RawProvider server) {
    return "https://" + host + ":" + server.port() + "/webhook";
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void should_post_to_a_provider_whose_certificate_it_is_told_to_trust(String protocol)
      throws Exception {
    try (RawProvider server = serving(Optional.empty(), protocol);
        Calls calls = Calls.tls(context(provider, Optional.empty()))) {
      assertThat(calls.post(url("localhost", server)).status()).isEqualTo(202);
      assertThat(calls.post(url("localhost", server)).status()).isEqualTo(202);
      assertThat(server.requests()).hasSize(2);
    }
  }

  /** Names that TLS cannot ask for as they are, or at all; the certificate counts as ever. */
  @ParameterizedTest
  @ValueSource(
      strings = {"sms_gateway", "a_b.example", "sms.example.", "xn--diyarbakr-5pb.example"})
  void should_verify_a_name_with_an_underscore_or_a_dot_at_its_end(String name) throws Exception {
    Certificate same = Certificate.make(folder, "same", "dns:" + name.replaceFirst("\\.$", ""));
    for (Certificate shown : new Certificate[] {same, stranger}) {
      try (RawProvider server =
              new RawProvider(shown.listen(Optional.empty()), WebhookTlsTest::accept);
          Calls calls =
              new Calls(
                  Calls.TIMEOUT,
                  Calls.CONNECT_TIMEOUT,
                  Optional.empty(),
                  context(shown, Optional.empty()),
                  host -> new InetAddress[] {InetAddress.getLoopbackAddress()})) {
        if (shown == same) {
          assertThat(calls.post(url(name, server)).status()).isEqualTo(202);
        } else {
          assertThat(calls.post(url(name, server)).notSent()).startsWith("TLS failed: ");
          assertThat(server.requests()).isEmpty();
        }
      }
    }
  }

  @Test
  void should_send_nothing_to_a_provider_that_it_was_not_told_to_trust() throws Exception {
    try (RawProvider server = serving(Optional.empty());
        Calls calls = Calls.tls(context(stranger, Optional.empty()))) {
      assertThat(calls.post(url("localhost", server)).notSent()).startsWith("TLS failed: ");
      assertThat(server.requests()).isEmpty();
    }
  }

  @Test
  void should_send_nothing_to_a_provider_with_the_certificate_of_another_host() throws Exception {
    try (RawProvider server = serving(Optional.empty());
        Calls calls = Calls.tls(context(provider, Optional.empty()))) {
      assertThat(calls.post(url("127.0.0.1", server)).notSent())
          .startsWith("TLS failed: ")
          .contains("127.0.0.1");
      assertThat(server.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void should_show_its_certificate_to_a_provider_that_asks_for_it(String protocol)
      throws Exception {
    try (RawProvider server = serving(Optional.of(herald), protocol);
        Calls calls = Calls.tls(context(provider, Optional.of(herald)))) {
      assertThat(calls.post(url("localhost", server)).status()).isEqualTo(202);
    }
  }

  /** Under TLS 1.3 the refusal comes when the client believes the handshake done. */
  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void should_know_that_nothing_was_sent_when_the_provider_asks_for_a_certificate_in_vain(
      String protocol) throws Exception {
    try (RawProvider server = serving(Optional.of(herald), protocol);
        Calls calls = Calls.tls(context(provider, Optional.empty()))) {
      for (int call = 1; call <= 20; call++) {
        assertThat(calls.post(url("localhost", server)).notSent()).startsWith("TLS failed: ");
      }
      assertThat(server.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  void should_know_that_nothing_was_sent_when_the_provider_does_not_like_its_certificate(
      String protocol) throws Exception {
    try (RawProvider server = serving(Optional.of(herald), protocol);
        Calls calls = Calls.tls(context(provider, Optional.of(stranger)))) {
      for (int call = 1; call <= 20; call++) {
        assertThat(calls.post(url("localhost", server)).notSent()).startsWith("TLS failed: ");
      }
      assertThat(server.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "not PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n"
      })
  void should_refuse_a_file_that_holds_no_certificate_to_trust(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("trust.pem"), text);
    refuses("webhook.tls.trust=" + file, Optional.of(file), Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "not PEM",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
      })
  void should_refuse_a_file_that_holds_no_key(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("none.key"), text);
    refuses(
        "webhook.tls.certificate=%s and webhook.tls.key=%s".formatted(herald.pem(), file),
        Optional.empty(),
        Optional.of(new Settings.Tls(herald.pem(), file)));
  }

  @Test
  void should_refuse_a_key_that_belongs_to_another_certificate() {
    refuses(
        "webhook.tls.certificate=%s and webhook.tls.key=%s".formatted(herald.pem(), stranger.key()),
        Optional.empty(),
        Optional.of(new Settings.Tls(herald.pem(), stranger.key())));
  }

  private static void refuses(String key, Optional<Path> trust, Optional<Settings.Tls> own) {
    assertThatThrownBy(() -> ClientTls.context(trust, own))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(key + " cannot be used: ")
        .hasMessageNotContaining("null");
  }
}
