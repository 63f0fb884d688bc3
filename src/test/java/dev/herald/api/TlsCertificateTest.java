package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.testing.Certificate;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server can be started with. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class TlsCertificateTest {
  @TempDir Path folder;

  @Test
  void should_accept_a_certificate_with_its_key_and_nothing_else() throws IOException {
    Certificate one = Certificate.make(folder, "one", "dns:localhost");
    Certificate other = Certificate.make(folder, "other", "dns:localhost");
    Path garbage = Files.writeString(folder.resolve("garbage.pem"), "not PEM");
    assertThatCode(() -> check(one.pem(), one.key())).doesNotThrowAnyException();
    assertThatThrownBy(() -> check(one.pem(), other.key()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("server.tls.key=" + other.key() + " cannot be used")
        .hasMessageEndingWith("the key belongs to another certificate");
    assertThatThrownBy(() -> check(garbage, one.key())).isInstanceOf(ConfigurationException.class);
    assertThatThrownBy(() -> check(one.pem(), garbage)).isInstanceOf(ConfigurationException.class);
  }

  /** Vert.x remembers such names without end: CVE-2026-6860. */
  @Test
  void should_not_choose_a_certificate_by_the_name_that_a_client_asks_for() {
    Certificate one = Certificate.make(folder, "one", "dns:*.example");
    HttpServerOptions options =
        new TlsCertificate(new Settings.Tls(one.pem(), one.key())).options();
    assertThat(options.isSsl()).isTrue();
    assertThat(options.isSni()).isFalse();
  }

  private static void check(Path certificate, Path key) {
    new TlsCertificate(new Settings.Tls(certificate, key)).check();
  }
}
