package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What a scrape says after real deliveries, and what is made of it in ops/ and docs/. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class MetricsIT {
  private static final Pattern NAME = Pattern.compile("\\bherald_[a-z_]+[a-z]");
  private static final int MAX_PANELS = 12;

  private static SampleWebhook webhook;
  private static TcpProxy cable;
  private static Sql sql;
  private static Node node;

  /** What was scraped before anything had happened, and before this test. */
  private static String first;

  private String before;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    cable = TcpProxy.of(database);
    node = Node.on(cable.by(database), webhook.url()).start();
    first = node.scrape();
  }

  @AfterAll
  static void stop() {
    node.close();
    cable.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    webhook.answer(post -> Answer.accepted());
    node.reset(sql);
    before = node.scrape();
  }

  @Test
  void should_count_what_happened() {
    webhook.answer(post -> post.content().equals("no") ? Answer.status(400) : Answer.accepted());
    Api api = node.api();
    api.createMany(30);
    api.create("no");
    await().untilAsserted(() -> assertThat(api.count("SENT") + api.count("FAILED")).isEqualTo(31));

    assertThat(counted("herald_messages_accepted_total")).isEqualTo(31);
    assertThat(counted("herald_messages_claimed_total")).isEqualTo(31);
    assertThat(counted("herald_claims_total")).isPositive();
    assertThat(counted("herald_outcomes_total{kind=\"DELIVERED\"}")).isEqualTo(30);
    assertThat(counted("herald_outcomes_total{kind=\"REFUSED\"}")).isEqualTo(1);
    assertThat(counted("herald_outcomes_total")).isEqualTo(31);
    assertThat(counted("herald_webhook_seconds_count")).isEqualTo(31);
    assertThat(counted("herald_webhook_seconds_bucket{le=\"+Inf\"}")).isEqualTo(31);
    assertThat(counted("herald_webhook_seconds_sum")).isPositive();
    assertThat(counted("herald_outcomes_late_total")).isZero();
    assertThat(node.metric("herald_in_flight")).isZero();
    assertThat(node.metric("herald_recorder_backlog")).isZero();
    assertThat(node.metric("herald_circuit_open")).isZero();
    assertThat(node.metric("herald_redis_up")).isEqualTo(1);
    assertThat(node.metric("herald_postgresql_up")).isEqualTo(1);
    awaitMetric("herald_messages{status=\"SENT\"}", 30);
    awaitMetric("herald_scheduler_running", 1);

    api.post("/api/v1/scheduler/stop", null).expect(200);
    api.createMany(3);
    awaitMetric("herald_messages_due", 3);
    awaitMetric("herald_scheduler_running", 0);
    assertThat(node.metric("herald_oldest_due_age_seconds")).isPositive();
  }

  @Test
  void should_say_that_the_circuit_is_open_until_the_provider_is_back() {
    webhook.answer(post -> Answer.status(503));
    node.api().createMany(20);
    awaitMetric("herald_circuit_open", 1);
    assertThat(counted("herald_outcomes_total{kind=\"NOT_SENT\"}")).isPositive();
    webhook.answer(post -> Answer.accepted());
    awaitMetric("herald_circuit_open", 0);
  }

  @Test
  void should_say_nothing_of_the_backlog_while_postgresql_is_away() {
    awaitMetric("herald_messages_due", 0);
    cable.refuse();
    awaitMetric("herald_postgresql_up", 0);
    assertThat(node.metric("herald_messages_due")).isNaN();
    assertThat(node.metric("herald_oldest_due_age_seconds")).isNaN();
    assertThat(node.metric("herald_scheduler_running")).isNaN();
    cable.restore();
    awaitMetric("herald_messages_due", 0);
  }

  @Test
  void should_name_in_ops_and_docs_only_what_a_scrape_has_and_document_all_of_it() {
    Set<String> scraped = names(first);
    for (String file : List.of("ops/prometheus-rules.yml", "ops/grafana-dashboard.json")) {
      assertThat(scraped).as(file).containsAll(names(read(file)));
    }
    Set<String> documented = names(read("docs/metrics.md"));
    assertThat(scraped).as("docs/metrics.md").containsAll(documented);
    scraped.removeIf(name -> name.matches("herald_webhook_seconds_.*"));
    assertThat(documented).as("docs/metrics.md").containsAll(scraped);
  }

  @Test
  void should_have_rules_with_a_reason_and_a_dashboard_of_a_dozen_panels() throws IOException {
    JsonNode rules = new ObjectMapper(new YAMLFactory()).readTree(read("ops/prometheus-rules.yml"));
    for (JsonNode rule : rules.at("/groups/0/rules")) {
      assertThat(rule.path("alert").asText()).startsWith("Herald");
      assertThat(rule.path("expr").asText()).isNotBlank();
      assertThat(rule.at("/annotations/summary").asText()).isNotBlank();
      assertThat(rule.at("/annotations/description").asText()).isNotBlank();
    }
    JsonNode panels =
        new ObjectMapper().readTree(read("ops/grafana-dashboard.json")).path("panels");
    assertThat(panels.size()).isBetween(6, MAX_PANELS);
  }

  @Test
  void should_count_every_kind_of_outcome_from_the_start() {
    for (Kind kind : Kind.values()) {
      assertThat(first).contains("herald_outcomes_total{kind=\"" + kind + "\"} 0.0");
    }
  }

  /** By how much a counter has grown since this test began. */
  private double counted(String name) {
    return node.metric(name) - Node.metric(before, name);
  }

  private static void awaitMetric(String name, double value) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(node.metric(name)).as(name).isEqualTo(value));
  }

  private static Set<String> names(String text) {
    Set<String> names = new TreeSet<>();
    Matcher matcher = NAME.matcher(text);
    while (matcher.find()) {
      names.add(matcher.group());
    }
    return names;
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
