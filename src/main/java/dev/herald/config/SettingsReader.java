package dev.herald.config;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.herald.config.Settings.OnAmbiguous;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Reads the configuration and checks it as a whole. This class has the keys, their types and their
 * ranges; {@code application.properties} documents each key.
 */
public final class SettingsReader {
  /** By how much a lease must exceed the webhook's timeout, for hand-over and reading the clock. */
  private static final Duration LEASE_MARGIN = Duration.ofSeconds(2);

  private static final int MOST_CONNECTIONS = 2_000;

  private SettingsReader() {}

  /**
   * Reads every key and reports all errors at once.
   *
   * @param lookup returns a key's value, or nothing; the environment is already applied
   * @param development whether sample API keys are accepted
   * @throws ConfigurationException naming each key that is missing or wrong, and how to fix it
   */
  public static Settings read(Function<String, Optional<String>> lookup, boolean development) {
    KeyReader read = new KeyReader(lookup);
    Settings.Database database = database(read);
    Settings settings =
        new Settings(
            read.optional("node.name").orElseGet(SettingsReader::hostName),
            server(read),
            new Settings.Management(
                read.text("management.host"),
                read.integer("management.port", 1, 65_535),
                read.flag("management.jolokia")),
            api(read, development),
            database,
            redis(read),
            webhook(read),
            dispatch(read),
            retry(read),
            circuit(read),
            messages(read),
            new Settings.Routes(
                read.duration("routes.watch", Duration.ZERO, Duration.ofHours(1)),
                RouteFiles.included(read.optional("routes.include").orElse(""))),
            new Settings.Health(
                read.duration("health.late-after", Duration.ZERO, Duration.ofDays(365))),
            receipts(read),
            events(read, database));
    List<String> problems = new ArrayList<>(read.faults());
    // A wrong key has a stand-in, which conflicts with nothing that was written.
    conflicts(settings).stream()
        .filter(conflict -> read.faults().stream().noneMatch(fault -> shareKey(fault, conflict)))
        .forEach(problems::add);
    ConfigurationException.throwIfAny(problems);
    return settings;
  }

  /** Every key that it reads. */
  static Set<String> keys() {
    Set<String> keys = new TreeSet<>();
    try {
      read(
          key -> {
            keys.add(key);
            return key.equals("node.name") ? Optional.of(key) : Optional.empty();
          },
          false);
    } catch (ConfigurationException noValues) {
      // They are not what is asked for.
    }
    return keys;
  }

