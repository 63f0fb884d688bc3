package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import dev.herald.testing.RawProvider.Request;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.CamelContext;
import org.apache.camel.EndpointAware;
import org.apache.camel.component.http.HttpComponent;
import org.apache.camel.component.http.HttpEndpoint;
import org.apache.camel.spi.CamelContextTracker;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The bytes that leave for the provider: those of the configured URL and the headers of the route,
 * and nothing that Camel would make of them.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RequestOnTheWireIT {
  /** Its parameters are called like options of Camel's endpoints. */
  private static final String TARGET =
      "/a%2Fb//c/?sig=a%2Bb%2Fc%3D%3D&from=x+y&httpMethod=DELETE&bridgeEndpoint=true&a=1"
          + "&followRedirects=true&CamelHttpUri=http://127.0.0.1:9/";

  private static final String LINE_BREAK = "crlf";

  @TempDir static Path routes;

  private static final AtomicBoolean DESERIALIZED = new AtomicBoolean();
  private static RawProvider provider;
  private static RawProvider elsewhere;
  private static CamelContext camel;

  /** As it is delivered. */
  private static Node plain;

  /** Whose operator has put in steps before the POST. */
  private static Node edited;

  /** Says so when somebody reads it from a stream. */
  private static final class Trap implements Serializable {
    private void readObject(ObjectInputStream in) {
      DESERIALIZED.set(true);
    }
  }

  @BeforeAll
  static void start() throws IOException {
    provider = new RawProvider(RequestOnTheWireIT::answer);
    elsewhere = new RawProvider(RequestOnTheWireIT::answer);
    String url = "http://user:p%40ss%2Bword@127.0.0.1:" + provider.port() + TARGET;
    try (CamelContextTracker started =
        new CamelContextTracker() {
          @Override
          public void contextCreated(CamelContext created) {
            camel = created;
          }
        }) {
      started.open();
      plain = Node.on(Local.servers().newDatabase(), url).start();
    }
    String steering =
        EditedRoutes.headers(
            "CamelHttpUri",
            elsewhere.url(),
            "CamelHttpPath",
            "/elsewhere",
            "CamelHttpQuery",
            "steered=true",
            "CamelHttpRawQuery",
            "steered=true",
            "CamelHttpMethod",
            "DELETE",
            "CamelHttpHost",
            "127.0.0.1",
            "CamelHttpPort",
            "" + elsewhere.port(),
            "CamelHttpBaseUri",
            elsewhere.url(),
            "CamelHttpUrl",
            elsewhere.url(),
            "CamelRestHttpUri",
            elsewhere.url(),
            "CamelDestinationOverrideUrl",
            elsewhere.url(),
            "CamelToEndpoint",
            elsewhere.url());
    String headers =
        EditedRoutes.headers(
            "Date", "Mon, 02 Nov 2026 10:00:00 GMT",
            "Cache-Control", "no-store",
            "Via", "1.1 herald",
            "Host", "gateway.example",
            "User-Agent", "Acme/7",
            "Content-Encoding", "identity",
            "Transfer-Encoding", "chunked",
            "Content-Length", "7",
            "X-Name", "Ayşe İğdır €");
    String broken =
        """
        - choice:
            when:
              - simple: "${variable.message.content} == '%s'"
                steps:
                  - setHeader:
                      name: X-Broken
                      constant: "a\\r\\nX-Injected: yes"
        """
            .formatted(LINE_BREAK);
    edited =
        Node.on(Local.servers().newDatabase(), url)
            .with(
                "camel.main.routes-include-pattern",
                EditedRoutes.beforeThePost(routes, steering + headers + broken))
            .start();
  }

  @AfterAll
  static void stop() throws IOException {
    edited.close();
    plain.close();
    elsewhere.close();
    provider.close();
  }

  private static void answer(Connection connection) throws IOException {
    for (Request request = connection.read(); request != null; request = connection.read()) {
      byte[] body =
          request.content().equals("an object")
              ? serialized()
              : "{\"messageId\":\"m-1\"}".getBytes(java.nio.charset.StandardCharsets.UTF_8);
      String type =
          request.content().equals("an object")
              ? "application/x-java-serialized-object"
              : "application/json";
      connection.write(
          "HTTP/1.1 %s As Told\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
              .formatted(request.content().startsWith("bad") ? "400" : "202", type, body.length));
      connection.write(body);
    }
  }

  private static byte[] serialized() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(new Trap());
    }
    return bytes.toByteArray();
  }

  private static String host() {
    return "127.0.0.1:" + provider.port();
  }

  private static Request sent(Node node, String content) {
    String id = node.api().create(content);
    await().until(() -> node.api().status(id).equals("SENT"));
    List<Request> posts = of(id);
    assertThat(posts).hasSize(1);
    return posts.get(0);
  }

  private static List<Request> of(String id) {
    return provider.requests().stream()
        .filter(request -> id.equals(request.idempotencyKey()))
        .toList();
  }

  /** The lines of a request's head that begin with this name. */
  private static List<String> values(Request request, String name) {
    return request
        .head()
        .lines()
        .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
        .map(line -> line.substring(name.length() + 1).strip())
        .toList();
  }

  @Test
  void should_ask_for_the_configured_url_byte_for_byte() {
    Request request = sent(plain, "plain");
    assertThat(request.head()).startsWith("POST " + TARGET + " HTTP/1.1\r\n");
    assertThat(values(request, "Host")).containsExactly(host());
    assertThat(request.body()).isEqualTo("{\"to\":\"+905551234567\",\"content\":\"plain\"}");
  }

  @Test
  void should_say_who_it_is_and_send_nothing_that_nobody_set() {
    Request request = sent(plain, "who");
    assertThat(values(request, "User-Agent"))
        .singleElement()
        .satisfies(agent -> assertThat(agent).startsWith("Herald/").doesNotContain(" "));
    assertThat(values(request, "Authorization"))
        .containsExactly("Basic dXNlcjpwQHNzK3dvcmQ="); // user:p@ss+word
    assertThat(
            request
                .head()
                .lines()
                .skip(1)
                .filter(line -> !line.isEmpty())
                .map(line -> line.substring(0, line.indexOf(':'))))
        .containsExactlyInAnyOrder(
            "Host",
            "User-Agent",
            "Authorization",
            "Idempotency-Key",
            "X-Correlation-ID",
            "Content-Type",
            "Content-Length");
    assertThat(values(request, "Content-Type")).containsExactly("application/json");
  }

  @Test
  void should_send_every_header_that_a_step_sets_in_utf_8() {
    Request request = sent(edited, "headers");
    assertThat(values(request, "Date")).containsExactly("Mon, 02 Nov 2026 10:00:00 GMT");
    assertThat(values(request, "Cache-Control")).containsExactly("no-store");
    assertThat(values(request, "Via")).containsExactly("1.1 herald");
    assertThat(values(request, "Host")).containsExactly("gateway.example");
    assertThat(values(request, "User-Agent")).containsExactly("Acme/7");
    assertThat(values(request, "X-Name")).containsExactly("Ayşe İğdır €");
    assertThat(values(request, "Content-Encoding")).containsExactly("identity");
  }

  @Test
  void should_frame_the_request_by_its_body_whatever_a_step_sets() {
    Request request = sent(edited, "framing");
    assertThat(values(request, "Content-Length")).containsExactly("" + request.body().length());
    assertThat(values(request, "Transfer-Encoding")).isEmpty();
    assertThat(request.body()).contains("\"framing\"");
  }

  /** CVE-2026-78164. */
  @Test
  void should_let_no_header_of_camels_steer_the_request_or_leave_with_it() {
    Request request = sent(edited, "steered");
    assertThat(request.head())
        .startsWith("POST " + TARGET + " HTTP/1.1\r\n")
        .doesNotContain("elsewhere", "" + elsewhere.port());
    assertThat(request.head().lines().skip(1)).noneMatch(line -> line.startsWith("Camel"));
    assertThat(elsewhere.connections()).isZero();
  }

  @Test
  void should_send_nothing_when_a_header_has_a_line_break() {
    String id = edited.api().create(LINE_BREAK);
    JsonNode attempt =
        await()
            .until(
                () ->
                    edited
                        .api()
                        .get("/api/v1/messages/" + id)
                        .expect(200)
                        .body()
                        .at("/failedAttempts/0"),
                node -> !node.isMissingNode());
    assertThat(attempt.path("class").asText()).isEqualTo("MISCONFIGURED");
    assertThat(attempt.path("error").asText())
        .contains("X-Broken", "line break or a control character")
        .doesNotContain("X-Injected");
    assertThat(of(id)).isEmpty();
    assertThat(provider.requests()).noneMatch(request -> request.head().contains("X-Injected"));
    edited.api().delete("/api/v1/messages/" + id);
  }

  /** CVE-2026-40859. */
  @Test
  void should_never_make_an_object_of_an_answer() {
    sent(plain, "an object");
    assertThat(DESERIALIZED).isFalse();
  }

  /** Each of these keeps an advisory on Camel out; see SECURITY.md. */
  @Test
  void should_hold_the_options_that_keep_advisories_out() {
    HttpEndpoint endpoint = endpoint();
    assertThat(endpoint.isSkipControlHeaders()).as("skipControlHeaders").isTrue();
    assertThat(endpoint.isCopyHeaders()).as("copyHeaders").isFalse();
    assertThat(endpoint.isThrowExceptionOnFailure()).as("throwExceptionOnFailure").isFalse();
    assertThat(endpoint.isTransferException()).as("transferException").isFalse();
    assertThat(endpoint.isFollowRedirects()).as("followRedirects").isFalse();
    assertThat(endpoint.isBridgeEndpoint()).as("bridgeEndpoint").isFalse();
    assertThat(endpoint.getHttpClient())
        .isSameAs(camel.getRegistry().lookupByName("webhookClient"));
    assertThat(endpoint.getHeaderFilterStrategy())
        .isSameAs(camel.getRegistry().lookupByName("headerRules"));
    assertThat(endpoint.getHttpUri()).hasToString("http://webhook.url");
  }

  /** What a step to another host takes over. */
  @ParameterizedTest
  @ValueSource(strings = {"http", "https"})
  void should_hold_the_options_of_the_components_too(String scheme) {
    HttpComponent component = camel.getComponent(scheme, HttpComponent.class);
    assertThat(component.isAllowJavaSerializedObject()).isFalse();
    assertThat(component.isSkipControlHeaders()).isTrue();
    assertThat(component.isCopyHeaders()).isFalse();
    assertThat(component.isFollowRedirects()).isFalse();
    assertThat(component.getHeaderFilterStrategy())
        .isSameAs(camel.getRegistry().lookupByName("headerRules"));
  }

  private static HttpEndpoint endpoint() {
    return (HttpEndpoint) ((EndpointAware) camel.getProcessor("http-send-message")).getEndpoint();
  }
}
