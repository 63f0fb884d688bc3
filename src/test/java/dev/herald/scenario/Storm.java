package dev.herald.scenario;

import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.scenario.Ledger.Answered;
import dev.herald.scenario.Ledger.Balance;
import dev.herald.testing.Api;
import dev.herald.testing.HeraldProcess;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/** Several nodes under load, and one fault after the other. */
final class Storm {
  private static final int BATCH = 50;

  /** More than open a circuit; once it is open, only a few messages at a time test the provider. */
  private static final int ENOUGH_FOR_AN_OUTAGE = 30;

  private static final Duration LEASE = Duration.ofSeconds(12);
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  private enum Fault {
    KILL_A_NODE,
    STOP_A_NODE,
    STALL_A_NODE,
    STOP_POSTGRESQL,
    KILL_REDIS,
    FREEZE_REDIS,
    PROVIDER_OUTAGE
  }

  private final long seed;
  private final Random random;
  private final int messages;
  private final List<Fault> faults;
  private final Ledger ledger = new Ledger();
  private final List<HeraldProcess.Builder> builders = new ArrayList<>();
  private final List<HeraldProcess> nodes = new ArrayList<>();
  private final int size;
  private volatile boolean outage;
  private int put;

  Storm(long seed, int nodes, int messages, int kills) {
    this.seed = seed;
    this.random = new Random(seed);
    this.size = nodes;
    this.messages = messages;
    this.faults = new ArrayList<>(Collections.nCopies(kills, Fault.KILL_A_NODE));
    Fault[] others = Fault.values();
    for (int i = 0; i < Math.max(others.length - 1, kills / 2); i++) {
      faults.add(others[1 + i % (others.length - 1)]);
    }
    Collections.shuffle(faults, random);
  }

  int messages() {
    return messages;
  }

  Balance run(Path folder, String onAmbiguous) throws Exception {
    say(
        "%d nodes, %d messages, %d faults, on-ambiguous=%s; -Dfaults.seed=%d repeats it",
        size, messages, faults.size(), onAmbiguous, seed);
    try (BreakablePostgres postgres = new BreakablePostgres(folder.resolve(onAmbiguous));
        BreakableRedis redis = new BreakableRedis();
        SampleWebhook webhook = new SampleWebhook()) {
      webhook.answer(this::answer);
      for (int i = 0; i < size; i++) {
        builders.add(
            HeraldProcess.in(Path.of(""))
                .with("DATABASE_URL", postgres.url())
                .with("REDIS_URL", redis.url())
                .with("WEBHOOK_URL", webhook.url() + "/" + i)
                .with("WEBHOOK_TIMEOUT", TIMEOUT.toMillis() + "ms")
                .with("WEBHOOK_ON_AMBIGUOUS", onAmbiguous)
                .with("DISPATCH_LEASE", LEASE.toSeconds() + "s")
                .with("RETRY_MAX_ATTEMPTS", 50)
                .with("RETRY_BACKOFF", "100ms")
                .with("RETRY_BACKOFF_MAX", "2s")
                .with("CIRCUIT_OPEN_FOR", "1s"));
      }
      builders.forEach(builder -> nodes.add(builder.start()));
      try {
        nodes.forEach(HeraldProcess::awaitReady);
        for (int i = 0; i < faults.size(); i++) {
          putIn((long) messages * (i + 1) / faults.size());
          awaitPosts(random.nextInt(BATCH), postgres);
          make(faults.get(i), i, postgres, redis);
        }
        awaitTheEnd(postgres);
        return balance(postgres, onAmbiguous);
      } finally {
        nodes.forEach(HeraldProcess::close);
      }
    }
  }

  /** The webhook: slow, mostly honest, and one time in twenty a liar, the same on each run. */
  private Answer answer(Post post) {
    SplittableRandom dice =
        new SplittableRandom(
            seed ^ post.to().hashCode() ^ 31L * ledger.posts(post.idempotencyKey()));
    int roll = outage ? -1 : dice.nextInt(1_000);
    Answer answer =
        roll < 0
            ? Answer.status(503)
            : roll < 10
                ? Answer.status(503)
                : roll < 20
                    ? Answer.status(500)
                    : roll < 30
                        ? Answer.lost()
                        : roll < 32
                            ? Answer.accepted().after(2 * TIMEOUT.toMillis())
                            : roll < 40
                                ? Answer.truncated()
                                : roll < 50
                                    ? new Answer(200, "<html>thank you</html>", null, 0)
                                    : Answer.accepted().after(10 + dice.nextInt(30));
    ledger.posted(
        post, roll < 10 ? Answered.REFUSED : roll < 32 ? Answered.AMBIGUOUS : Answered.TAKEN);
    return answer;
  }

