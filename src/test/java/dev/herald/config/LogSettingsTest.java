package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class LogSettingsTest {
  private final List<String> faults = new ArrayList<>();

  @Test
  void should_be_text_at_info_unless_something_else_is_asked_for() {
    assertThat(read(Map.of("LOG_LEVEL", "", "LOG_FORMAT", " ")))
        .isEqualTo(
            Map.of(
                "herald.log.format",
                "text",
                "herald.log.level",
                "info",
                "herald.log.libraries",
                "info"));
    assertThat(faults).isEmpty();
  }

  @Test
  void should_take_any_case_and_keep_debug_to_herald() {
    assertThat(read(Map.of("LOG_LEVEL", "Debug", "LOG_FORMAT", "JSON")))
        .isEqualTo(
            Map.of(
                "herald.log.format",
                "json",
                "herald.log.level",
                "debug",
                "herald.log.libraries",
                "info"));
    assertThat(read(Map.of("LOG_LEVEL", "WARN"))).containsEntry("herald.log.libraries", "warn");
    assertThat(faults).isEmpty();
  }

  @Test
  void should_refuse_what_is_not_known() {
    read(Map.of("LOG_LEVEL", "verbose", "LOG_FORMAT", "jsonn"));
    assertThat(faults)
        .containsExactlyInAnyOrder(
            "LOG_LEVEL is 'verbose'; it must be one of error, warn, info, debug",
            "LOG_FORMAT is 'jsonn'; it must be one of text, json");
  }

  private Map<String, String> read(Map<String, String> environment) {
    return LogSettings.read(environment, faults);
  }
}
