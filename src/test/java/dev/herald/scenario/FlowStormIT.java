package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.testing.Api;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Reloads in a row under load. {@code -Dflow.reloads=50} sets how many; the test prints what became
 * of everything.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FlowStormIT {
  private static final int RELOADS = Integer.getInteger("flow.reloads", 14);
  private static final String SEND = "        - to:\n            id: http-send-message\n";
  private static final String LAST =
      "        - process:\n            description: Classify the response";

  @TempDir Path folder;
  private final Set<String> accepted = ConcurrentHashMap.newKeySet();
  private final Map<String, AtomicInteger> posts = new ConcurrentHashMap<>();
  private final Set<String> edits = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedQueue<String> unanswered = new ConcurrentLinkedQueue<>();
  private final AtomicInteger answered = new AtomicInteger();
  private final CountDownLatch end = new CountDownLatch(1);
  private Api api;
  private EditedRoutes routes;

  /** One edit of the folder. */
  private interface Edit {
    void make() throws IOException;
  }

  @Test
  void should_lose_double_and_spend_nothing_while_the_flow_changes() throws Exception {
    routes = EditedRoutes.in(folder);
    String database = Local.servers().newDatabase();
    Sql sql = new Sql(database);
    Path statement = folder.resolve("get-message.sql");
    Files.copy(Path.of("sql/get-message.sql"), statement);
    routes.replace("messages.camel.yaml", "sql/get-message.sql", statement.toString());
    try (SampleWebhook webhook = new SampleWebhook()) {
      webhook.answer(post -> Answer.accepted().after(300));
      webhook.onPost(
          post -> {
            posts
                .computeIfAbsent(post.idempotencyKey(), any -> new AtomicInteger())
                .incrementAndGet();
            String edit = post.headers().get("X-Edit");
            if (edit != null) {
              edits.add(edit);
            }
          });
      try (Node node =
          Node.on(database, webhook.url())
              .with("camel.main.routes-include-pattern", routes.pattern())
              .with("dispatch.concurrency", 64)
              .start()) {
        api = node.api();
        List<Thread> clients =
            List.of(run(this::send), run(this::ask), run(this::ask), run(this::create));
        List<Long> good = new ArrayList<>();
        int refused = 0;
        List<Map.Entry<String, Edit>> bad = List.copyOf(badEdits(statement).entrySet());
        for (int i = 1; i <= RELOADS; i++) {
          if (i % 2 == 0) {
            refuse(bad.get(i / 2 % bad.size()));
            refused++;
          } else {
            good.add(reload(i));
          }
        }
        end.countDown();
        for (Thread client : clients) {
          client.join(TimeUnit.SECONDS.toMillis(30));
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> api.count("SENT") == accepted.size());
        long doubled = posts.values().stream().filter(count -> count.get() > 1).count();
        long failed = (long) sql.number("SELECT count(*) FROM attempt");
        long spent = (long) sql.number("SELECT count(*) FROM message WHERE attempts <> 1");
        System.out.printf(
            "flow storm: %d reloads, %d refused; %d messages accepted, %d at the webhook, %d"
                + " doubled, %d attempts spent; %d other calls answered, %d not; a good edit was"
                + " live after %d to %d ms%n",
            good.size(),
            refused,
            accepted.size(),
            posts.size(),
            doubled,
            failed + spent,
            answered.get(),
            unanswered.size(),
            good.stream().min(Long::compare).orElseThrow(),
            good.stream().max(Long::compare).orElseThrow());
        assertThat(unanswered).isEmpty();
        assertThat(posts.keySet()).isEqualTo(accepted);
        assertThat(doubled).isZero();
        assertThat(failed + spent).isZero();
      }
    }
  }

  /** A good edit: it is live when a message carries its number. Returns how long that took. */
  private long reload(int number) throws IOException {
    Path own = folder.resolve("own.camel.yaml");
    switch (number / 2 % 5) {
      case 0 -> Files.writeString(own, own("own-a") + own("own-b"));
      case 1 -> Files.writeString(own, own("own-b"));
      case 2 -> Files.deleteIfExists(own);
      case 3 -> {
        for (String name : List.of("messages", "intake", "record", "dispatch", "housekeeping")) {
          Path file = folder.resolve(name + ".camel.yaml");
          Files.writeString(file, Files.readString(file) + "# edit " + number + "\n");
        }
      }
      default -> {
        Path statement = folder.resolve("get-message.sql");
        Files.writeString(statement, Files.readString(statement) + "-- edit " + number + "\n");
      }
    }
    Path deliver = folder.resolve("deliver.camel.yaml");
    Files.writeString(
        deliver,
        Files.readString(Path.of("routes/deliver.camel.yaml"))
            .replace(
                SEND,
                "        - setHeader: {name: X-Edit, expression: {constant: {expression: \"%d\"}}}\n"
                        .formatted(number)
                    + SEND));
    long start = System.nanoTime();
    Api.Answer answer = api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(answer.body().path("changed").toString()).contains("deliver.camel.yaml");
    await()
        .pollInterval(Duration.ofMillis(10))
        .until(() -> edits.contains(Integer.toString(number)));
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
  }

  private void refuse(Map.Entry<String, Edit> bad) throws IOException {
    Map<Path, String> before = new LinkedHashMap<>();
    for (Path file : files(folder)) {
      before.put(file, Files.readString(file));
    }
    String digest = api.get("/api/v1/flow").expect(200).text("/digest");
    bad.getValue().make();
    Api.Answer answer = api.post("/api/v1/flow/reload", null);
    assertThat(answer.status()).as(bad.getKey()).isEqualTo(422);
    assertThat(answer.body().path("faults")).as(bad.getKey()).isNotEmpty();
    assertThat(api.get("/api/v1/flow").expect(200).text("/digest")).isEqualTo(digest);
    for (Path file : files(folder)) {
      if (!before.containsKey(file)) {
        Files.delete(file);
      }
    }
    for (Map.Entry<Path, String> file : before.entrySet()) {
      Files.writeString(file.getKey(), file.getValue());
    }
  }

  private Map<String, Edit> badEdits(Path statement) {
    Map<String, Edit> edits = new LinkedHashMap<>();
    Path mine = folder.resolve("mine.camel.yaml");
    edits.put("half-written", () -> routes.cut("deliver.camel.yaml", LAST));
    edits.put("empty", () -> Files.writeString(folder.resolve("record.camel.yaml"), ""));
    edits.put("a tab", () -> routes.replace("deliver.camel.yaml", "      steps:", "\tsteps:"));
    edits.put(
        "an unknown step", () -> routes.replace("deliver.camel.yaml", "- marshal:", "- marshall:"));
    edits.put(
        "an unknown bean", () -> routes.replace("dispatch.camel.yaml", "ref: gate", "ref: gatte"));
    edits.put("an unknown component", () -> Files.writeString(mine, own("mine", "tiimer:mine")));
    edits.put(
        "an unknown option", () -> Files.writeString(mine, own("mine", "timer:mine?perriod=1000")));
    edits.put("an id twice", () -> Files.writeString(mine, own("housekeeping", "timer:mine")));
    edits.put("an unknown key", () -> Files.writeString(mine, own("mine", "timer:{{no.key}}")));
    edits.put("a statement that is gone", () -> Files.delete(statement));
    edits.put("a statement that is wrong", () -> Files.writeString(statement, "SELEC 1"));
    edits.put("a file that is gone", () -> Files.delete(folder.resolve("intake.camel.yaml")));
    edits.put(
        "no outcome",
        () -> routes.replace("deliver.camel.yaml", "ref: outcomeClassifier", "ref: payload"));
    return edits;
  }

  private void send() {
    List<String> ids = api.createMany(30);
    accepted.addAll(ids);
    answered.incrementAndGet();
  }

  private void create() {
    accepted.add(api.create("one of the storm"));
    answered.incrementAndGet();
  }

  private void ask() {
    String known = accepted.stream().findAny().orElse(null);
    for (String path :
        List.of(
            "/api/v1/messages?limit=3",
            "/api/v1/messages/stats",
            "/api/v1/scheduler/status",
            "/live",
            known == null ? "/ready" : "/api/v1/messages/" + known)) {
      Api.Answer answer = api.get(path);
      answered.incrementAndGet();
      if (answer.status() != 200) {
        unanswered.add(path + ": " + answer.status() + " " + answer.body());
      }
    }
  }

  private Thread run(Runnable call) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (!end.await(200, TimeUnit.MILLISECONDS)) {
                  call.run();
                }
              } catch (Throwable e) {
                unanswered.add(e.toString());
              }
            });
    thread.start();
    return thread;
  }

  private static String own(String id) {
    return own(id, "timer:" + id);
  }

  private static String own(String id, String from) {
    return """
        - route:
            id: %s
            from:
              uri: %s
              steps:
                - setBody: {expression: {constant: {expression: hello}}}
        """
        .formatted(id, from);
  }

  private static Set<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return new HashSet<>(files.toList());
    }
  }
}