  /** Puts messages in, through whichever node takes them, until so many have been accepted. */
  private void putIn(long total) {
    while (put < total) {
      int count = (int) Math.min(BATCH, total - put);
      List<Object> batch = new ArrayList<>();
      for (int i = put; i < put + count; i++) {
        batch.add(Map.of("phoneNumber", "+90555%07d".formatted(i), "content", "message " + i));
      }
      String key = UUID.randomUUID().toString();
      AtomicInteger turn = new AtomicInteger(random.nextInt(size));
      await()
          .atMost(Duration.ofMinutes(3))
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> accepted(nodes.get(turn.getAndIncrement() % size), batch, key));
      put += count;
    }
  }

  /** Asks once; a request that got no 201 is repeated with the same Idempotency-Key. */
  private boolean accepted(HeraldProcess node, List<Object> batch, String key) {
    Api.Answer answer;
    try {
      answer = node.api().post("/api/v1/messages/batch", batch, "Idempotency-Key", key);
    } catch (UncheckedIOException noAnswer) {
      return false;
    }
    if (answer.status() == 503) {
      return false;
    }
    List<String> ids = new ArrayList<>();
    answer.expect(201).body().path("ids").forEach(id -> ids.add(id.asText()));
    ledger.accepted(ids);
    return true;
  }

  private void make(Fault fault, int number, BreakablePostgres postgres, BreakableRedis redis)
      throws Exception {
    int victim = random.nextInt(size);
    String what = "";
    switch (fault) {
      case KILL_A_NODE -> {
        nodes.get(victim).awaitReady();
        nodes.get(victim).freeze();
        what = "node %d, %d in flight".formatted(victim, inFlight(victim, postgres));
        nodes.get(victim).kill();
        restart(victim);
      }
      case STOP_A_NODE -> {
        nodes.get(victim).awaitReady();
        nodes.get(victim).terminate();
        what = "node %d, exit code %d".formatted(victim, nodes.get(victim).awaitExit());
        restart(victim);
      }
      case STALL_A_NODE -> {
        nodes.get(victim).awaitReady();
        nodes.get(victim).freeze();
        what = "node %d, %d in flight".formatted(victim, inFlight(victim, postgres));
        awaitTakenOver(postgres);
        nodes.get(victim).thaw();
      }
      case STOP_POSTGRESQL -> {
        nodes.get(victim).awaitReady();
        postgres.stopImmediately();
        if (random.nextBoolean()) {
          HeraldProcess node = nodes.get(victim);
          await().until(() -> !node.ready());
        }
        postgres.startAgain();
      }
      case KILL_REDIS -> {
        nodes.get(victim).awaitReady();
        redis.stop();
        awaitRedisMissed(nodes.get(victim));
        redis.startAgain();
      }
      case FREEZE_REDIS -> {
        nodes.get(victim).awaitReady();
        redis.freeze();
        awaitRedisMissed(nodes.get(victim));
        redis.thaw();
      }
      case PROVIDER_OUTAGE -> {
        outage = true;
        awaitPosts(ENOUGH_FOR_AN_OUTAGE, postgres);
        outage = false;
      }
    }
    say(
        "%d/%d %s %s (%d accepted)",
        number + 1,
        faults.size(),
        fault.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' '),
        what,
        ledger.acceptedCount());
  }

  /** Of a node that stands still; what it has written arrives at the webhook first. */
  private int inFlight(int node, BreakablePostgres postgres) throws Exception {
    String path = "/webhook/" + node;
    AtomicInteger arrived = new AtomicInteger(ledger.postsOf(path));
    await()
        .during(Duration.ofMillis(200))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> arrived.get() == arrived.getAndSet(ledger.postsOf(path)));
    try (Connection database = postgres.connect()) {
      return ledger.inFlight(path, database);
    }
  }

  /** Until so many more POSTs have come, or nothing is due: what was refused waits ever longer. */
  private void awaitPosts(int more, BreakablePostgres postgres) {
    int enough = ledger.postCount() + more;
    await()
        .atMost(Duration.ofMinutes(1))
        .pollInterval(Duration.ofMillis(20))
        .until(() -> ledger.postCount() >= enough || due(postgres) == 0);
  }

  /** Until the leases that stand now are over, and what they held has been claimed again. */
  private static void awaitTakenOver(BreakablePostgres postgres) throws Exception {
    try (Connection database = postgres.connect();
        Statement statement = database.createStatement()) {
      statement.execute(
          "CREATE TEMPORARY TABLE held AS SELECT DISTINCT claim_id FROM message WHERE claim_id IS NOT NULL");
      await()
          .atMost(Duration.ofMinutes(1))
          .until(
              () -> {
                try (ResultSet left =
                    statement.executeQuery(
                        "SELECT count(*) FROM message JOIN held USING (claim_id)")) {
                  return left.next() && left.getInt(1) == 0;
                }
              });
    }
  }

  private static void awaitRedisMissed(HeraldProcess node) {
    await().until(() -> node.api().get("/health").text("/checks/redis/status").equals("DEGRADED"));
  }

  private void restart(int node) {
    nodes.get(node).close();
    nodes.set(node, builders.get(node).start());
  }

  private static void awaitTheEnd(BreakablePostgres postgres) {
    await()
        .atMost(Duration.ofMinutes(3))
        .pollInterval(Duration.ofMillis(250))
        .until(() -> pending(postgres) == 0);
  }

  private static int pending(BreakablePostgres postgres) throws Exception {
    return count(postgres, "status = 'PENDING'");
  }

  private static int due(BreakablePostgres postgres) throws Exception {
    return count(postgres, "status = 'PENDING' AND next_attempt_at <= now()");
  }

  private static int count(BreakablePostgres postgres, String condition) throws Exception {
    try (Connection database = postgres.connect();
        Statement statement = database.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM message WHERE " + condition)) {
      row.next();
      return row.getInt(1);
    }
  }

  private Balance balance(BreakablePostgres postgres, String onAmbiguous) throws Exception {
    try (Connection database = postgres.connect()) {
      Balance balance = ledger.balance(database);
      say("the ledger, on-ambiguous=%s\n%s", onAmbiguous, balance);
      return balance;
    }
  }

  private static void say(String format, Object... arguments) {
    System.out.println("faults: " + format.formatted(arguments));
  }
}
