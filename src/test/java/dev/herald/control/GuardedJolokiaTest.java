package dev.herald.control;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When a start warns of Jolokia; what it lets one do is in JolokiaIT. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class GuardedJolokiaTest {
  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.0.0.2", "localhost", "::1"})
  void should_not_warn_while_only_this_machine_can_connect(String host) {
    assertThat(GuardedJolokia.warning(host)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", "192.0.2.1"})
  void should_warn_when_others_can_connect_and_say_what_to_do(String host) {
    assertThat(GuardedJolokia.warning(host))
        .hasValueSatisfying(
            text ->
                assertThat(text).contains("management.host=" + host, "management.jolokia=false"));
  }
}
