package dev.herald.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The configuration, read once and checked as a whole before anything starts. {@code
 * application.properties} documents each key; this class has only types and ranges.
 */
public record Settings(
    Server server,
    Management management,
    Api api,
    Database database,
    Redis redis,
    Webhook webhook,
    Dispatch dispatch,
    Retry retry,
    Circuit circuit,
    Messages messages,
    Health health) {

  /** What to do with a message that may have been sent. */
  public enum OnAmbiguous {
    /** It is due again, like one that was certainly not sent. */
    RETRY,
    /** It is UNKNOWN until someone decides. */
    HOLD
  }

  public record Server(
      String host,
      int port,
      Optional<Tls> tls,
      int maxBodyBytes,
      int workers,
      Duration gracePeriod) {}

  /** Two readable PEM files. */
  public record Tls(Path certificate, Path key) {}

  public record Management(String host, int port) {}

  /**
   * @param keys the accepted keys, each with its name; empty when {@code api.auth=none}
   * @param rateLimit requests of one key in a second; 0 for no limit
   */
  public record Api(
      Map<String, String> keys, boolean open, Duration idempotencyTtl, int rateLimit) {}

  public record Database(
      String url,
      String username,
      String password,
      int poolSize,
      Duration timeout,
      Duration startupTimeout) {}

  public record Redis(URI url, Duration ttl, Duration timeout, int streamLength) {}

  /**
   * @param trust PEM file with the certificates to trust instead of Java's
   */
  public record Webhook(
      WebhookUrl url,
      String authHeader,
      Optional<String> authValue,
      Optional<byte[]> signingSecret,
      Duration timeout,
      Duration connectTimeout,
      Duration keepAlive,
      int rateLimit,
      OnAmbiguous onAmbiguous,
      Optional<WebhookUrl> proxy,
      Optional<Path> trust,
      Optional<Tls> tls) {}

  /** {@code interval} zero means continuous. */
  public record Dispatch(
      boolean enabled,
      Duration interval,
      int batchSize,
      int concurrency,
      Duration lease,
      Duration idleWait) {

    public boolean continuous() {
      return interval.isZero();
    }
  }

  public record Retry(
      int maxAttempts,
      Duration backoff,
      Duration backoffMax,
      Duration retryAfterMax,
      Duration giveUpAfter) {}

  public record Circuit(Duration window, int minimumCalls, int failureRate, Duration openFor) {}

  /** {@code retention} zero keeps everything. */
  public record Messages(int maxLength, Optional<String> defaultRegion, Duration retention) {}

  /** {@code lateAfter} zero means never. */
  public record Health(Duration lateAfter) {}

  /** By how much a lease must exceed the webhook's timeout, for hand-over and reading the clock. */
  public static final Duration LEASE_MARGIN = Duration.ofSeconds(2);

  /**
   * Reads every key and reports all errors at once.
   *
   * @param lookup returns a key's value, or nothing; the environment is already applied
   * @throws ConfigurationException naming each key that is missing or wrong, and how to fix it
   */
  public static Settings read(Function<String, Optional<String>> lookup) {
    return read(lookup, false);
  }

  /**
   * As {@link #read(Function)}.
   *
   * @param development whether sample keys are accepted
   */
  public static Settings read(Function<String, Optional<String>> lookup, boolean development) {
    Reader read = new Reader(lookup);
    boolean open = read.oneOf("api.auth", "bearer", "none").equals("none");
    Settings settings =
        new Settings(
            new Server(
                read.text("server.host"),
                read.integer("server.port", 1, 65_535),
                read.tls("server.tls.certificate", "server.tls.key"),
                read.bytes("server.max-body"),
                read.integer("server.workers", 1, 1_000),
                read.duration("server.grace-period", Duration.ZERO, Duration.ofHours(1))),
            new Management(
                read.text("management.host"), read.integer("management.port", 1, 65_535)),
            new Api(
                read.keys("api.key", open, development),
                open,
                read.duration("api.idempotency-ttl", Duration.ofSeconds(1), Duration.ofDays(365)),
                read.integer("api.rate-limit", 0, 1_000_000)),
            new Database(
                read.matching(
                    "database.url", "jdbc:postgresql:", "jdbc:postgresql://host:5432/name"),
                read.text("database.username"),
                read.optional("database.password").orElse(""),
                read.integer("database.pool-size", 3, 1_000),
                read.duration("database.timeout", Duration.ofMillis(250), Duration.ofMinutes(5)),
                read.duration("database.startup-timeout", Duration.ZERO, Duration.ofHours(1))),
            new Redis(
                read.uri("redis.url", "redis", "rediss"),
                read.duration("redis.ttl", Duration.ofSeconds(1), Duration.ofDays(3650)),
                read.duration("redis.timeout", Duration.ofMillis(1), Duration.ofMinutes(1)),
                read.integer("redis.stream-length", 0, 100_000_000)),
            new Webhook(
                read.webhookUrl("webhook.url", read.text("webhook.url")),
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
                read.tls("webhook.tls.certificate", "webhook.tls.key")),
            new Dispatch(
                read.flag("dispatch.enabled"),
                read.duration("dispatch.interval", Duration.ZERO, Duration.ofDays(365)),
                read.integer("dispatch.batch-size", 1, 10_000),
                read.integer("dispatch.concurrency", 1, 10_000),
                read.duration("dispatch.lease", Duration.ofMillis(1), Duration.ofDays(1)),
                read.duration("dispatch.idle-wait", Duration.ofMillis(10), Duration.ofMinutes(1))),
            new Retry(
                read.integer("retry.max-attempts", 1, 1_000),
                read.duration("retry.backoff", Duration.ofMillis(10), Duration.ofDays(1)),
                read.duration("retry.backoff-max", Duration.ofMillis(10), Duration.ofDays(30)),
                read.duration("retry.retry-after-max", Duration.ZERO, Duration.ofDays(30)),
                read.duration("retry.give-up-after", Duration.ofSeconds(1), Duration.ofDays(365))),
            new Circuit(
                read.spanNotCount("circuit.window", Duration.ofSeconds(1), Duration.ofMinutes(10)),
                read.integer("circuit.minimum-calls", 1, 1_000_000),
                read.integer("circuit.failure-rate", 1, 100),
                read.duration("circuit.open-for", Duration.ofMillis(10), Duration.ofDays(1))),
            new Messages(
                read.integer("message.max-length", 1, 1_000_000),
                read.optional("phone.default-region"),
                read.duration("retention.sent", Duration.ZERO, Duration.ofDays(36_500))),
            new Health(read.duration("health.late-after", Duration.ZERO, Duration.ofDays(365))));
    read.finish();
    settings.checkTogether();
    return settings;
  }

  private void checkTogether() {
    List<String> problems = new ArrayList<>();
    Duration needed = webhook.timeout.plus(LEASE_MARGIN);
    if (dispatch.lease.compareTo(needed) <= 0) {
      problems.add(
          "dispatch.lease=%s must be longer than webhook.timeout plus %s, that is %s; otherwise a message could be claimed again during its POST"
              .formatted(
                  Durations.show(dispatch.lease),
                  Durations.show(LEASE_MARGIN),
                  Durations.show(needed)));
    }
    if (webhook.connectTimeout.compareTo(webhook.timeout) > 0) {
      problems.add(
          "webhook.connect-timeout=%s must not be longer than webhook.timeout=%s, which covers the whole call"
              .formatted(Durations.show(webhook.connectTimeout), Durations.show(webhook.timeout)));
    }
    if (webhook.url.basic().isPresent()
        && webhook.authValue.isPresent()
        && webhook.authHeader.equalsIgnoreCase("Authorization")) {
      problems.add(
          "webhook.url has user:password@ and webhook.auth-value is set: both set the header Authorization, so remove one");
    }
    if (retry.backoff.compareTo(retry.backoffMax) > 0) {
      problems.add(
          "retry.backoff=%s must not be longer than retry.backoff-max=%s"
              .formatted(Durations.show(retry.backoff), Durations.show(retry.backoffMax)));
    }
    if (!messages.retention.isZero() && messages.retention.compareTo(api.idempotencyTtl) < 0) {
      problems.add(
          "retention.sent=%s must not be shorter than api.idempotency-ttl=%s; otherwise a repeated request could not return the messages of the first"
              .formatted(Durations.show(messages.retention), Durations.show(api.idempotencyTtl)));
    }
    if (webhook.rateLimit > 0 && dispatch.idleWait.compareTo(Duration.ofSeconds(1)) > 0) {
      problems.add(
          "dispatch.idle-wait=%s must not be longer than 1s with webhook.rate-limit=%d; a rate that is not used is kept for one second at most"
              .formatted(Durations.show(dispatch.idleWait), webhook.rateLimit));
    }
    if (server.port == management.port) {
      problems.add(
          "server.port and management.port are both %d; set two different ports"
              .formatted(server.port));
    }
    ConfigurationException.throwIfAny(problems);
  }

  /** Reads keys one by one and collects their errors. */
  private static final class Reader {
    private static final Pattern SIZE =
        Pattern.compile("(\\d{1,9})\\s*(B|KB|MB)?", Pattern.CASE_INSENSITIVE);

    /** Keys of the development run, and placeholders that people forget to replace. */
    private static final Pattern SAMPLE_KEY =
        Pattern.compile(
            "dev-.*|(change|replace)[-_]?(me|this|it)|secret|test|password|passw0rd|example|sample|demo"
                + "|default|admin|root|key|api[-_]?key|my[-_]?key|your[-_]?key|token|herald|1234.*"
                + "|a-long-random-key|another-one",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private final Function<String, Optional<String>> lookup;
    private final List<String> problems = new ArrayList<>();

    Reader(Function<String, Optional<String>> lookup) {
      this.lookup = lookup;
    }

    void finish() {
      ConfigurationException.throwIfAny(problems);
    }

    Optional<String> optional(String key) {
      return lookup.apply(key).map(String::strip).filter(value -> !value.isEmpty());
    }

    String text(String key) {
      return optional(key).orElseGet(() -> wrong(key, "is not set: " + how(key), ""));
    }

    String matching(String key, String prefix, String example) {
      String value = text(key);
      return value.isEmpty() || value.startsWith(prefix)
          ? value
          : wrong(key, "must look like " + example, value);
    }

    String oneOf(String key, String... allowed) {
      String value = text(key);
      return value.isEmpty() || List.of(allowed).contains(value)
          ? value.isEmpty() ? allowed[0] : value
          : wrong(
              key,
              "is '" + value + "'; it must be one of " + String.join(", ", allowed),
              allowed[0]);
    }

    boolean flag(String key) {
      return oneOf(key, "true", "false").equals("true");
    }

    int integer(String key, int min, int max) {
      String value = text(key);
      try {
        int number = Integer.parseInt(value);
        if (number >= min && number <= max) {
          return number;
        }
      } catch (NumberFormatException e) {
        if (value.isEmpty()) {
          return min;
        }
      }
      return wrong(
          key, "is '%s'; it must be a whole number from %d to %d".formatted(value, min, max), min);
    }

    int bytes(String key) {
      String value = text(key);
      Matcher size = SIZE.matcher(value);
      if (size.matches()) {
        String unit = size.group(2) == null ? "B" : size.group(2).toUpperCase(Locale.ROOT);
        long factor = unit.equals("MB") ? 1024 * 1024 : unit.equals("KB") ? 1024 : 1;
        long bytes = Long.parseLong(size.group(1)) * factor;
        if (bytes >= 1024 && bytes <= 100L * 1024 * 1024) {
          return (int) bytes;
        }
      }
      return value.isEmpty()
          ? 0
          : wrong(key, "is '" + value + "'; it must be a size from 1KB to 100MB", 0);
    }

    Duration duration(String key, Duration min, Duration max) {
      String value = text(key);
      if (value.isEmpty()) {
        return min;
      }
      Optional<Duration> duration = Durations.parse(value);
      if (duration.isPresent()
          && duration.get().compareTo(min) >= 0
          && duration.get().compareTo(max) <= 0) {
        return duration.get();
      }
      return wrong(
          key,
          "is '%s'; it must be a time like 200ms, 5s or 2m, from %s to %s"
              .formatted(value, Durations.show(min), Durations.show(max)),
          min);
    }

    /** A time for which an earlier release took a number. */
    Duration spanNotCount(String key, Duration min, Duration max) {
      String value = text(key);
      return value.matches("[1-9]\\d*")
          ? wrong(
              key,
              "is '%s'; it must be a time like 10s, and is no longer a number of outcomes"
                  .formatted(value),
              min)
          : duration(key, min, max);
    }

    URI uri(String key, String... schemes) {
      String value = text(key);
      if (value.isEmpty()) {
        return URI.create("http://localhost");
      }
      try {
        URI uri = new URI(value);
        if (uri.getHost() != null && Arrays.asList(schemes).contains(uri.getScheme())) {
          return uri;
        }
      } catch (URISyntaxException e) {
        // reported below; the value may hold a password, so it is not quoted
      }
      return wrong(
          key,
          "must be a URL that starts with "
              + String.join(":// or ", schemes)
              + ":// and has a host",
          URI.create("http://localhost"));
    }

    WebhookUrl webhookUrl(String key, String value) {
      WebhookUrl none = WebhookUrl.parse("http://localhost");
      if (value.isEmpty()) {
        return none;
      }
      try {
        return WebhookUrl.parse(value);
      } catch (IllegalArgumentException e) {
        return wrong(key, e.getMessage(), none);
      }
    }

    Optional<WebhookUrl> proxy(String key) {
      Optional<WebhookUrl> proxy = optional(key).map(value -> webhookUrl(key, value));
      proxy
          .filter(url -> !url.host().getSchemeName().equals("http") || !url.path().equals("/"))
          .ifPresent(url -> wrong(key, "must look like http://[user:password@]host:port", ""));
      return proxy;
    }

    String headerName(String key) {
      String name = text(key);
      if (!name.isEmpty() && !HeaderFields.canBeSet(name)) {
        wrong(
            key, "is '%s', which cannot be sent as a header; set another name".formatted(name), "");
      }
      return name;
    }

    Optional<String> headerValue(String key) {
      Optional<String> value = optional(key);
      if (value.isPresent() && !HeaderFields.isValue(value.get())) {
        wrong(
            key,
            "has a line break or a control character, which a header cannot carry; remove it",
            "");
      }
      return value;
    }

    Optional<byte[]> signingSecret(String key) {
      return optional(key)
          .map(
              value ->
                  SigningSecret.parse(value)
                      .orElseGet(
                          () ->
                              wrong(
                                  key,
                                  "must be whsec_ and the base64 of 24 to 64 bytes",
                                  new byte[0])));
    }

    Map<String, String> keys(String key, boolean open, boolean samplesToo) {
      Map<String, String> names = new LinkedHashMap<>();
      for (String part : optional(key).orElse("").split(",")) {
        String entry = part.strip();
        int colon = entry.indexOf(':');
        if (!entry.isEmpty()) {
          String name = colon < 0 ? "default" : entry.substring(0, colon).strip();
          String secret = entry.substring(colon + 1).strip();
          if (!samplesToo && SAMPLE_KEY.matcher(secret).matches()) {
            wrong(
                key,
                "has a sample key for '"
                    + name
                    + "', which anyone can guess; make one with: openssl rand -hex 24",
                "");
          }
          if (name.isEmpty() || secret.isEmpty() || names.put(secret, name) != null) {
            wrong(
                key,
                "has an empty or duplicate entry; write KEY or NAME:KEY, separated by commas",
                "");
          }
        }
      }
      if (names.isEmpty() && !open) {
        wrong(key, "is not set: " + how(key) + ", or set api.auth=none to let everyone in", "");
      }
      return names;
    }

    Optional<Tls> tls(String certificateKey, String keyKey) {
      Optional<Path> certificate = readable(certificateKey);
      Optional<Path> key = readable(keyKey);
      if (certificate.isPresent() != key.isPresent()) {
        String missing = certificate.isPresent() ? keyKey : certificateKey;
        wrong(
            missing,
            "is not set, but %s is; set both or neither"
                .formatted(certificate.isPresent() ? certificateKey : keyKey),
            "");
      }
      return certificate.isPresent() && key.isPresent()
          ? Optional.of(new Tls(certificate.get(), key.get()))
          : Optional.empty();
    }

    Optional<Path> readable(String key) {
      Optional<Path> file = optional(key).map(Path::of);
      if (file.isPresent() && (!Files.isReadable(file.get()) || Files.isDirectory(file.get()))) {
        wrong(
            key,
            "is '%s', which cannot be read; name a PEM file that can".formatted(file.get()),
            "");
      }
      return file;
    }

    private <T> T wrong(String key, String problem, T instead) {
      problems.add(key + " " + problem);
      return instead;
    }

    private static String how(String key) {
      return "set %s in the environment or %s in application.properties"
          .formatted(key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_'), key);
    }
  }
}
