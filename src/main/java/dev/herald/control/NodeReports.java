package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.control.Health.State;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What this node says of itself to the others, through the database. Thread-safe. */
public final class NodeReports {
  /** The problem of a node whose last reload was refused. */
  static final String RELOAD = "reload";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** One for each start of a process. */
  private final UUID id = UUID.randomUUID();

  private final String name;
  private final String version;
  private final Supplier<String> flow;
  private final BooleanSupplier refused;
  private final Supplier<Health.View> health;
  private volatile boolean stopping;

  /**
   * A part of a node's health that is not UP.
   *
   * @param check its name in {@code /health}
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Problem(String check, State status, String detail) {}

  /**
   * A node now.
   *
   * @param flow the digest of the files that it runs
   */
  public record Report(
      UUID id, String name, String version, String flow, State status, List<Problem> problems) {

    /** For a statement. */
    public String problemsJson() throws JsonProcessingException {
      return JSON.writeValueAsString(problems);
    }
  }

  /**
   * @param flow the digest of the files that run
   * @param refused whether the last reload was refused
   */
  public NodeReports(
      String name,
      String version,
      Supplier<String> flow,
      BooleanSupplier refused,
      Supplier<Health.View> health) {
    this.name = name;
    this.version = version;
    this.flow = flow;
    this.refused = refused;
    this.health = health;
  }

  /** This node now; null once it stops, so that it does not come back. */
  public Report toTell() {
    return stopping ? null : now();
  }

  /** From now on there is nothing to tell. */
  public void close() {
    stopping = true;
  }

  /** This node now. */
  Report now() {
    Health.View seen = health.get();
    List<Problem> problems = new ArrayList<>();
    seen.checks()
        .forEach(
            (check, result) -> {
              if (result.status() != State.UP) {
                problems.add(new Problem(check, result.status(), result.detail()));
              }
            });
    if (refused.getAsBoolean()) {
      problems.add(
          new Problem(
              RELOAD,
              State.DEGRADED,
              "the last reload was refused, so the files on disk are not those that run"));
    }
    return new Report(id, name, version, flow.get(), seen.status(), List.copyOf(problems));
  }

  /** Of this start of the process. */
  public UUID id() {
    return id;
  }
}
