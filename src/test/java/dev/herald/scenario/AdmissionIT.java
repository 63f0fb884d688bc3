package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What many, large, slow and silent clients cost: never more than there is. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class AdmissionIT {
  private static final String BODY = "{\"phoneNumber\":\"+905551234567\",\"content\":\"x\"}";

  private static String database;
  private static Node node;
  private static Api api;
  private static int port;

  private final List<Socket> clients = new ArrayList<>();

  @BeforeAll
  static void start() {
    database = Local.servers().newDatabase();
    node =
        Node.on(database, "http://127.0.0.1:9/")
            .with("dispatch.enabled", false)
            .with("server.max-body", "1MB")
            .with("server.max-bodies", "2MB")
            .with("server.max-connections", 20)
            .with("server.idle-timeout", "1s")
            .with("server.body-timeout", "6s")
            .start();
    api = node.api();
    port = URI.create(api.url()).getPort();
  }

  @AfterAll
  static void stop() {
    node.close();
  }

  @AfterEach
  void leave() throws IOException {
    for (Socket client : clients) {
      client.close();
    }
    awaitHeld(0);
    api.create("still there");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Content-Length: 900000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nDBBA0\r\n"})
  void should_refuse_a_body_for_which_there_is_no_memory_before_it_is_sent(String length)
      throws IOException {
    String most = " ".repeat(899_000);
    connect(head(length) + most);
    awaitHeld(899_000);
    Socket second = connect(head("Content-Length: 900000\r\n\r\n") + most);
    awaitHeld(1_798_000);
    assertThat(answer(connect(head("Content-Length: 900000\r\n\r\n"))))
        .startsWith("HTTP/1.1 503 ")
        .containsIgnoringCase("Retry-After: 2")
        .contains("server.max-bodies");
    api.create("there is room for a small one");
    assertThat(answer(connect(get("/api/v1/messages?limit=1")))).startsWith("HTTP/1.1 200 ");
    assertThat(node.metric("herald_api_refused_total")).isPositive();

    second.close();
    awaitHeldBelow(1_100_000);
    connect(head("Content-Length: 900000\r\n\r\n") + most);
    awaitHeld(1_798_000);
  }

  @Test
  void should_take_no_room_for_what_a_slow_client_does_not_send() throws IOException {
    connect(head("Content-Length: 900000\r\n\r\n"));
    connect(head("Content-Length: 900000\r\n\r\n") + "[ ");
    await().until(() -> node.metric("herald_api_held_bytes") == 2 * 8_192 + 2);
  }

  @Test
  void should_hold_what_a_client_sent_until_its_route_has_ended() throws Exception {
    try (Connection other = DriverManager.getConnection(database, "postgres", "")) {
      other.setAutoCommit(false);
      other.createStatement().execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE");
      connect(head("Content-Length: " + BODY.length() + "\r\n\r\n") + BODY);
      awaitHeld(8_192 + BODY.length());
      clients.get(0).close();
      await().until(() -> node.metric("herald_api_connections") <= 1);
      assertThat(node.metric("herald_api_held_bytes")).isGreaterThan(8_192);
      other.rollback();
    }
    awaitHeld(0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Content-Length: 900000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nDBBA0\r\n"})
  void should_not_hold_a_body_that_nobody_takes(String length) throws Exception {
    String list =
        "GET /api/v1/messages?limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + Node.KEY
            + "\r\n";
    try (Connection other = DriverManager.getConnection(database, "postgres", "")) {
      other.setAutoCommit(false);
      other.createStatement().execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE");
      Socket client = connect(list + length + " ".repeat(450_000));
      await().until(() -> node.metric("herald_api_held_bytes") == 8_192);
      other.rollback();
      assertThat(answer(client)).startsWith("HTTP/1.1 200 ");
      awaitHeld(0);
      send(
          client,
          " ".repeat(450_000) + (length.startsWith("T") ? "\r\n0\r\n\r\n" : "") + list + "\r\n");
      assertThat(answer(client)).as("the connection goes on").startsWith("HTTP/1.1 200 ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "GET /live HTTP/1.1\r\nHost: x\r\nX: ",
        "GET /live HTTP/1.1\r\nHost: x\r\n\r\nGET /live HTTP/1.1\r\nHost: x\r\nX: ",
        "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + Node.KEY
            + "\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
        "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"
      })
  void should_close_what_is_silent_or_takes_too_long(String begin) throws IOException {
    Socket slow = connect(begin);
    slow.setSoTimeout(100);
    await()
        .until(
            () -> {
              try {
                if (!begin.isEmpty()) {
                  // A byte now and then is no request.
                  slow.getOutputStream().write(' ');
                }
                return slow.getInputStream().read(new byte[4096]) < 0;
              } catch (SocketException closed) {
                return true;
              } catch (IOException nothingYet) {
                return false;
              }
            });
  }

  @Test
  void should_serve_others_however_many_connections_are_silent() throws IOException {
    for (int i = 0; i < 100; i++) {
      connect("");
    }
    for (int i = 0; i < 10; i++) {
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
        send(client, "GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(answer(client)).startsWith("HTTP/1.1 200 ");
      }
    }
    await().until(() -> node.metric("herald_api_connections") <= 20);
  }

  @Test
  void should_answer_health_checks_while_all_connections_are_at_work() throws Exception {
    try (Connection other = DriverManager.getConnection(database, "postgres", "")) {
      other.setAutoCommit(false);
      other.createStatement().execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE");
      for (int i = 1; i <= 20; i++) {
        connect(head("Content-Length: " + BODY.length() + "\r\n\r\n") + BODY);
        awaitHeld(i * 8_192);
      }
      for (int i = 0; i < 5; i++) {
        assertThat(answer(connect(get("/live")))).startsWith("HTTP/1.1 200 ");
      }
      assertThat(node.metric("herald_api_held_bytes")).isGreaterThan(20 * 8_192);
      other.rollback();
    }
  }

  @Test
  void should_close_a_connection_whose_client_does_not_read() throws IOException {
    assertThat(answer(connect(get("/swagger/swagger-ui-bundle.js").repeat(50))))
        .startsWith("HTTP/1.1 200 ");
    await().until(() -> node.metric("herald_api_connections") == 0);
  }

  @Test
  void should_answer_many_requests_that_come_together() throws IOException {
    String one = get("/openapi.json");
    Socket client =
        connect(one.repeat(39) + one.replace("Host: x", "Host: x\r\nConnection: close"));
    String answers = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(answers.split("HTTP/1.1 200 OK", -1)).hasSize(41);
  }

  @Test
  void should_close_a_connection_that_sends_thousands_behind_a_slow_request() throws Exception {
    Socket client;
    try (Connection other = DriverManager.getConnection(database, "postgres", "")) {
      other.setAutoCommit(false);
      other.createStatement().execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE");
      client = connect(get("/api/v1/messages?limit=1") + get("/live").repeat(3_000));
      awaitHeld(8_192);
      other.rollback();
    }
    int answers = 0;
    try {
      for (String read = answer(client); !read.isEmpty(); read = answer(client)) {
        answers += read.split("HTTP/1.1 200", -1).length - 1;
      }
    } catch (SocketException closed) {
      // What was not read is lost.
    }
    assertThat(answers).isLessThan(60);
  }

  private Socket connect(String begin) throws IOException {
    Socket client = new Socket(InetAddress.getLoopbackAddress(), port);
    clients.add(client);
    client.setSoTimeout(30_000);
    if (!begin.isEmpty()) {
      send(client, begin);
    }
    return client;
  }

  private static void send(Socket client, String text) throws IOException {
    OutputStream out = client.getOutputStream();
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  /** What comes at once. */
  private static String answer(Socket client) throws IOException {
    byte[] bytes = new byte[4096];
    int length = client.getInputStream().read(bytes);
    return new String(bytes, 0, Math.max(0, length), StandardCharsets.UTF_8);
  }

  private static String head(String length) {
    return "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + Node.KEY
        + "\r\nContent-Type: application/json\r\n"
        + length;
  }

  private static String get(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + Node.KEY + "\r\n\r\n";
  }

  private static void awaitHeld(double bytes) {
    await()
        .until(
            () -> {
              double held = node.metric("herald_api_held_bytes");
              return bytes == 0 ? held == 0 : held >= bytes;
            });
  }

  private static void awaitHeldBelow(double bytes) {
    await().until(() -> node.metric("herald_api_held_bytes") < bytes);
  }
}
