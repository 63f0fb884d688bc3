package dev.herald.outcome;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.config.RedisUrl;
import dev.herald.config.Settings;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.MessageStatus;
import dev.herald.message.Metadata;
import dev.herald.outcome.OutcomeBatch.Recorded;
import dev.herald.outcome.OutcomeBatch.RecordedOutcome;
import dev.herald.problem.Outage;
import dev.herald.problem.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocketFactory;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.XAddParams;

/**
 * Pushes recorded outcomes to Redis, a batch at a time in one pipeline: {@code message:<id>} for
 * what was sent, and an entry on the capped stream {@code herald:outcomes} for every message that
 * came to an end. Redis is a cache and a feed, never the truth: while it is away, slow or hanging,
 * outcomes are dropped and counted, and nothing waits. Between the record and the push is the queue
 * of route {@code push-outcomes}. Thread-safe.
 */
public final class RedisFeed implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RedisFeed.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STREAM = "herald:outcomes";
  private static final int MAX_BACKLOG = 32;
  private static final int STUCK = 10;
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final Duration CLOSING_STEP = Duration.ofMillis(10);

  private final Settings.Redis settings;
  private final SSLSocketFactory tls;
  private final BlockingQueue<Exchange> queue = new Batches();
  private final AtomicLong dropped = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Outage outage = new Outage(LOG);
  private volatile boolean up = true;
  private volatile long pushingSince = System.nanoTime();
  private boolean closed;
  private long droppedBefore;
  private Jedis redis;
  private long retryAt = System.nanoTime();

  /** The value of a message's key. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Sent(String messageId, String sentAt) {}

  /** What one pipeline carries; {@code at} is when the database recorded it. */
  public record Push(String at, List<RecordedOutcome> outcomes) {}

  /**
   * @param tls knows whom to trust if the URL is {@code rediss}
   */
  public RedisFeed(Settings.Redis settings, SSLSocketFactory tls) {
    this.settings = settings;
    this.tls = tls;
  }

  /**
   * Takes what fits, and drops and counts the rest: neither a wait nor a failure for the record.
   */
  private final class Batches extends ArrayBlockingQueue<Exchange> {
    private static final long serialVersionUID = 1;

    Batches() {
      super(MAX_BACKLOG);
    }

    @Override
    public boolean offer(Exchange batch) {
      boolean fits = super.offer(batch);
      if (!fits) {
        drop(batch.getMessage().getBody(Push.class));
      }
      return fits;
    }

    @Override
    public boolean offer(Exchange batch, long timeout, TimeUnit unit) {
      return offer(batch);
    }

    @Override
    public void put(Exchange batch) {
      offer(batch);
    }

    /** True even for what it drops, or the record would fail. */
    @Override
    public boolean add(Exchange batch) {
      offer(batch);
      return true;
    }
  }

  /** The queue in front of route {@code push-outcomes}. */
  public BlockingQueue<Exchange> queue() {
    return queue;
  }

  /** The outcomes of a record that Redis gets, those of messages that came to an end; or null. */
  public Push ended(@Variable("batch") OutcomeBatch batch, @Body Recorded written) {
    List<RecordedOutcome> ended =
        batch.recorded(written).stream()
            .filter(outcome -> outcome.status() != MessageStatus.PENDING)
            .toList();
    return ended.isEmpty() ? null : new Push(written.at().toString(), ended);
  }

  /** Whether Redis took what it was last given. */
  public boolean up() {
    return up;
  }

  /** Outcomes that Redis did not get. */
  public long dropped() {
    return dropped.get();
  }

  /** Pushes a batch, or drops and counts it. Each wait for Redis takes {@code redis.timeout}. */
  public void push(@Body Push push) {
    lock.lock();
    pushingSince = System.nanoTime();
    try {
      attempt(push);
    } finally {
      lock.unlock();
    }
  }

  /** Finds out whether Redis is there, while nothing is pushed that would tell. */
  public void ping() {
    if (lock.tryLock()) {
      try {
        attempt(null);
      } finally {
        lock.unlock();
      }
    } else if (System.nanoTime() - pushingSince > STUCK * settings.timeout().toNanos()) {
      // Writing has no timeout.
      fails("Redis is away, and delivery continues without it", "it takes no more of a push");
    }
  }

  private void attempt(Push push) {
    try {
      if (!connected()) {
        drop(push);
      } else if (push == null) {
        redis.ping();
      } else {
        pipeline(push);
      }
    } catch (RuntimeException away) {
      // Whatever it is, for what listens there may not be Redis.
      drop(push);
      disconnected(away);
    }
  }

  private void drop(Push push) {
    if (push != null) {
      dropped.addAndGet(push.outcomes().size());
    }
  }

  private void pipeline(Push push) {
    try (Pipeline pipeline = redis.pipelined()) {
      XAddParams capped =
          XAddParams.xAddParams().maxLen(settings.streamLength()).approximateTrimming();
      List<List<Response<?>>> answers = new ArrayList<>(push.outcomes().size());
      for (RecordedOutcome outcome : push.outcomes()) {
        List<Response<?>> own = new ArrayList<>(2);
        String id = outcome.outcome().message().id().toString();
        String messageId = outcome.outcome().webhookMessageId();
        if (outcome.status() == MessageStatus.SENT) {
          own.add(
              pipeline.setex(
                  "message:" + id,
                  settings.ttl().toSeconds(),
                  value(new Sent(messageId, push.at()))));
        }
        if (settings.streamLength() > 0) {
          own.add(pipeline.xadd(STREAM, capped, entry(outcome, push.at())));
        }
        answers.add(own);
      }
      pipeline.sync();
      // A refusal, such as of a Redis that is full or a replica, comes as an answer.
      Optional<JedisDataException> reason = Optional.empty();
      for (List<Response<?>> own : answers) {
        Optional<JedisDataException> refusal =
            own.stream().map(RedisFeed::refusal).flatMap(Optional::stream).findFirst();
        if (refusal.isPresent()) {
          dropped.incrementAndGet();
          reason = refusal;
        }
      }
      reason.ifPresentOrElse(
          refusal ->
              fails(
                  "Redis refuses writes, and delivery continues without it", refusal.getMessage()),
          this::works);
    }
  }

  private static Optional<JedisDataException> refusal(Response<?> answer) {
    try {
      answer.get();
      return Optional.empty();
    } catch (JedisDataException refused) {
      return Optional.of(refused);
    }
  }

  private static String value(Sent sent) {
    try {
      return JSON.writeValueAsString(sent);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private void works() {
    if (!up) {
      outage.worked(
          "Redis is back",
          "; %d outcomes were not pushed to it".formatted(dropped.get() - droppedBefore));
    }
    droppedBefore = dropped.get();
    up = true;
  }

  private void fails(String what, String why) {
    outage.failed(what, why);
    up = false;
  }

  private static Map<String, String> entry(RecordedOutcome outcome, String at) {
    ClaimedMessage message = outcome.outcome().message();
    Map<String, String> entry = new LinkedHashMap<>();
    entry.put("id", message.id().toString());
    entry.put("status", outcome.status().name());
    entry.put("at", at);
    entry.put("messageId", outcome.outcome().webhookMessageId());
    entry.put("reference", message.reference());
    entry.put("metadata", message.metadata().isEmpty() ? null : Metadata.write(message.metadata()));
    entry.values().removeIf(Objects::isNull);
    return entry;
  }

  private boolean connected() {
    if (redis == null && !closed && System.nanoTime() - retryAt >= 0) {
      redis = connect();
      redis.ping();
      works();
    }
    return redis != null;
  }

  private Jedis connect() {
    RedisUrl url = settings.url();
    int timeout = (int) settings.timeout().toMillis();
    // By itself Jedis does not compare the certificate's name with the host's.
    SSLParameters verified = new SSLParameters();
    verified.setEndpointIdentificationAlgorithm("HTTPS");
    return new Jedis(
        new HostAndPort(url.host(), url.port()),
        DefaultJedisClientConfig.builder()
            .connectionTimeoutMillis(timeout)
            .socketTimeoutMillis(timeout)
            .user(url.user().orElse(null))
            .password(url.password().orElse(null))
            .database(url.database())
            .ssl(url.tls())
            .sslSocketFactory(tls)
            .sslParameters(verified)
            .build());
  }

  private void disconnected(RuntimeException reason) {
    fails("Redis is away, and delivery continues without it", Reason.of(reason));
    retryAt = System.nanoTime() + RETRY.toNanos();
    disconnect();
  }

  private void disconnect() {
    if (redis != null) {
      try {
        redis.close();
      } catch (JedisException ignored) {
        // it is gone already
      }
      redis = null;
    }
  }

  /** Waits for what is left to be pushed, for a moment, and closes the connection. */
  @Override
  public void close() {
    long end = System.nanoTime() + settings.timeout().plusSeconds(1).toNanos();
    do {
      LockSupport.parkNanos(CLOSING_STEP.toNanos());
    } while (!queue.isEmpty() && System.nanoTime() < end);
    try {
      // A push may be under way, and a Redis that takes nothing may hold it.
      if (lock.tryLock(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
        try {
          closed = true;
          disconnect();
        } finally {
          lock.unlock();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
