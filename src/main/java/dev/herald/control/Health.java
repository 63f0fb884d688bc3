package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The health of this node. With a DEGRADED part messages are still accepted and stored.
 * Thread-safe.
 */
public final class Health {
  private final Map<String, Supplier<Check>> checks = new LinkedHashMap<>();
  private final String needed;
  private volatile boolean closing;

  /** How a part, or the whole, is. */
  public enum State {
    UP,
    DEGRADED,
    DOWN
  }

  /**
   * @param detail what is wrong, or what to know though it is UP; null when there is nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Check(State status, String detail) {
    public static Check of(boolean up, State otherwise, String detail) {
      return up ? new Check(State.UP, null) : new Check(otherwise, detail);
    }
  }

  /** Schema {@code Health} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record View(State status, Map<String, Check> checks) {
    /** 503 when DOWN. */
    public int httpStatus() {
      return status == State.DOWN ? 503 : 200;
    }
  }

  /**
   * @param needed the one check that readiness takes into account
   */
  public Health(String needed, Map<String, Supplier<Check>> checks) {
    this.needed = needed;
    this.checks.putAll(checks);
  }

  /** Every check, and the worst state of them. */
  public View health() {
    Map<String, Check> results = new LinkedHashMap<>();
    checks.forEach((name, check) -> results.put(name, check.get()));
    return view(results);
  }

  /** The checks' names. */
  Set<String> names() {
    return checks.keySet();
  }

  /** One check now. */
  Check check(String name) {
    return checks.get(name).get();
  }

  /** Whether the process lives: it does, if it answers. */
  public View live() {
    return new View(State.UP, null);
  }

  /** Whether requests may be sent here. */
  public View ready() {
    Map<String, Check> results = new LinkedHashMap<>();
    results.put(needed, checks.get(needed).get());
    if (closing) {
      results.put("node", new Check(State.DOWN, "it is shutting down"));
    }
    return view(results);
  }

  /** No longer ready, for good. */
  public void close() {
    closing = true;
  }

  private static View view(Map<String, Check> results) {
    State worst = State.UP;
    for (Check check : results.values()) {
      worst = check.status().compareTo(worst) > 0 ? check.status() : worst;
    }
    return new View(worst, results);
  }
}
