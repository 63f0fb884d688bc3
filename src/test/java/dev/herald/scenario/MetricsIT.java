package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Promtool;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a scrape says after real deliveries, and what is made of it in ops/ and docs/. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class MetricsIT {
  private static final Pattern NAME =
      Pattern.compile("\\b(herald|hikaricp|jvm|process|system)_[a-z0-9_]+[a-z0-9]");
  private static final String SLOT = "metrics_it";
  private static final String SLOTS = "herald_replication_slot_retained_bytes";

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
    sql.value("SELECT pg_create_physical_replication_slot(?, true)::text", SLOT);
    cable = TcpProxy.of(database);
    node = Node.on(cable.by(database), webhook.url()).with("management.jolokia", "false").start();
    first = node.scrape();
  }

  @AfterAll
  static void stop() {
    node.close();
    sql.value("SELECT pg_drop_replication_slot(?)::text", SLOT);
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
    assertThat(counted("herald_messages_ended_total{status=\"SENT\"}")).isEqualTo(30);
    assertThat(counted("herald_messages_ended_total{status=\"FAILED\"}")).isEqualTo(1);
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
    assertThat(node.metric(SLOTS)).isNaN();
    cable.restore();
    awaitMetric("herald_messages_due", 0);
  }

  @Test
  void should_name_in_ops_and_docs_only_what_a_scrape_has_and_document_all_of_herald() {
    System.gc();
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> names(node.scrape()).containsAll(Set.of(SLOTS, "jvm_gc_pause_seconds")));
    Set<String> scraped = names(node.scrape());
    for (String file : List.of("ops/prometheus-rules.yml", "ops/grafana-dashboard.json")) {
      assertThat(scraped).as(file).containsAll(names(read(file)));
    }
    Set<String> documented = names(read("docs/metrics.md"));
    assertThat(scraped).as("docs/metrics.md").containsAll(documented);
    scraped.removeIf(
        name ->
            !name.startsWith("herald_") || name.matches("herald_(webhook|api_request)_seconds_.*"));
    assertThat(documented).as("docs/metrics.md").containsAll(scraped);
  }

  @Test
  void should_pass_the_checks_of_prometheus() throws Exception {
    assertThat(Promtool.run(node.scrape(), "check", "metrics").lines().skip(1))
        .as("Camel and Micrometer name theirs")
        .allMatch(line -> line.matches("(app_info|camel_|process_cpu_time_ns|system_cpu_count).*"));
  }

  @Test
  void should_tell_a_text_that_stands_alone_for_each_metric() {
    Set<String> texts = new TreeSet<>();
    node.scrape()
        .lines()
        .filter(line -> line.startsWith("# HELP herald_") && !line.contains("_seconds_max "))
        .forEach(
            line -> {
              String text = line.split(" ", 4)[3];
              assertThat(text).as(line).matches("[A-Z1].{15,}").doesNotEndWith(".");
              assertThat(text).as(line).doesNotContainPattern("\\b(they brought|of them has)\\b");
              assertThat(texts.add(text)).as("two metrics say %s", text).isTrue();
            });
    assertThat(texts).hasSizeGreaterThan(40);
  }

  @Test
  void should_count_requests_by_operation_and_class_of_the_answer() throws IOException {
    Api api = node.api();
    api.create("hello");
    api.post("/api/v1/messages", "[]").expect(422);
    api.get("/api/v1/messages").expect(200);
    new Api(api.url(), null).get("/api/v1/messages").expect(401);
    api.get("/nothing/is/here").expect(404);
    api.get("/swagger/").expect(200);
    try (Socket client = new Socket("127.0.0.1", URI.create(api.url()).getPort())) {
      client
          .getOutputStream()
          .write(
              """
          POST /api/v1/messages HTTP/1.1\r
          Host: localhost\r
          Authorization: Bearer %s\r
          Content-Type: application/json\r
          Content-Length: 100\r
          \r
          {"""
                  .formatted(Node.KEY)
                  .getBytes(StandardCharsets.UTF_8));
    }
    await().untilAsserted(() -> assertThat(requests("createMessage", "closed")).isEqualTo(1));
    assertThat(requests("createMessage", "2xx")).isEqualTo(1);
    assertThat(requests("createMessage", "4xx")).isEqualTo(1);
    assertThat(requests("listMessages", "2xx")).isEqualTo(1);
    assertThat(requests("listMessages", "4xx")).isEqualTo(1);
    assertThat(requests("none", "4xx")).isEqualTo(1);
    assertThat(requests("page", "2xx")).isEqualTo(1);
    assertThat(counted("herald_api_request_seconds_count{operation=\"createMessage\""))
        .isEqualTo(3);
  }

  @Test
  void should_count_a_head_once() throws Exception {
    HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create(node.api().url() + "/live"))
                .method("HEAD", BodyPublishers.noBody())
                .build(),
            BodyHandlers.discarding());
    await().untilAsserted(() -> assertThat(requests("getLiveness", "2xx")).isEqualTo(1));
  }

  @Test
  void should_say_what_holds_the_disk_of_postgresql_and_how_its_pools_are_used() {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> assertThat(node.metric(SLOTS + "{slot=\"" + SLOT + "\"}")).isPositive());
    for (String pool : List.of("herald-api", "herald-work")) {
      assertThat(node.metric("hikaricp_connections_max{pool=\"" + pool + "\"}")).isPositive();
    }
  }

  @Test
  void should_say_when_it_last_claimed_and_kept_house() {
    double now = Instant.now().getEpochSecond();
    for (String name : List.of("herald_last_claim", "herald_last_housekeeping")) {
      await()
          .untilAsserted(
              () -> assertThat(node.metric(name + "_timestamp_seconds")).isGreaterThan(now));
    }
  }

  /** This node has management.jolokia=false. */
  @ParameterizedTest
  @ValueSource(strings = {"", "/", "/version", "/read/java.lang:type=Memory", "/list"})
  void should_serve_metrics_and_health_without_jolokia(String path) {
    Api management = new Api(node.managementUrl(), null);
    management.get("/observe/health").expect(200);
    management.get("/observe/jolokia" + path).expect(404);
    management.post("/observe/jolokia" + path, Map.of("type", "version")).expect(404);
  }

  @Test
  void should_count_every_kind_of_outcome_from_the_start() {
    for (Kind kind : Kind.values()) {
      assertThat(first).contains("herald_outcomes_total{kind=\"" + kind + "\"} 0.0");
    }
  }

  private double requests(String operation, String status) {
    return counted(
        "herald_api_requests_total{operation=\"%s\",status=\"%s\"}".formatted(operation, status));
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
    Matcher matcher = NAME.matcher(text.replaceAll("=\\\\?\"[^\"]*\"", ""));
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
