package dev.herald.intake;

import dev.herald.config.Settings;
import dev.herald.message.Message;
import dev.herald.message.Trail;
import dev.herald.problem.FailStop;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import dev.herald.store.SqlFailures;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * Stores requests. Those that arrive while others are being written share the next statement, and
 * each is answered after its commit. Thread-safe.
 */
public final class Intake {
  private static final int WRITERS = 2;
  private static final int MAX_GROUP = 500;
  private static final int MAX_QUEUE = 10_000;

  /** How this reaches the database: two routes. */
  public interface Store {
    /**
     * Stores a batch and gives each stored id its time of creation. Throws when PostgreSQL does not
     * answer.
     */
    Map<UUID, Instant> store(MessageBatch batch);

    /** What the request with this key made. */
    List<EarlierMessage> find(Key key);
  }

  /** An idempotency key, and the name of the API key that it came with. */
  public record Key(String owner, String key) {}

  /** A message of an earlier request, and the hash of that request's body. */
  public record EarlierMessage(String requestHash, Message message) {
    public static EarlierMessage read(ResultSet row, int rowNumber) throws SQLException {
      return new EarlierMessage(row.getString("request_hash"), Message.read(row, rowNumber));
    }
  }

  /**
   * A request that comes with others.
   *
   * @param keyName whose key it is, as the name of an API key is
   * @param idempotencyKey must not be null
   */
  public record Submission(
      NewMessages.Checked body, String keyName, String idempotencyKey, String correlationId) {}

  private final BlockingQueue<Request> queue = new LinkedBlockingQueue<>(MAX_QUEUE);
  private final List<Thread> writers = new ArrayList<>();
  private final AtomicLong accepted = new AtomicLong();
  private final Settings.Retry retry;
  private final Duration keyTtl;
  private final Store store;
  private final Runnable arrived;
  private final BooleanSupplier forOthers;
  private volatile boolean closed;

  /**
   * @param arrived called after a commit of messages that are due; must not throw
   * @param forOthers asked before each statement: whether the other nodes should hear of it, too
   */
  public Intake(
      Settings.Retry retry,
      Duration keyTtl,
      Store store,
      Runnable arrived,
      BooleanSupplier forOthers) {
    this.retry = retry;
    this.keyTtl = keyTtl;
    this.store = store;
    this.arrived = arrived;
    this.forOthers = forOthers;
    for (int i = 0; i < WRITERS; i++) {
      Thread writer = new Thread(this::write, "herald-intake-" + i);
      writer.setDaemon(true);
      writers.add(writer);
    }
  }

  public void start() {
    writers.forEach(Thread::start);
  }

  /** Messages that this node stored. */
  public long accepted() {
    return accepted.get();
  }

  /**
   * What the statement would get that stores one message, with an Idempotency-Key. For a check.
   *
   * @param name of the API key, and the Idempotency-Key
   */
  public MessageBatch sample(NewMessage message, String name) {
    return new MessageBatch(
        List.of(new Request(List.of(message), name, name, name, new CompletableFuture<>())),
        retry,
        keyTtl,
        true);
  }

  /** Waiting requests get an answer; none is stored after this. */
  public void close() {
    closed = true;
  }

  /**
   * Stores the messages of one request, or finds those that its idempotency key made before. A
   * request with an expired message can only be such a repetition.
   *
   * @throws ProblemException when the key was used for another body, a message of a new request is
   *     expired, or too much is waiting
   */
  public List<Message> accept(
      @Body NewMessages.Checked body,
      @Variable("key") String keyName,
      @Variable("Idempotency-Key") String idempotencyKey,
      @Variable("correlationId") String correlationId) {
    Request request = request(body, keyName, idempotencyKey, correlationId);
    if (body.expired().isEmpty()) {
      submit(request, !closed && queue.offer(request));
    }
    return answer(request, body.expired());
  }

  /**
   * Stores many requests at once, each by itself: one that is refused does not fail the others.
   * Waits while too much is waiting.
   *
   * @return for each, in their order, why it was refused; nothing if its messages are stored, now
   *     or before
   * @throws RuntimeException when PostgreSQL does not store them, or this node is shutting down.
   *     Some may be stored: submit all of them again
   */
  public List<Optional<Problem>> acceptEach(List<Submission> submissions)
      throws InterruptedException {
    List<Request> requests = new ArrayList<>(submissions.size());
    for (Submission one : submissions) {
      Request request =
          request(one.body(), one.keyName(), one.idempotencyKey(), one.correlationId());
      requests.add(request);
      if (one.body().expired().isEmpty()) {
        boolean queued = false;
        while (!queued && !closed) {
          queued = queue.offer(request, 100, TimeUnit.MILLISECONDS);
        }
        submit(request, queued);
      }
    }
    List<Optional<Problem>> refusals = new ArrayList<>(requests.size());
    for (int i = 0; i < requests.size(); i++) {
      refusals.add(refusal(requests.get(i), submissions.get(i).body().expired()));
    }
    return refusals;
  }

  private Optional<Problem> refusal(Request request, Optional<Problem> expired) {
    try {
      answer(request, expired);
      return Optional.empty();
    } catch (ProblemException e) {
      if (e.problem().status() == Problem.of(Type.UNAVAILABLE, "").status()) {
        throw e;
      }
      return Optional.of(e.problem());
    } catch (RuntimeException e) {
      if (SqlFailures.ofAValue(e)) {
        return Optional.of(Problem.of(Type.INVALID, "PostgreSQL refuses a value of it"));
      }
      throw e;
    }
  }

