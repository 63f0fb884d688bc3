package dev.herald.scenario;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Behaviour;
import dev.herald.testing.RawProvider.Request;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Herald understands of answers that are compressed, or in another encoding than UTF-8. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class AnswerTextIT {
  private static final String ACCEPTED = "{\"messageId\":\"m-ş\",\"message\":\"Kabul edildi\"}";
  private static final Map<String, Behaviour> BEHAVIOURS = new ConcurrentHashMap<>();

  private static RawProvider provider;
  private static Node node;

  @BeforeAll
  static void start() throws IOException {
    provider =
        new RawProvider(
            connection -> {
              Request request = connection.read();
              BEHAVIOURS.get(request.content()).on(connection);
            });
    node = Node.on(Local.servers().newDatabase(), provider.url()).start();
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
    provider.close();
  }

  /**
   * @param said what the header Content-Length says
   * @param headers more of them, each with its line break
   */
  private static Behaviour answer(int status, byte[] body, int said, String... headers) {
    return connection ->
        connection
            .write(
                "HTTP/1.1 %d As Told\r\n%sContent-Length: %d\r\n\r\n"
                    .formatted(status, String.join("", headers), said))
            .write(body)
            .closeFirst();
  }

  private static JsonNode outcome(String name, Behaviour behaviour) {
    BEHAVIOURS.put(name, behaviour);
    String id = node.api().create(name);
    return await()
        .until(
            () -> node.api().get("/api/v1/messages/" + id).expect(200).body(),
            message -> message.path("status").asText().matches("SENT|FAILED"));
  }

  private static byte[] packed(String how, byte[] plain) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out =
        how.equals("gzip") ? new GZIPOutputStream(packed) : new DeflaterOutputStream(packed)) {
      out.write(plain);
    }
    return packed.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void should_find_the_providers_id_in_a_compressed_answer(String how) throws IOException {
    byte[] body = packed(how, ACCEPTED.getBytes(UTF_8));
    JsonNode message =
        outcome(how, answer(202, body, body.length, "Content-Encoding: " + how + "\r\n"));
    assertThat(message.path("status").asText()).isEqualTo("SENT");
    assertThat(message.path("webhookMessageId").asText()).isEqualTo("m-ş");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void should_read_why_in_a_compressed_refusal(String how) throws IOException {
    byte[] body = packed(how, "geçersiz numara".getBytes(UTF_8));
    JsonNode message =
        outcome("no " + how, answer(400, body, body.length, "Content-Encoding: " + how + "\r\n"));
    assertThat(message.path("lastError").asText()).isEqualTo("HTTP 400: geçersiz numara");
  }

  @Test
  void should_take_a_compressed_answer_that_breaks_off_for_delivered() throws IOException {
    byte[] body = packed("gzip", (ACCEPTED.replace("}", ",\"x\":\"") + noise()).getBytes(UTF_8));
    byte[] half = Arrays.copyOf(body, body.length / 2);
    JsonNode message = outcome("cut", answer(202, half, body.length, "Content-Encoding: gzip\r\n"));
    assertThat(message.path("status").asText()).isEqualTo("SENT");
    assertThat(message.path("webhookMessageId").asText()).isEqualTo("m-ş");
    JsonNode nothing =
        outcome("stub", answer(202, Arrays.copyOf(body, 5), 5, "Content-Encoding: gzip\r\n"));
    assertThat(nothing.path("status").asText()).isEqualTo("SENT");
    assertThat(nothing.has("webhookMessageId")).isFalse();
  }

  private static String noise() {
    StringBuilder noise = new StringBuilder();
    for (int i = 0; i < 2_000; i++) {
      noise.append(i * 7919 % 10_007).append(' ');
    }
    return noise.toString();
  }

  @ParameterizedTest
  @CsvSource({
    "text/plain; charset=ISO-8859-9, ISO-8859-9",
    "text/plain;charset=\"iso-8859-9\", ISO-8859-9",
    "text/plain; charset=windows-1254, windows-1254",
    "text/plain; charset=UTF-16, UTF-16",
    "text/plain, UTF-8",
    "text/plain; charset=no-such-charset, UTF-8",
    "text/plain; charset=, UTF-8",
    "text/plain; charset=()*, UTF-8",
    "nonsense, UTF-8",
    ";;=;, UTF-8",
  })
  void should_read_why_in_the_encoding_that_the_answer_says(String type, String charset) {
    byte[] body = "geçersiz numara: şİğı".getBytes(Charset.forName(charset));
    JsonNode message =
        outcome(type, answer(400, body, body.length, "Content-Type: " + type + "\r\n"));
    assertThat(message.path("status").asText()).isEqualTo("FAILED");
    assertThat(message.path("lastError").asText()).isEqualTo("HTTP 400: geçersiz numara: şİğı");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json; charset=ISO-8859-9",
        "application/json; charset=UTF-16",
        "application/json; charset=no-such-charset",
        "application/json; charset=()*"
      })
  void should_find_the_providers_id_in_the_encoding_that_the_answer_says(String type) {
    String charset = type.substring(type.indexOf('=') + 1);
    byte[] body =
        ACCEPTED.getBytes(
            charset.contains("8859") || charset.startsWith("UTF")
                ? Charset.forName(charset)
                : UTF_8);
    JsonNode message =
        outcome("id " + type, answer(202, body, body.length, "Content-Type: " + type + "\r\n"));
    assertThat(message.path("webhookMessageId").asText()).isEqualTo("m-ş");
  }

  @Test
  void should_find_the_providers_id_in_an_answer_that_is_as_long_as_what_is_kept_or_longer() {
    for (int length : new int[] {65_535, 65_536, 65_537, 1_000_000}) {
      byte[] body = Arrays.copyOf(ACCEPTED.replace("}", ",\"x\":\"").getBytes(UTF_8), length);
      Arrays.fill(body, ACCEPTED.length() + 6, length, (byte) 'x');
      JsonNode message = outcome("long " + length, answer(202, body, length));
      assertThat(message.path("status").asText()).isEqualTo("SENT");
      assertThat(message.path("webhookMessageId").asText()).as("%d", length).isEqualTo("m-ş");
    }
  }
}
