package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.herald.testing.Promtool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * The alerts say what is wrong, of which Herald, and where to read on; the dashboard says it in
 * words.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class PrometheusRulesTest {
  private static final String RULES = "ops/prometheus-rules.yml";
  private static final String CASES = "ops/prometheus-rules-test.yml";
  private static final Pattern AGGREGATION =
      Pattern.compile("\\b(sum|max|min|count|avg)\\b(?! by \\(job[,)])");
  private static final Pattern MATCHING = Pattern.compile("\\bon \\((?!job\\))");

  @Test
  void should_pass_promtools_own_checks_and_cases() throws Exception {
    assertThat(Promtool.run("", "check", "rules", RULES)).startsWith("0\n");
    assertThat(Promtool.run("", "test", "rules", CASES)).startsWith("0\n").contains("SUCCESS");
  }

  @Test
  void should_say_for_each_alert_what_is_wrong_and_how_bad() throws IOException {
    assertThat(rules()).hasSizeGreaterThan(20);
    for (JsonNode rule : rules()) {
      String name = rule.path("alert").asText();
      assertThat(name).matches("Herald([A-Z][a-z]+)+");
      assertThat(rule.at("/labels/severity").asText()).as(name).isIn("critical", "warning");
      String description = rule.at("/annotations/description").asText();
      String summary = rule.at("/annotations/summary").asText();
      assertThat(summary).as(name).isNotBlank().doesNotEndWith(".");
      assertThat(description).as(name).endsWith(".").contains("{{ $labels.job }}");
      assertThat(summary.contains("$value")).as(name).isEqualTo(description.contains("$value"));
    }
  }

  @Test
  void should_not_mix_several_heralds() throws IOException {
    for (JsonNode rule : rules()) {
      String expression = rule.path("expr").asText();
      assertThat(expression)
          .as("an aggregation of %s is not by (job)", rule.path("alert").asText())
          .doesNotContainPattern(AGGREGATION)
          .doesNotContainPattern(MATCHING)
          .containsPattern("[<>=]");
    }
  }

  /** So that an alert tells the figure in question: {@code and} and a comparison keep the left. */
  @Test
  void should_begin_with_the_figure_that_the_words_tell() throws IOException {
    for (JsonNode rule : rules()) {
      if (rule.at("/annotations/summary").asText().contains("$value")) {
        assertThat(rule.path("expr").asText().strip())
            .as(rule.path("alert").asText())
            .doesNotContainPattern("^[^<>]*== ?[01]");
      }
    }
  }

  @Test
  void should_lead_to_a_section_of_the_operations_page_which_has_no_others() throws IOException {
    String page = Files.readString(Path.of("docs/operations.md"));
    List<String> sections =
        Pattern.compile("^### (Herald\\w+)$", Pattern.MULTILINE)
            .matcher(page)
            .results()
            .map(match -> match.group(1))
            .toList();
    assertThat(sections).isEqualTo(names(rules()));
    for (JsonNode rule : rules()) {
      assertThat(rule.at("/annotations/runbook_url").asText())
          .isEqualTo("docs/operations.md#" + rule.path("alert").asText().toLowerCase(Locale.ROOT));
    }
  }

  @Test
  void should_have_a_case_for_each_alert() throws IOException {
    List<JsonNode> cases = list(yaml(CASES).path("tests"));
    assertThat(cases.stream().map(one -> one.at("/alert_rule_test/0/alertname").asText()))
        .containsExactlyElementsOf(names(rules()));
    for (JsonNode one : cases) {
      String name = one.path("name").asText();
      assertThat(one.path("input_series").findValuesAsText("series"))
          .as(name)
          .anyMatch(series -> series.contains("job=\"herald-eu\""));
      assertThat(one.at("/alert_rule_test/0/exp_alerts").findValuesAsText("job"))
          .as(name)
          .isNotEmpty()
          .containsOnly("herald");
    }
  }

  @Test
  void should_have_a_dashboard_in_words_for_the_heralds_and_nodes_that_one_chooses()
      throws IOException {
    JsonNode dashboard =
        new ObjectMapper().readTree(Path.of("ops/grafana-dashboard.json").toFile());
    assertThat(dashboard.at("/templating/list").findValuesAsText("name"))
        .contains("job", "instance");
    for (JsonNode panel : dashboard.path("panels")) {
      String title = panel.path("title").asText();
      assertThat(title).isNotBlank();
      if (panel.path("type").asText().equals("row")) {
        continue;
      }
      assertThat(panel.path("description").asText()).as(title).endsWith(".");
      for (String expression : panel.path("targets").findValuesAsText("expr")) {
        assertThat(expression)
            .as(title)
            .contains("job=~\"$job\"")
            .doesNotContainPattern("\\b(herald|jvm|process|system|hikaricp)_\\w+(?!\\w|\\{)");
      }
      if (panel.path("type").asText().equals("stat")) {
        JsonNode words = panel.at("/fieldConfig/defaults/mappings/0/options");
        assertThat(words.has("0") && words.has("1")).as(title).isTrue();
      }
    }
  }

  private static List<JsonNode> rules() throws IOException {
    return list(yaml(RULES).at("/groups/0/rules"));
  }

  private static List<String> names(List<JsonNode> rules) {
    return rules.stream().map(rule -> rule.path("alert").asText()).toList();
  }

  private static List<JsonNode> list(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).toList();
  }

  private static JsonNode yaml(String file) throws IOException {
    return new ObjectMapper(new YAMLFactory()).readTree(Path.of(file).toFile());
  }
}
