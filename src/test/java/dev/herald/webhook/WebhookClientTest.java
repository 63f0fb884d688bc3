package dev.herald.webhook;

import static dev.herald.webhook.Calls.ACCEPTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import dev.herald.dev.LocalServers;
import dev.herald.testing.Certificate;
import dev.herald.testing.FullServer;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import dev.herald.webhook.Calls.Heard;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
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
  private final Calls calls = Calls.plain();

  @AfterEach
  void close() {
    calls.close();
  }

  private Heard post(String url) {
    return calls.post(url);
  }

  private void assertNotSent(String url, String reason) {
    assertThat(post(url).notSent()).startsWith(reason).doesNotContain("null");
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
        new RawProvider(
            Certificate.make(folder, "unknown", "dns:localhost").listen(Optional.empty()),
            Connection::read)) {
      assertNotSent("https://localhost:" + provider.port(), "TLS failed: ");
      assertThat(provider.requests()).isEmpty();
    }
  }

  @Test
  void should_know_that_nothing_was_sent_when_no_connection_comes_in_time() throws Exception {
    try (FullServer full = new FullServer(InetAddress.getLoopbackAddress(), 0)) {
      assertNotSent("http://127.0.0.1:" + full.port(), "no connection");
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
      assertThat(post(provider.url()).failure().written()).isTrue();
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
      WebhookException failure = post(vanishing.url()).failure();
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
      post(provider.url());
      post(provider.url());
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
      post(hasty.url());
      post(hasty.url());
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
      post(provider.url());
      assertThat(post(provider.url()).status()).isEqualTo(400);
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
        post(provider.url());
        await().untilTrue(written);
        assertThat(post(provider.url()).status()).isEqualTo(202);
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
        assertThat(post(provider.url()).failure()).isNull();
        await().pollInterval(Duration.ofMillis(1)).untilAtomic(closed, equalTo(call));
      }
    }
  }

  @Test
  void should_wait_no_longer_for_a_server_that_says_100_for_ever() throws Exception {
    for (String informed : List.of("100 Continue", "103 Early Hints")) {
      try (RawProvider provider =
          new RawProvider(
              connection -> {
                connection.read();
                connection.repeat("HTTP/1.1 " + informed + "\r\n\r\n");
              })) {
        WebhookException failure = post(provider.url()).failure();
        assertThat(failure.written()).isTrue();
        assertThat(failure.getMessage()).isEqualTo("no answer in time");
      }
    }
  }

  @Test
  void should_send_a_request_that_has_no_body() throws Exception {
    try (RawProvider provider = new RawProvider(WebhookClientTest::accept)) {
      assertThat(Calls.ended(calls.begin(provider.url(), new HttpGet(provider.url()))).status())
          .isEqualTo(202);
      assertThat(Calls.ended(calls.begin(provider.url(), new HttpPost(provider.url()))).status())
          .isEqualTo(202);
      assertThat(provider.requests().get(0).head())
          .startsWith("GET /webhook HTTP/1.1\r\n")
          .doesNotContainIgnoringCase("content-length");
      assertThat(provider.requests().get(1).head())
          .startsWith("POST /webhook HTTP/1.1\r\n")
          .contains("Content-Length: 0\r\n");
    }
  }

  /** It has heard enough: the request is too large, or the key is wrong. */
  @Test
  void should_hear_an_answer_of_a_server_that_leaves_before_it_has_read_the_request()
      throws Exception {
    try (RawProvider provider =
        new RawProvider(
            connection -> {
              connection.readOne();
              connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
            })) {
      HttpPost post = new HttpPost(provider.url());
      post.setEntity(new ByteArrayEntity(new byte[50_000_000], ContentType.TEXT_PLAIN));
      assertThat(Calls.ended(calls.begin(provider.url(), post)).status()).isEqualTo(413);
    }
  }

  private static void accept(Connection connection) throws IOException {
    while (connection.read() != null) {
      connection.write(ACCEPTED);
    }
  }
}
