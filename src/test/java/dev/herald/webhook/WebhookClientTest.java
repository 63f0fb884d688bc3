package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import dev.herald.dev.LocalServers;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The client alone: what it can say for certain when there is no connection, and whose answer is
 * whose.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class WebhookClientTest {
  private static final String ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

  private final WebhookClient client = client(Optional.empty(), Optional.empty());

  /** What the caller heard: a status, or a failure. */
  private record Heard(int status, WebhookException failure) {}

  private static WebhookClient client(Optional<WebhookUrl> proxy, Optional<Path> trust) {
    return new WebhookClient(
        new WebhookClient.Limits(
            Duration.ofMillis(700), Duration.ofMillis(400), Duration.ofSeconds(4), 8, proxy),
        WebhookTls.context(trust, Optional.empty()),
        key -> null,
        "Herald/test",
        nanos -> {});
  }

  @AfterEach
  void close() {
    client.shutdown();
  }

  private CompletableFuture<Heard> post(String url) {
    return CompletableFuture.supplyAsync(() -> call(client, url));
  }

  private static Heard call(WebhookClient client, String url) {
    HttpPost post = new HttpPost(url);
    post.setEntity(new StringEntity("{}", ContentType.APPLICATION_JSON));
    try (ClassicHttpResponse answer =
        client.executeOpen(HttpHost.create(URI.create(url)), post, HttpClientContext.create())) {
      return new Heard(answer.getCode(), null);
    } catch (WebhookException failure) {
      return new Heard(0, failure);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Heard get(CompletableFuture<Heard> heard) throws Exception {
    return heard.get(30, TimeUnit.SECONDS);
  }

  private void assertNotSent(String url, String reason) throws Exception {
    WebhookException failure = get(post(url)).failure();
    assertThat(failure.written()).as("written: %s", failure.getMessage()).isFalse();
    assertThat(failure.getMessage()).startsWith(reason).doesNotContain("null");
  }

  @Test
  void should_know_that_nothing_was_sent_when_the_connection_is_refused() throws Exception {
    assertNotSent(
        "http://127.0.0.1:" + LocalServers.freePort(),
        "no connection: Connect to http://127.0.0.1:");
  }

  @Test
  void should_know_that_nothing_was_sent_when_the_host_has_no_address() throws Exception {
    assertNotSent(
        "http://no-such-host.invalid/webhook",
        "no connection: the host name no-such-host.invalid has no address");
  }

  @Test
  void should_know_that_nothing_was_sent_when_the_server_does_not_speak_tls() throws Exception {
    try (RawProvider plain =
        new RawProvider(connection -> connection.write("HTTP/1.1 400 Bad\r\n\r\n").hang())) {
      assertNotSent("https://127.0.0.1:" + plain.port(), "TLS failed: ");
      assertThat(plain.requests()).isEmpty();
    }
  }

  @Test
  void should_know_that_nothing_was_sent_when_the_server_leaves_during_the_handshake()
      throws Exception {
    for (RawProvider.Behaviour leave :
        List.<RawProvider.Behaviour>of(Connection::closeFirst, Connection::reset)) {
      try (RawProvider leaving =
          new RawProvider(
              connection -> {
                connection.readOne();
                leave.on(connection);
              })) {
        assertNotSent("https://127.0.0.1:" + leaving.port(), "");
      }
    }
  }

  @Test
  void should_know_that_nothing_was_sent_when_the_handshake_takes_too_long() throws Exception {
    try (RawProvider silent = new RawProvider(Connection::hang)) {
      assertNotSent("https://127.0.0.1:" + silent.port(), "no connection: ");
    }
  }

  @Test
  void should_send_nothing_to_a_server_whose_certificate_nobody_vouches_for(@TempDir Path folder)
      throws Exception {
    try (RawProvider provider =
        new RawProvider(selfSigned(folder), connection -> connection.read())) {
      assertNotSent("https://localhost:" + provider.port(), "TLS failed: ");
      assertThat(provider.requests()).isEmpty();
    }
  }

  @Test
  void should_know_that_nothing_was_sent_when_no_connection_comes_in_time() throws Exception {
    List<Socket> queue = new ArrayList<>();
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      fill(full, queue);
      assertNotSent("http://127.0.0.1:" + full.getLocalPort(), "no connection");
    } finally {
      for (Socket socket : queue) {
        socket.close();
      }
    }
  }

  @Test
  void should_say_that_it_may_have_been_sent_when_the_request_was_not_even_read() throws Exception {
    try (RawProvider provider =
        new RawProvider(
            connection -> {
              connection.awaitUnread();
              connection.reset();
            })) {
      assertThat(get(post(provider.url())).failure().written()).isTrue();
      assertThat(provider.requests()).isEmpty();
    }
  }

  @Test
  void should_say_that_it_may_have_been_sent_when_the_server_vanishes() throws Exception {
    try (RawProvider vanishing =
        new RawProvider(
            connection -> {
              connection.readOne();
              connection.idle(30_000);
            })) {
      WebhookException failure = get(post(vanishing.url())).failure();
      assertThat(failure.written()).isTrue();
      assertThat(failure.getMessage()).isEqualTo("no answer in time");
    }
  }

  @Test
  void should_keep_a_connection_for_the_next_call_but_not_longer_than_the_server_does()
      throws Exception {
    try (RawProvider provider =
        new RawProvider(
            connection -> {
              while (connection.read() != null) {
                connection.write(ACCEPTED);
              }
            })) {
      get(post(provider.url()));
      get(post(provider.url()));
      assertThat(provider.connections()).isEqualTo(1);
    }
    try (RawProvider hasty =
        new RawProvider(
            connection -> {
              connection.read();
              connection
                  .write(ACCEPTED.replace("Content", "Keep-Alive: timeout=1\r\nContent"))
                  .hang();
            })) {
      get(post(hasty.url()));
      get(post(hasty.url()));
      assertThat(hasty.connections()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 204 No Content\r\n\r\n{\"message\":\"Accepted\"}",
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nstray",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n\0",
      })
  void should_not_take_what_follows_an_answer_for_the_next_ones(String first) throws Exception {
    AtomicInteger connections = new AtomicInteger();
    try (RawProvider provider =
        new RawProvider(
            connection -> {
              connection.read();
              connection
                  .write(
                      connections.getAndIncrement() == 0
                          ? first
                          : "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
                  .hang();
            })) {
      CompletableFuture<Heard> second =
          post(provider.url()).thenCompose(heard -> post(provider.url()));
      assertThat(get(second).status()).isEqualTo(400);
      assertThat(provider.connections()).isEqualTo(2);
    }
  }

  @Test
  void should_not_take_what_came_while_a_connection_was_idle_for_an_answer() throws Exception {
    for (String stray : List.of("x", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      AtomicBoolean written = new AtomicBoolean();
      try (RawProvider provider =
          new RawProvider(
              connection -> {
                connection.read();
                connection.write(ACCEPTED);
                connection.idle(50);
                connection.write(stray);
                written.set(true);
                connection.hang();
              })) {
        get(post(provider.url()));
        await().untilTrue(written);
        assertThat(get(post(provider.url())).status()).isEqualTo(202);
        assertThat(provider.connections()).isEqualTo(2);
      }
    }
  }

  @Test
  void should_use_no_connection_that_the_server_has_closed_without_a_word() throws Exception {
    AtomicInteger closed = new AtomicInteger();
    try (RawProvider provider =
        new RawProvider(
            connection -> {
              connection.read();
              connection.write(ACCEPTED).closeOutput();
              closed.incrementAndGet();
              connection.hang();
            })) {
      for (int call = 1; call <= 50; call++) {
        assertThat(get(post(provider.url())).failure()).isNull();
        await().pollInterval(Duration.ofMillis(1)).untilAtomic(closed, equalTo(call));
      }
    }
  }

  /** Connects until the queue of what nobody accepts is full. */
  private static void fill(ServerSocket server, List<Socket> queue) throws IOException {
    InetSocketAddress address = new InetSocketAddress("127.0.0.1", server.getLocalPort());
    while (true) {
      Socket socket = new Socket();
      queue.add(socket);
      try {
        socket.connect(address, 300);
      } catch (SocketTimeoutException full) {
        return;
      }
    }
  }

  private static ServerSocket selfSigned(Path folder) throws Exception {
    Path file = folder.resolve("keys.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12",
                "-keystore",
                file.toString(),
                "-storepass",
                "changeit")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start();
    assertThat(keytool.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(keytool.exitValue()).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      keys.load(in, "changeit".toCharArray());
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, "changeit".toCharArray());
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(managers.getKeyManagers(), null, null);
    return tls.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }
}
