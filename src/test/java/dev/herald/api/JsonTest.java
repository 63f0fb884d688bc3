package dev.herald.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.herald.problem.Problem;
import dev.herald.problem.ProblemException;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class JsonTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\":1,\"a\":2}",
        "{} {}",
        "{\"a\":",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":\"secret\" oops}",
        "[1,]",
      })
  void should_say_where_the_body_is_not_json_and_repeat_nothing_of_it(String body) {
    Problem problem = refusal(body.getBytes(UTF_8));
    assertThat(problem.status()).isEqualTo(400);
    assertThat(problem.detail()).matches("the body is not JSON at line 1, column \\d+");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " \n\t"})
  void should_say_that_the_body_is_empty(String body) {
    assertThat(refusal(body.getBytes(UTF_8)).detail()).contains("empty");
  }

  @Test
  void should_refuse_a_body_that_is_too_deep_or_no_text() {
    assertThat(refusal("[".repeat(100_000).getBytes(UTF_8)).status()).isEqualTo(400);
    assertThat(refusal(new byte[] {'"', (byte) 0xc3, (byte) 0x28, '"'}).status()).isEqualTo(400);
  }

  @Test
  void should_write_times_as_rfc_3339() {
    assertThat(new Json().write(Map.of("at", Instant.parse("2030-01-01T09:00:00.120Z"))))
        .isEqualTo("{\"at\":\"2030-01-01T09:00:00.120Z\"}");
  }

  private static Problem refusal(byte[] body) {
    return catchThrowableOfType(ProblemException.class, () -> Json.read(body)).problem();
  }
}
