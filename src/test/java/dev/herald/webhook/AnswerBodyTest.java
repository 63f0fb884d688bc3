package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.RawProvider;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is left of an answer's body when it was compressed, cut off or enormous. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class AnswerBodyTest {
  private static final String TEXT = "{\"messageId\":\"m-1\",\"message\":\"Kabul edildi ş\"}";
  private static final int BOMB = 20_000_000;

  private final Calls calls = Calls.plain();

  @AfterEach
  void close() {
    calls.close();
  }

  private byte[] received(String encoding, byte[] body) throws IOException {
    return received(encoding, body, body.length);
  }

  /**
   * @param said what the header Content-Length says
   */
  private byte[] received(String encoding, byte[] body, int said) throws IOException {
    try (RawProvider provider =
        new RawProvider(
            connection -> {
              connection.read();
              connection
                  .write(
                      "HTTP/1.1 202 Accepted\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
                          .formatted(encoding, said))
                  .write(body)
                  .closeFirst();
            })) {
      Calls.Heard heard = calls.post(provider.url());
      assertThat(heard.status()).isEqualTo(202);
      return heard.body();
    }
  }

  private static byte[] packed(String how, byte[] plain) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out = packer(how, packed)) {
      out.write(plain);
    }
    return packed.toByteArray();
  }

  private static OutputStream packer(String how, OutputStream to) throws IOException {
    return switch (how) {
      case "gzip" -> new GZIPOutputStream(to);
      case "deflate" -> new DeflaterOutputStream(to);
      case "raw deflate" ->
          new DeflaterOutputStream(to, new Deflater(Deflater.DEFAULT_COMPRESSION, true));
      default -> new FilterOutputStream(to);
    };
  }

  /** RFC 9110, section 8.4.1.2, knows that some leave out the zlib wrapper of deflate. */
  @ParameterizedTest
  @CsvSource({
    "gzip, gzip",
    "GZip, gzip",
    "x-gzip, gzip",
    "deflate, deflate",
    "deflate, raw deflate",
    "identity, plain",
    "'', plain",
  })
  void should_unpack_what_is_compressed(String encoding, String how) throws IOException {
    byte[] plain = TEXT.getBytes(StandardCharsets.UTF_8);
    assertThat(received(encoding, packed(how, plain))).isEqualTo(plain);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate", "raw deflate"})
  void should_keep_what_came_before_a_compressed_body_broke_off(String how) throws IOException {
    byte[] plain = (TEXT + "0123456789abcdef".repeat(2_000)).getBytes(StandardCharsets.UTF_8);
    byte[] packed = packed(how, plain);
    byte[] half =
        received(how.replace("raw ", ""), Arrays.copyOf(packed, packed.length / 2), packed.length);
    assertThat(new String(half, StandardCharsets.UTF_8)).startsWith(TEXT);
    assertThat(half.length).isLessThan(plain.length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate", "br", "zstd", "nonsense"})
  void should_make_nothing_of_what_it_cannot_unpack(String encoding) throws IOException {
    assertThat(received(encoding, "\u0001 not packed".getBytes(StandardCharsets.UTF_8))).isEmpty();
    assertThat(received(encoding, new byte[0])).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void should_unpack_no_more_of_a_bomb_than_is_kept(String how) throws IOException {
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (OutputStream out = packer(how, bomb)) {
      byte[] zeros = new byte[1_000_000];
      for (int size = 0; size < BOMB; size += zeros.length) {
        out.write(zeros);
      }
    }
    assertThat(received(how, bomb.toByteArray())).hasSize(WebhookClient.MAX_ANSWER);
  }

  @Test
  void should_keep_the_beginning_of_a_body_that_is_too_long() throws IOException {
    byte[] plain = TEXT.repeat(5_000).getBytes(StandardCharsets.UTF_8);
    assertThat(received("identity", plain))
        .isEqualTo(Arrays.copyOf(plain, WebhookClient.MAX_ANSWER));
  }
}
