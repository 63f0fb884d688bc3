package dev.herald.api;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many requests each key may still make: a bucket for each key's name, which holds a second's
 * requests and fills as they may come. What a client is told of it follows the IETF draft
 * "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers). Thread-safe.
 */
public final class RateLimits {
  /** The name of the one policy there is. */
  private static final String POLICY = "\"key\"";

  private final int perSecond;
  private final TimeMeter clock;
  private final Map<String, Bucket> buckets = new ConcurrentHashMap<>();

  /**
   * What a client is told.
   *
   * @param limit the header {@code RateLimit}
   * @param policy the header {@code RateLimit-Policy}
   * @param retryAfter in seconds, where the request is not allowed
   */
  record Verdict(boolean allowed, String limit, String policy, long retryAfter) {}

  /**
   * @param perSecond requests of one key; 0 for no limit
   */
  public RateLimits(int perSecond) {
    this(perSecond, TimeMeter.SYSTEM_MILLISECONDS);
  }

  RateLimits(int perSecond, TimeMeter clock) {
    this.perSecond = perSecond;
    this.clock = clock;
  }

  boolean on() {
    return perSecond > 0;
  }

  /** Counts a request of a key. */
  Verdict count(String keyName) {
    ConsumptionProbe probe =
        buckets.computeIfAbsent(keyName, any -> bucket()).tryConsumeAndReturnRemaining(1);
    long reset = seconds(probe.getNanosToWaitForReset());
    return new Verdict(
        probe.isConsumed(),
        "%s;r=%d;t=%d".formatted(POLICY, probe.getRemainingTokens(), reset),
        "%s;q=%d;w=1".formatted(POLICY, perSecond),
        Math.max(1, seconds(probe.getNanosToWaitForRefill())));
  }

  /** What is allowed. */
  String explain() {
    return "a key may make %d %s a second (api.rate-limit)"
        .formatted(perSecond, perSecond == 1 ? "request" : "requests");
  }

  private Bucket bucket() {
    Bandwidth aSecond =
        Bandwidth.builder()
            .capacity(perSecond)
            .refillGreedy(perSecond, Duration.ofSeconds(1))
            .build();
    return Bucket.builder().withCustomTimePrecision(clock).addLimit(aSecond).build();
  }

  private static long seconds(long nanos) {
    return (nanos + 999_999_999L) / 1_000_000_000L;
  }
}
