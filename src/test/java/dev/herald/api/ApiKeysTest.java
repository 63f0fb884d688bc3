package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ApiKeysTest {
  private final ApiKeys keys = new ApiKeys(Map.of("secret-1", "ops", "sécret-2", "app"), false);

  @ParameterizedTest
  @CsvSource({
    "Bearer secret-1, ops",
    "bearer secret-1, ops",
    "BEARER   secret-1 , ops",
    "Bearer sécret-2, app",
  })
  void should_know_a_key_by_its_name(String authorization, String name) {
    assertThat(keys.nameOf(authorization)).hasValue(name);
  }

  @ParameterizedTest
  @NullAndEmptySource
  @ValueSource(
      strings = {
        "Bearer",
        "Bearer ",
        "Bearer secret",
        "Bearer secret-1x",
        "Bearer SECRET-1",
        "Bearer ops",
        "Basic secret-1",
        "secret-1",
      })
  void should_let_nobody_in_without_one(String authorization) {
    assertThat(keys.nameOf(authorization)).isEmpty();
  }

  @Test
  void should_name_those_that_may_be_guessed() {
    assertThat(ApiKeys.shortOnes(Map.of("x".repeat(15), "ops", "x".repeat(16), "app")))
        .containsExactly("ops");
  }

  @Test
  void should_let_everyone_in_only_where_that_is_asked_for() {
    assertThat(new ApiKeys(Map.of(), true).nameOf(null)).hasValue("anyone");
    assertThat(new ApiKeys(Map.of(), false).nameOf("Bearer ")).isEmpty();
  }
}