  private static Request request(
      NewMessages.Checked body, String keyName, String idempotencyKey, String correlationId) {
    return new Request(
        body.messages(), keyName, idempotencyKey, correlationId, new CompletableFuture<>());
  }

  /** Makes sure that a writer will see the request. */
  private void submit(Request request, boolean queued) {
    if (closed && (!queued || queue.remove(request))) { // it came after the writers' last look
      throw new ProblemException(Type.UNAVAILABLE, "this node is shutting down");
    }
    if (!queued) {
      throw new ProblemException(
          Type.UNAVAILABLE, "too many requests are waiting to be stored; try again later");
    }
  }

  /** Waits for the commit. */
  private List<Message> answer(Request request, Optional<Problem> expired) {
    if (expired.isPresent()) {
      List<EarlierMessage> made = request.keyed() ? find(request) : List.of();
      if (made.isEmpty()) {
        throw new ProblemException(expired.get());
      }
      return again(request, made);
    }
    Instant createdAt = join(request.stored());
    if (createdAt == null && request.idempotencyKey() == null) {
      throw new IllegalStateException(
          "the statement of route store-messages returned no row for a message without a key; it must return id and created_at");
    }
    return createdAt == null ? again(request, find(request)) : show(request.messages(), createdAt);
  }

  private List<EarlierMessage> find(Request request) {
    return store.find(new Key(request.keyName(), request.idempotencyKey()));
  }

  private static List<Message> again(Request request, List<EarlierMessage> made) {
    if (made.isEmpty() || !made.get(0).requestHash().equals(request.hash())) {
      throw new ProblemException(
          Type.KEY_REUSED,
          "Idempotency-Key '%s' came with another body before; use a new key"
              .formatted(request.idempotencyKey()));
    }
    return made.stream().map(EarlierMessage::message).toList();
  }

  private List<Message> show(List<NewMessage> messages, Instant createdAt) {
    List<Message> shown = new ArrayList<>(messages.size());
    for (NewMessage message : messages) {
      shown.add(
          new Message(
              message.id(),
              message.phoneNumber(),
              message.content(),
              "PENDING",
              0,
              retry.maxAttempts(),
              null,
              null,
              createdAt,
              createdAt,
              message.sendAt(),
              message.expiresAt(),
              null,
              message.reference(),
              message.metadata(),
              null,
              null));
    }
    return shown;
  }

  private void write() {
    Deque<Request> left = new ArrayDeque<>();
    while (!closed || !queue.isEmpty() || !left.isEmpty()) {
      try {
        Request first = left.isEmpty() ? queue.poll(200, TimeUnit.MILLISECONDS) : left.poll();
        if (first != null) {
          store(group(first, left));
        }
      } catch (InterruptedException stopping) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /**
   * What waits, up to a bound; of requests with the same key only the first, for one statement
   * cannot decide twice.
   */
  private List<Request> group(Request first, Deque<Request> left) {
    List<Request> group = new ArrayList<>();
    Set<String> keys = new HashSet<>();
    int size = 0;
    List<Request> later = new ArrayList<>();
    for (Request next = first; next != null; next = size < MAX_GROUP ? next(left) : null) {
      if (next.keyed() && !keys.add(next.scopedKey())) {
        later.add(next);
      } else {
        group.add(next);
        size += next.messages().size();
      }
    }
    left.addAll(later);
    return group;
  }

  private Request next(Deque<Request> left) {
    Request next = left.poll();
    return next == null ? queue.poll() : next;
  }

  private void store(List<Request> group) {
    Map<UUID, Instant> stored;
    try {
      stored = store.store(new MessageBatch(group, retry, keyTtl, forOthers.getAsBoolean()));
    } catch (RuntimeException | Error e) {
      if (group.size() == 1 || e instanceof Error || SqlFailures.away(e)) {
        group.forEach(request -> request.stored().completeExceptionally(e));
      } else {
        // One that PostgreSQL will not take must not fail the others, nor delay them for long.
        int half = group.size() / 2;
        store(group.subList(0, half));
        store(group.subList(half, group.size()));
      }
      FailStop.passOn(e);
      return;
    }
    accepted.addAndGet(stored.size());
    if (Trail.on()) {
      group.forEach(request -> follow(request, stored));
    }
    group.forEach(request -> request.stored().complete(stored.get(request.messages().get(0).id())));
    if (group.stream().anyMatch(request -> due(request, stored))) {
      arrived.run();
    }
  }

  private static boolean due(Request request, Map<UUID, Instant> stored) {
    Instant createdAt = stored.get(request.messages().get(0).id());
    return createdAt != null
        && request.messages().stream()
            .anyMatch(one -> one.sendAt() == null || !one.sendAt().isAfter(createdAt));
  }

  private static void follow(Request request, Map<UUID, Instant> stored) {
    for (NewMessage message : request.messages()) {
      if (stored.containsKey(message.id())) {
        Trail.step(
            message.id(),
            request.correlationId(),
            "is accepted, due {}",
            message.sendAt() == null ? "now" : "at " + message.sendAt());
      }
    }
  }

  private static Instant join(CompletableFuture<Instant> stored) {
    try {
      return stored.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }
}
