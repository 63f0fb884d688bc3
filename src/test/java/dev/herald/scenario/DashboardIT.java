package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Browser;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.Keys;

/** The dashboard, in a browser: what a person sees and presses. Skipped where there is none. */
@DisplayNameGeneration(ReplaceUnderscores.class)
@EnabledIf(
    value = "dev.herald.testing.Browser#isThere",
    disabledReason =
        "no browser: chromium and chromedriver are not on the PATH; Debian has them as chromium and chromium-driver")
class DashboardIT {
  private static final String HOSTILE = "<img src=x onerror=\"document.title='hacked'\">";

  private static SampleWebhook webhook;
  private static Sql sql;
  private static Node node;
  private static Browser browser;
  private static String page;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, webhook.url())
            .with("node.name", "herald-1")
            .with("webhook.on-ambiguous", "hold")
            .start();
    page = node.api().url() + "/dashboard/";
    browser = Browser.start();
  }

  @AfterAll
  static void stop() {
    browser.close();
    node.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    node.reset(sql);
    webhook.answer(DashboardIT::answer);
    browser.show("light", 1280, 900);
  }

  /** Some messages fail. */
  private static SampleWebhook.Answer answer(SampleWebhook.Post post) {
    if (post.to().endsWith("13")) {
      return new SampleWebhook.Answer(400, "{\"error\":\"the number is not in service\"}", null, 0);
    }
    return post.to().endsWith("66")
        ? SampleWebhook.Answer.status(502)
        : SampleWebhook.Answer.accepted();
  }

  @Test
  void should_ask_for_a_key_and_keep_it_until_it_is_forgotten() {
    browser.open(page, null);
    browser.awaitText("main", "Enter an API key");
    browser.write("API key", "not-a-key-of-this-herald");
    browser.enter("API key");
    browser.awaitText("main", "Herald does not know this key");
    browser.write("API key", Node.KEY);
    browser.press("main", "Show the dashboard");
    browser.awaitText("main", "Nothing needs you");
    browser.awaitText("#top", "herald-1");

    browser.open(page, Node.KEY);
    browser.awaitText("main", "Nothing needs you");
    browser.press("#top", "Sign out");
    browser.awaitText("main", "Enter an API key");
    assertThat(browser.run("return sessionStorage.length")).isEqualTo(0L);
  }

  @Test
  void should_stop_and_start_delivery() {
    browser.open(page, Node.KEY);
    browser.awaitText(".strip", "On");
    browser.press(".strip", "Stop delivery");
    browser.write("Why?", "provider maintenance");
    browser.press("#dialog", "Stop delivery");
    browser.awaitText("#top", "Delivery off");
    browser.awaitText(".strip", ": provider maintenance");
    assertThat(node.api().get("/api/v1/scheduler/status").expect(200).text("/reason"))
        .isEqualTo("provider maintenance");

    node.api().create("waits");
    browser.awaitText(".needs", "Delivery is off");
    browser.awaitText(".strip", "never");
    browser.press(".needs", "Start delivery");
    browser.awaitText("#top", "Delivery on");
    browser.awaitText(".needs", "Nothing needs you");
    await().until(() -> node.api().count("SENT") == 1);
  }

  @Test
  void should_find_a_failed_message_say_why_and_send_it_again() {
    node.api().create("a good one");
    String id =
        node.api()
            .post("/api/v1/messages", Map.of("phoneNumber", "+905551234513", "content", HOSTILE))
            .expect(201)
            .id();
    await().until(() -> node.api().status(id).equals("FAILED"));
    browser.open(page, Node.KEY);
    browser.awaitText(".reasons", "the number is not in service");
    browser.press("#top", "Messages");
    browser.awaitText("#rows", "a good one");
    browser.press(".filters", "✕ failed");
    await().until(() -> !browser.text("#rows").contains("a good one"));
    assertThat(browser.address()).endsWith("#/messages?status=FAILED");
    browser.awaitText("#rows", HOSTILE);
    browser.press("#rows", "✕ failed");
    browser.awaitText(".drawer", HOSTILE);
    browser.awaitText(".timeline", "Attempt 1: refused, HTTP 400");
    browser.awaitText(".why", "ENDED");
    assertThat(browser.address()).endsWith("#/messages/" + id + "?status=FAILED");
    assertThat(browser.run("return document.querySelectorAll('main img').length")).isEqualTo(0L);
    assertThat(browser.title()).startsWith("(1) Herald");
    assertThat(browser.text(".curl"))
        .contains("$API_KEY", "/api/v1/messages/" + id)
        .doesNotContain(Node.KEY);

    webhook.answer(post -> SampleWebhook.Answer.accepted());
    browser.press(".drawer", "Send it again");
    browser.awaitText(".drawer", "✓ sent");
    browser.awaitText("main", "No message matches");
    browser.type(Keys.ESCAPE);
    await().until(() -> browser.address().endsWith("#/messages?status=FAILED"));
    assertThat(browser.console()).noneMatch(line -> line.contains("Content Security Policy"));
  }

  @Test
  void should_send_many_again_once_somebody_has_seen_how_many() {
    for (int i = 1; i <= 3; i++) {
      send("13", "message " + i);
    }
    await().until(() -> node.api().count("FAILED") == 3);
    webhook.answer(post -> SampleWebhook.Answer.accepted());
    browser.open(page, Node.KEY);
    browser.press(".reasons", "Send again");
    browser.awaitText("#dialog", "Send again: 3 messages?");
    browser.press("#dialog", "Back");
    assertThat(node.api().count("FAILED")).isEqualTo(3);
    browser.press(".reasons", "Send again");
    browser.write("Why?", "the number is in service again");
    browser.press("#dialog", "Send again");
    browser.awaitText("#notices", "3 messages will be sent again.");
    await().until(() -> node.api().count("SENT") == 3);
  }

  @Test
  void should_stop_and_start_a_route_and_check_the_files() {
    browser.open(page + "#/flow", Node.KEY);
    browser.awaitText(".picture", "dispatch-batch");
    assertThat((Long) browser.run("return document.querySelectorAll('.edge').length"))
        .as("arrows from dispatch-tick to dispatch-batch to deliver-message, at least")
        .isGreaterThanOrEqualTo(2);
    browser.press(".picture", "housekeeping:");
    browser.press("#route", "Stop the route");
    browser.press("#dialog", "Stop the route");
    browser.awaitText("#route", "Stopped");
    browser.press("#top", "Overview");
    browser.awaitText(".needs", "housekeeping");
    browser.press(".needs", "Start it");
    browser.press("#dialog", "Start");
    browser.awaitText(".needs", "Nothing needs you");

    browser.press("#top", "Flow");
    browser.awaitText(".files", "routes/deliver.camel.yaml");
    browser.press("main", "Check the files on disk");
    browser.awaitText("main", "The files on disk are what runs");
  }

  @Test
  void should_leave_what_somebody_writes_and_reads_alone() {
    browser.open(page + "#/messages", Node.KEY);
    browser.awaitText("main", "There are no messages yet");
    browser.write("Reference", "half a refer");
    browser.run("document.activeElement.setSelectionRange(2, 6)");
    node.api().create("meanwhile");
    browser.awaitText("#rows", "✓ sent");
    assertThat(
            browser.run(
                "const f = document.activeElement; return f.name + f.value + f.selectionStart"))
        .isEqualTo("referencehalf a refer2");
  }

  @Test
  void should_say_when_herald_does_not_answer() {
    browser.open(page, Node.KEY);
    browser.awaitText("main", "Nothing needs you");
    browser.online(false);
    browser.awaitText("#banner", "No answer from Herald");
    browser.awaitText("#banner", "What you see is from");
    browser.awaitText("main", "Nothing needs you");
    browser.online(true);
    await().until(() -> browser.text("#banner").isEmpty());
    browser.press("#top", "Pause");
    browser.awaitText("#banner", "Paused.");
  }

  @ParameterizedTest
  @CsvSource({"light, 390, 844,", "dark, 1280, 900, color-contrast"})
  void should_be_usable_by_everyone(String scheme, int width, int height, String rule) {
    String failed = troubles();
    browser.show(scheme, width, height);
    browser.open(page, null);
    browser.awaitText("main", "Enter an API key");
    assertUsable(rule);
    browser.open(page, Node.KEY);
    browser.awaitText(".reasons", "the number is not in service");
    browser.awaitText(".legend", "sent");
    browser.press(".curves", "The same in words");
    assertUsable(rule);
    browser.press(".strip", "Stop delivery");
    browser.awaitText("#dialog", "Why?");
    assertUsable(rule);
    browser.press("#dialog", "Back");
    browser.go("#/messages/" + failed + "?status=FAILED");
    browser.awaitText(".drawer", "the number is not in service");
    browser.awaitText("#rows", "failed");
    assertUsable(rule);
    browser.go("#/flow");
    browser.awaitText(".files", "routes/deliver.camel.yaml");
    browser.press(".picture", "deliver-message:");
    browser.awaitText("#route", "Started");
    assertUsable(rule);
  }

  private static void assertUsable(String rule) {
    assertThat(browser.violations(rule)).isEmpty();
    assertThat(browser.run("return document.documentElement.scrollWidth - innerWidth"))
        .as("nothing scrolls sideways")
        .isEqualTo(0L);
  }

  /** Messages of every kind. Gives the id of one that failed. */
  private static String troubles() {
    node.api().createMany(40);
    send("66", "Your code is 4711");
    String failed = send("13", "Your code is 4712");
    await().until(() -> node.api().count("PENDING") + node.api().count("SENDING") == 0);
    assertThat(node.api().status(failed)).isEqualTo("FAILED");
    return failed;
  }

  private static String send(String ending, String content) {
    return node.api()
        .post("/api/v1/messages", Map.of("phoneNumber", "+9055512345" + ending, "content", content))
        .expect(201)
        .id();
  }

  /** Writes the pictures of the docs: {@code mvn -Dtest=DashboardIT -Dscreenshots=true test}. */
  @Test
  @EnabledIfSystemProperty(named = "screenshots", matches = "true")
  void should_look_as_in_the_docs() {
    history();
    String failed = troubles();
    node.api()
        .post("/api/v1/scheduler/stop", Map.of("reason", "the provider is in maintenance"))
        .expect(200);
    node.api().createMany(40);
    Path images = Path.of("docs", "images");
    browser.show("light", 1180, 740);
    browser.open(page, Node.KEY);
    browser.awaitText(".legend", "sent");
    browser.awaitText(".needs", "Delivery is off");
    browser.screenshot(images.resolve("dashboard-light.png"));
    browser.show("dark", 1200, 780);
    browser.go("#/messages/" + failed + "?status=FAILED");
    browser.awaitText(".drawer", "the number is not in service");
    browser.awaitText("#rows", "failed");
    browser.screenshot(images.resolve("dashboard-dark.png"));
    browser.show("light", 1200, 680);
    browser.go("#/flow");
    browser.awaitText(".files", "routes/deliver.camel.yaml");
    browser.screenshot(images.resolve("dashboard-flow.png"));
    browser.show("light", 390, 844);
    browser.go("#/");
    browser.awaitText(".legend", "sent");
    browser.screenshot(images.resolve("dashboard-phone.png"));
  }

  /** As if this had run for hours. */
  private static void history() {
    sql.update(
        "INSERT INTO activity (minute, what, n)"
            + " SELECT date_trunc('minute', now()) - i * interval '1 min', what,"
            + " greatest(0, CASE what WHEN 'FAILED' THEN 2 * sin(i / 17.0) + i % 5 - 2"
            + " WHEN 'UNKNOWN' THEN CASE WHEN i % 41 = 7 THEN 1 ELSE 0 END"
            + " WHEN 'SENT' THEN 760 + 480 * sin((i + 4) / 31.0) + 9 * (i * 7 % 5)"
            + " ELSE 800 + 500 * sin(i / 31.0) + 9 * (i * 7 % 5) END)::int"
            + " FROM generate_series(1, 200) i, unnest(ARRAY['ACCEPTED', 'SENT', 'FAILED', 'UNKNOWN']) what"
            + " ON CONFLICT (minute, what) DO UPDATE SET n = excluded.n");
  }
}
