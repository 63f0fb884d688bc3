package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.ApiKey;
import dev.herald.config.Role;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ApiKeysTest {
  private final ApiKeys keys =
      new ApiKeys(List.of(key("ops", "secret-1"), key("app", "sécret-2")), false);

  @ParameterizedTest
  @CsvSource({
    "Bearer secret-1, ops",
    "bearer secret-1, ops",
    "BEARER   secret-1 , ops",
    "Bearer sécret-2, app",
  })
  void should_know_a_key_by_its_name(String authorization, String name) {
    assertThat(keys.callerOf(authorization)).map(Caller::name).hasValue(name);
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
    assertThat(keys.callerOf(authorization)).isEmpty();
  }

  @Test
  void should_let_everyone_in_only_where_that_is_asked_for() {
    assertThat(new ApiKeys(List.of(), true).callerOf(null))
        .hasValue(new Caller("anyone", "", Role.ALL));
    assertThat(new ApiKeys(List.of(), false).callerOf("Bearer ")).isEmpty();
  }

  @Test
  void should_tell_keys_of_one_name_apart_by_a_part_of_their_digest() {
    // printf %s 0123456789abcdef0123 | sha256sum
    assertThat(ApiKeys.caller(key("ops", "0123456789abcdef0123"))).hasToString("ops (1bd8fd47)");
    assertThat(ApiKeys.caller(key("ops", "0123456789abcdef0124")).id()).isNotEqualTo("1bd8fd47");
  }

  @Test
  void should_not_help_to_guess_a_short_key() {
    assertThat(ApiKeys.caller(key("ops", "0123456789abcde"))).hasToString("ops");
  }

  @Test
  void should_accept_other_keys_from_one_moment_to_the_next() {
    keys.replace(List.of(key("app", "sécret-2"), key("app", "secret-3")));
    assertThat(keys.callerOf("Bearer secret-1")).isEmpty();
    assertThat(keys.callerOf("Bearer sécret-2")).map(Caller::name).hasValue("app");
    assertThat(keys.callerOf("Bearer secret-3")).map(Caller::name).hasValue("app");
  }

  @Test
  void should_know_when_each_was_used_last_whatever_came_beside_it() {
    keys.callerOf("Bearer secret-1");
    keys.callerOf("Bearer wrong");
    keys.whenReplaced(() -> {});
    keys.replace(List.of(key("ops", "secret-1"), key("ops", "0123456789abcdef0123")));
    List<ApiKeys.Use> uses = keys.uses();
    assertThat(uses).extracting(ApiKeys.Use::id).containsExactly("", "1bd8fd47");
    assertThat(uses.get(0).at().longValue()).isBetween(1L, System.currentTimeMillis() / 1_000);
    assertThat(uses.get(1).at().longValue()).isZero();
    keys.callerOf("Bearer 0123456789abcdef0123");
    assertThat(uses.get(1).at().longValue()).isPositive();
  }

  private static ApiKey key(String name, String secret) {
    return new ApiKey(name, secret, Set.of(Role.READ));
  }
}
