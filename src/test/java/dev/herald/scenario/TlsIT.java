package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.herald.config.ConfigurationException;
import dev.herald.testing.Certificate;
import dev.herald.testing.Configured;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The API over TLS, with certificates that are made here. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class TlsIT {
  @TempDir Path folder;

  @Test
  void should_serve_the_api_over_tls_and_take_up_a_renewed_certificate() throws Exception {
    Path certificate = folder.resolve("tls.crt");
    Path key = folder.resolve("tls.key");
    SSLContext first = make("first", certificate, key);
    try (Node node =
        Node.on(Local.servers().newDatabase(), "http://127.0.0.1:9/")
            .with("server.tls.certificate", certificate)
            .with("server.tls.key", key)
            .with("dispatch.enabled", false)
            .with("server.body-timeout", "1s")
            .start()) {
      URI url = URI.create(node.api().url().replace("http:", "https:") + "/api/v1/messages");
      for (HttpClient.Version version : HttpClient.Version.values()) {
        HttpResponse<String> created =
            client(first, version)
                .send(
                    HttpRequest.newBuilder(url)
                        .header("Authorization", "Bearer " + Node.KEY)
                        .header("Content-Type", "application/json")
                        .POST(
                            // Its length is not announced.
                            BodyPublishers.ofInputStream(
                                () ->
                                    new ByteArrayInputStream(
                                        "{\"phoneNumber\":\"+905551234567\",\"content\":\"sealed\"}"
                                            .getBytes(StandardCharsets.UTF_8))))
                        .build(),
                    BodyHandlers.ofString());
        assertThat(created.statusCode()).as(created.body()).isEqualTo(201);
        assertThat(created.version()).isEqualTo(version);
        assertThat(subject(created)).isEqualTo("CN=first");
        assertThat(
                client(first, version)
                    .send(
                        HttpRequest.newBuilder(url)
                            .header("Authorization", "Bearer " + Node.KEY)
                            .method("GET", BodyPublishers.ofByteArray(new byte[900_000]))
                            .build(),
                        BodyHandlers.ofString())
                    .statusCode())
            .as("with a body that nobody takes")
            .isEqualTo(200);
      }
      shouldAnswerHeadWithTheLengthOfTheBodyOnly(url, client(first, HttpClient.Version.HTTP_2));
      assertThatThrownBy(
              () ->
                  client(first, HttpClient.Version.HTTP_2)
                      .send(
                          HttpRequest.newBuilder(url)
                              .header("Authorization", "Bearer " + Node.KEY)
                              .header("Content-Type", "application/json")
                              .POST(BodyPublishers.fromPublisher(subscriber -> {}))
                              .build(),
                          BodyHandlers.ofString()))
          .as("a slow body ends its stream, not the connection")
          .hasMessageContaining("RST_STREAM");
      await().until(() -> node.metric("herald_api_held_bytes") == 0);
      assertThatThrownBy(() -> node.api().get("/live"))
          .as("without TLS there is no answer")
          .isInstanceOf(RuntimeException.class);

      awaitCertificate(url, "second", make("second", certificate, key));
      Files.writeString(certificate, "half of a certif");
      awaitCertificate(url, "third", make("third", certificate, key));
    }
  }

  @Test
  void should_refuse_one_file_without_the_other_and_those_that_cannot_be_read() throws Exception {
    Path there = Files.writeString(folder.resolve("there.pem"), "not PEM");
    refuses(
        "server.tls.key is not set, but server.tls.certificate is",
        "server.tls.certificate",
        there.toString());
    refuses(
        "server.tls.certificate is not set, but server.tls.key is",
        "server.tls.key",
        there.toString());
    refuses(
        "server.tls.key is '" + folder.resolve("none.pem") + "', which cannot be read",
        "server.tls.certificate",
        there.toString(),
        "server.tls.key",
        folder.resolve("none.pem").toString());
  }

  @Test
  void should_not_start_with_files_that_hold_no_certificate_and_key() throws Exception {
    Path garbage = Files.writeString(folder.resolve("garbage.pem"), "not PEM");
    Node.Builder builder =
        Node.on(Local.servers().newDatabase(), "http://127.0.0.1:9/")
            .with("server.tls.certificate", garbage)
            .with("server.tls.key", garbage);
    assertThatThrownBy(builder::start).hasMessageContaining("the node did not start");
  }

  private static void refuses(String message, String... changes) {
    assertThatThrownBy(() -> Configured.with(changes))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  private static void shouldAnswerHeadWithTheLengthOfTheBodyOnly(URI url, HttpClient client)
      throws Exception {
    for (String path :
        List.of(
            "/live",
            "/openapi.json",
            "/swagger/",
            "/api/v1/messages?limit=1",
            "/api/v1/messages?limit=x",
            "/api/v1/messages/01890a5d-ac96-774b-bcce-b302099a8057",
            "/api/v1/nothing")) {
      for (String key : List.of(Node.KEY, "no")) {
        List<HttpResponse<String>> answers = new ArrayList<>();
        for (String method : List.of("GET", "HEAD")) {
          answers.add(
              client.send(
                  HttpRequest.newBuilder(url.resolve(path))
                      .method(method, BodyPublishers.noBody())
                      .header("Authorization", "Bearer " + key)
                      .header("X-Correlation-ID", "same")
                      .build(),
                  BodyHandlers.ofString()));
        }
        HttpResponse<String> head = answers.get(1);
        assertThat(head.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(head.statusCode()).as(path).isEqualTo(answers.get(0).statusCode());
        assertThat(head.body()).as(path).isEmpty();
        assertThat(head.headers().firstValueAsLong("Content-Length"))
            .as(path)
            .hasValue(answers.get(0).body().getBytes(StandardCharsets.UTF_8).length);
      }
    }
  }

  private static void awaitCertificate(URI url, String name, SSLContext trust) {
    await()
        .ignoreExceptionsInstanceOf(IOException.class)
        .untilAsserted(
            () -> {
              HttpResponse<String> live =
                  client(trust, HttpClient.Version.HTTP_1_1)
                      .send(
                          HttpRequest.newBuilder(url.resolve("/live")).build(),
                          BodyHandlers.ofString());
              assertThat(live.statusCode()).isEqualTo(200);
              assertThat(subject(live)).isEqualTo("CN=" + name);
            });
  }

  private static HttpClient client(SSLContext trust, HttpClient.Version version) {
    return HttpClient.newBuilder().sslContext(trust).version(version).build();
  }

  private static String subject(HttpResponse<?> response) throws Exception {
    return ((X509Certificate) response.sslSession().orElseThrow().getPeerCertificates()[0])
        .getSubjectX500Principal()
        .getName();
  }

  /** Writes a new certificate and its key as PEM, and gives what trusts it. */
  private SSLContext make(String name, Path certificate, Path key) throws IOException {
    Certificate made = Certificate.make(folder, name, "ip:127.0.0.1");
    Files.copy(made.pem(), certificate, StandardCopyOption.REPLACE_EXISTING);
    Files.copy(made.key(), key, StandardCopyOption.REPLACE_EXISTING);
    return made.trust();
  }
}
