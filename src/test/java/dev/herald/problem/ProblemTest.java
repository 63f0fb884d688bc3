package dev.herald.problem;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.api.Json;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ProblemTest {

  @ParameterizedTest
  @CsvSource({
    "MALFORMED, malformed, 400",
    "BAD_PARAMETER, bad-parameter, 400",
    "UNAUTHORIZED, unauthorized, 401",
    "NOT_FOUND, not-found, 404",
    "METHOD_NOT_ALLOWED, method-not-allowed, 405",
    "NOT_ACCEPTABLE, not-acceptable, 406",
    "CONFLICT, conflict, 409",
    "TOO_LARGE, too-large, 413",
    "UNSUPPORTED_MEDIA_TYPE, unsupported-media-type, 415",
    "INVALID, invalid, 422",
    "KEY_REUSED, key-reused, 422",
    "TOO_MANY_REQUESTS, too-many-requests, 429",
    "INTERNAL, internal, 500",
    "UNAVAILABLE, unavailable, 503",
  })
  void should_keep_its_types_stable(Type type, String name, int status) {
    Problem problem = Problem.of(type, "why");
    assertThat(problem.type()).isEqualTo("urn:problem-type:herald:" + name);
    assertThat(problem.status()).isEqualTo(status);
  }

  @Test
  void should_say_in_one_line_what_is_wrong() {
    FieldError error = new FieldError("/content", "required", "is missing");
    assertThat(Problem.of(Type.INVALID, List.of(error)).detail()).isEqualTo("/content is missing");
    assertThat(Problem.of(Type.INVALID, List.of(error, error)).detail())
        .isEqualTo("2 fields are invalid");
  }

  @Test
  void should_leave_out_what_it_does_not_have() {
    assertThat(new Json().write(Problem.of(Type.CONFLICT, "it is SENT")))
        .doesNotContain("errors")
        .doesNotContain("correlationId");
  }
}
