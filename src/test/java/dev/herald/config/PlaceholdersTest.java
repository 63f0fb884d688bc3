package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** A route's placeholders have the values that Herald reads. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class PlaceholdersTest {
  private static final Map<String, String> VALUES =
      Map.of("retention.finished", "1d", "their.own.key", "kept for {{retention.finished}}");

  private final CamelContext camel = new DefaultCamelContext();

  @AfterEach
  void clear() {
    camel.stop();
    System.clearProperty("retention.finished");
  }

  @Test
  void should_resolve_the_keys_of_herald_and_of_the_operator() {
    System.setProperty("retention.finished", "what Camel alone would take");
    Placeholders.resolve(camel, key -> Optional.ofNullable(VALUES.get(key)));
    camel.start();
    assertThat(camel.resolvePropertyPlaceholders("{{retention.finished}}")).isEqualTo("1d");
    assertThat(camel.resolvePropertyPlaceholders("{{their.own.key}}!")).isEqualTo("kept for 1d!");
    assertThat(camel.resolvePropertyPlaceholders("{{missing:default}}")).isEqualTo("default");
  }
}