  static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException noName) {
      return "localhost";
    }
  }

  private static boolean shareKey(String fault, String conflict) {
    return conflict.contains(fault.substring(0, fault.indexOf(' ')));
  }

  private static Settings.Server server(KeyReader read) {
    return new Settings.Server(
        read.text("server.host"),
        read.integer("server.port", 1, 65_535),
        read.tls("server.tls.certificate", "server.tls.key"),
        read.bytes("server.max-body"),
        read.bytesOr("server.max-bodies", Runtime.getRuntime().maxMemory() / 20),
        read.integerOr("server.max-connections", 10, 1_000_000, defaultConnections()),
        read.duration("server.idle-timeout", Duration.ofSeconds(1), Duration.ofHours(1)),
        read.duration("server.body-timeout", Duration.ofSeconds(1), Duration.ofHours(1)),
        read.integer("server.workers", 1, 1_000),
        read.duration("server.grace-period", Duration.ZERO, Duration.ofHours(1)),
        read.duration("server.drain-delay", Duration.ZERO, Duration.ofHours(1)));
  }

  /** Half of the files that the process may open; the rest is for PostgreSQL and the webhook. */
  private static int defaultConnections() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
        ? (int) Math.min(MOST_CONNECTIONS, system.getMaxFileDescriptorCount() / 2)
        : MOST_CONNECTIONS;
  }

  private static Settings.Api api(KeyReader read, boolean development) {
    boolean open = read.oneOf("api.auth", "bearer", "none").equals("none");
    return new Settings.Api(
        read.keys("api.key", open, development),
        read.optional(SecretFile.nameOf("api.key")).map(path -> new SecretFile("api.key", path)),
        open,
        read.duration("api.idempotency-ttl", Duration.ofSeconds(1), Duration.ofDays(365)),
        read.integer("api.rate-limit", 0, 1_000_000));
  }

  private static Settings.Database database(KeyReader read) {
    DatabaseUrl url = read.databaseUrl("database.url");
    return new Settings.Database(
        url,
        url.login().containsKey("user") ? url.login().get("user") : read.text("database.username"),
        url.login().getOrDefault("password", read.optional("database.password").orElse("")),
        read.integer("database.pool-size", 3, 1_000),
        read.duration("database.timeout", Duration.ofMillis(250), Duration.ofMinutes(5)),
        read.duration("database.startup-timeout", Duration.ZERO, Duration.ofHours(1)));
  }

  private static Settings.Redis redis(KeyReader read) {
    return new Settings.Redis(
        read.redisUrl("redis.url"),
        read.duration("redis.ttl", Duration.ofSeconds(1), Duration.ofDays(3650)),
        read.duration("redis.timeout", Duration.ofMillis(1), Duration.ofMinutes(1)),
        read.integer("redis.stream-length", 0, 100_000_000),
        read.readable("redis.tls.trust"));
  }

  private static Settings.Webhook webhook(KeyReader read) {
    return new Settings.Webhook(
        read.webhookUrl("webhook.url"),
        read.headerName("webhook.auth-header"),
        read.headerValue("webhook.auth-value"),
        read.signingSecret("webhook.signing-secret"),
        read.duration("webhook.timeout", Duration.ofMillis(1), Duration.ofHours(1)),
        read.duration("webhook.connect-timeout", Duration.ofMillis(1), Duration.ofHours(1)),
        read.duration("webhook.keep-alive", Duration.ZERO, Duration.ofHours(1)),
        read.integer("webhook.rate-limit", 0, 1_000_000),
        OnAmbiguous.valueOf(
            read.oneOf("webhook.on-ambiguous", "retry", "hold").toUpperCase(Locale.ROOT)),
        read.proxy("webhook.proxy"),
        read.readable("webhook.tls.trust"),
        read.tls("webhook.tls.certificate", "webhook.tls.key"));
  }

  private static Settings.Dispatch dispatch(KeyReader read) {
    return new Settings.Dispatch(
        read.flag("dispatch.enabled"),
        read.duration("dispatch.interval", Duration.ZERO, Duration.ofDays(365)),
        read.integer("dispatch.batch-size", 1, 10_000),
        read.integer("dispatch.concurrency", 1, 10_000),
        read.duration("dispatch.lease", Duration.ofMillis(1), Duration.ofDays(1)),
        read.duration("dispatch.idle-wait", Duration.ofMillis(10), Duration.ofMinutes(1)));
  }

  private static Settings.Retry retry(KeyReader read) {
    return new Settings.Retry(
        read.integer("retry.max-attempts", 1, 1_000),
        read.duration("retry.backoff", Duration.ofMillis(10), Duration.ofDays(1)),
        read.duration("retry.backoff-max", Duration.ofMillis(10), Duration.ofDays(30)),
        read.duration("retry.retry-after-max", Duration.ZERO, Duration.ofDays(30)),
        read.duration("retry.give-up-after", Duration.ofSeconds(1), Duration.ofDays(365)));
  }

  private static Settings.Circuit circuit(KeyReader read) {
    return new Settings.Circuit(
        read.spanNotCount("circuit.window", Duration.ofSeconds(1), Duration.ofMinutes(10)),
        read.integer("circuit.minimum-calls", 1, 1_000_000),
        read.integer("circuit.failure-rate", 1, 100),
        read.duration("circuit.open-for", Duration.ofMillis(10), Duration.ofDays(1)));
  }

  private static Settings.Messages messages(KeyReader read) {
    return new Settings.Messages(
        read.integer("message.min-length", 1, 1_000_000),
        read.integer("message.max-length", 1, 1_000_000),
        read.region("phone.default-region"),
        read.duration("retention.finished", Duration.ZERO, Duration.ofDays(36_500)));
  }

  private static Settings.Receipts receipts(KeyReader read) {
    // Route mark-missing takes it as it is written.
    read.duration("receipts.expected-within", Duration.ZERO, Duration.ofDays(365));
    return new Settings.Receipts(
        read.token("receipts.token"),
        read.duration("receipts.keep-unmatched", Duration.ZERO, Duration.ofDays(30)));
  }

  private static Settings.Events events(KeyReader read, Settings.Database database) {
    return new Settings.Events(
        read.flag("events.enabled"),
        read.databaseUrlOr("events.database-url", database),
        read.identifier("events.slot"));
  }

  /** Values that are valid on their own but not together. */
  private static List<String> conflicts(Settings settings) {
    List<String> conflicts = new ArrayList<>();
    conflictsOfTimes(settings, conflicts);
    Settings.Webhook webhook = settings.webhook();
    if (webhook.url().basic().isPresent()
        && webhook.authValue().isPresent()
        && webhook.authHeader().equalsIgnoreCase("Authorization")) {
      conflicts.add(
          "webhook.url has user:password@ and webhook.auth-value is set: both set the header Authorization, so remove one");
    }
    Settings.Messages messages = settings.messages();
    if (messages.minLength() > messages.maxLength()) {
      conflicts.add(
          "message.min-length=%d must not be more than message.max-length=%d"
              .formatted(messages.minLength(), messages.maxLength()));
    }
    Settings.Server server = settings.server();
    if (server.maxBodiesBytes() < 2L * server.maxBodyBytes()) {
      conflicts.add(
          "server.max-bodies is %d bytes (without a value: a twentieth of the heap) and must be at least twice server.max-body, %d bytes; raise it and the heap (-Xmx), or lower server.max-body"
              .formatted(server.maxBodiesBytes(), server.maxBodyBytes()));
    }
    if (settings.redis().trust().isPresent() && !settings.redis().url().tls()) {
      conflicts.add(
          "redis.tls.trust is set, but redis.url does not start with rediss://, so nothing would be encrypted; change the URL or remove redis.tls.trust");
    }
    if (settings.server().port() == settings.management().port()) {
      conflicts.add(
          "server.port and management.port are both %d; set two different ports"
              .formatted(settings.server().port()));
    }
    return conflicts;
  }

  private static void conflictsOfTimes(Settings settings, List<String> conflicts) {
    Settings.Webhook webhook = settings.webhook();
    Duration lease = settings.dispatch().lease();
    Duration leaseNeeded = webhook.timeout().plus(LEASE_MARGIN);
    if (lease.compareTo(leaseNeeded) <= 0) {
      conflicts.add(
          "dispatch.lease=%s must be longer than webhook.timeout plus %s, that is %s; otherwise a message could be claimed again during its POST"
              .formatted(
                  Durations.show(lease),
                  Durations.show(LEASE_MARGIN),
                  Durations.show(leaseNeeded)));
    }
    if (webhook.connectTimeout().compareTo(webhook.timeout()) > 0) {
      conflicts.add(
          "webhook.connect-timeout=%s must not be longer than webhook.timeout=%s, which covers the whole call"
              .formatted(
                  Durations.show(webhook.connectTimeout()), Durations.show(webhook.timeout())));
    }
    Settings.Server server = settings.server();
    if (server.drainDelay().compareTo(server.gracePeriod()) > 0) {
      conflicts.add(
          "server.drain-delay=%s must not be longer than server.grace-period=%s, which covers it"
              .formatted(
                  Durations.show(server.drainDelay()), Durations.show(server.gracePeriod())));
    }
    Settings.Retry retry = settings.retry();
    if (retry.backoff().compareTo(retry.backoffMax()) > 0) {
      conflicts.add(
          "retry.backoff=%s must not be longer than retry.backoff-max=%s"
              .formatted(Durations.show(retry.backoff()), Durations.show(retry.backoffMax())));
    }
    Duration retention = settings.messages().retention();
    Duration idempotencyTtl = settings.api().idempotencyTtl();
    if (!retention.isZero() && retention.compareTo(idempotencyTtl) < 0) {
      conflicts.add(
          "retention.finished=%s must not be shorter than api.idempotency-ttl=%s; otherwise a repeated request could not return the messages of the first"
              .formatted(Durations.show(retention), Durations.show(idempotencyTtl)));
    }
    Duration idleWait = settings.dispatch().idleWait();
    if (webhook.rateLimit() > 0 && idleWait.compareTo(Duration.ofSeconds(1)) > 0) {
      conflicts.add(
          "dispatch.idle-wait=%s must not be longer than 1s with webhook.rate-limit=%d; a rate that is not used is kept for one second at most"
              .formatted(Durations.show(idleWait), webhook.rateLimit()));
    }
  }
}
