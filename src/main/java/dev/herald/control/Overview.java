package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.control.DeliveryStatus.Stats;
import dev.herald.control.Health.State;
import dev.herald.control.NodeReports.Problem;
import dev.herald.control.NodeReports.Report;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/** Whether messages flow, and what needs a person: all that a page shows first. Stateless. */
public final class Overview {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The statement reads no more failed messages. */
  private static final long MOST_FAILED = 1_000;

  private final NodeReports reports;
  private final Instant started = Instant.now().truncatedTo(ChronoUnit.MILLIS);

  /** What may need a person, the worst first. */
  public enum Code {
    DELIVERY_OFF("start delivery when the reason is gone"),
    NODE_GONE("start it again; what it had in flight is due when its leases run out"),
    CIRCUIT_OPEN("see what the provider says; Herald tests it by itself"),
    ROUTE_STOPPED("start it when the reason is gone"),
    NODE_PROBLEM("read the log of that node"),
    LATE_BACKLOG(
        "let more be sent: dispatch.batch-size, dispatch.interval or dispatch.concurrency"),
    FLOW_REFUSED("correct the files; a check names each fault"),
    FLOWS_DIFFER("put the same files on every node, and reload"),
    UNKNOWN_MESSAGES("ask the provider whether they arrived, and retry those that did not"),
    FAILED_RECENTLY("correct what the reasons name; then retry them");

    private final String action;

    Code(String action) {
      this.action = action;
    }
  }

  /** How a node of the cluster is; GONE when it has not been seen for a while. */
  public enum NodeStatus {
    UP,
    DEGRADED,
    DOWN,
    GONE
  }

  /** Schema {@code NodeView} of the contract. */
  public record NodeView(
      String name,
      String version,
      String flow,
      Instant startedAt,
      Instant seenAt,
      NodeStatus status,
      List<String> problems) {}

  /** Why some messages failed. */
  public record Reason(String error, long messages) {}

  /** Schema {@code Need} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Need(
      Code code,
      String detail,
      Long count,
      Instant since,
      String node,
      List<Reason> reasons,
      String action) {
    private static Need of(Code code, String node, String detail) {
      return new Need(code, detail, null, null, node, null, code.action);
    }
  }

  /** The node that answers. */
  public record Here(String name, String version) {}

  /** Schema {@code Overview} of the contract. */
  public record View(
      Instant at,
      Here node,
      SchedulerState scheduler,
      Stats stats,
      List<NodeView> nodes,
      List<Need> needs) {}

  /** A node as the database has it, or as this one is now. */
  private record Seen(NodeView view, List<Problem> problems) {}

  public Overview(NodeReports reports) {
    this.reports = reports;
  }

  /**
   * @param row of {@code sql/get-overview.sql}
   */
  public View of(
      @Body Map<String, Object> row,
      @Variable("scheduler") SchedulerState scheduler,
      @Variable("stats") Stats stats)
      throws JsonProcessingException {
    Report here = reports.now();
    List<Seen> nodes = new ArrayList<>();
    nodes.add(seen(here));
    for (JsonNode node : JSON.readTree((String) row.get("nodes"))) {
      if (!node.path("id").asText().equals(here.id().toString())) {
        nodes.add(seen(node));
      }
    }
    nodes.sort(Comparator.comparing(node -> node.view().name()));
    return new View(
        Instant.now().truncatedTo(ChronoUnit.MILLIS),
        new Here(here.name(), here.version()),
        scheduler,
        stats,
        nodes.stream().map(Seen::view).toList(),
        Stream.of(ofDelivery(scheduler, stats), ofNodes(nodes), ofFlows(nodes), ofEnded(stats, row))
            .flatMap(List::stream)
            .sorted(Comparator.comparing(Need::code))
            .toList());
  }

  /** What {@code sql/get-activity.sql} has made. */
  public JsonNode activity(@Body String json) throws JsonProcessingException {
    return JSON.readTree(json);
  }

  private Seen seen(Report here) {
    return new Seen(
        new NodeView(
            here.name(),
            here.version(),
            here.flow(),
            started,
            Instant.now().truncatedTo(ChronoUnit.MILLIS),
            NodeStatus.valueOf(here.status().name()),
            here.problems().stream().map(Problem::detail).toList()),
        here.problems());
  }

  private static Seen seen(JsonNode node) {
    List<Problem> problems = new ArrayList<>();
    node.path("problems")
        .forEach(
            problem ->
                problems.add(
                    new Problem(
                        problem.path("check").asText(),
                        State.valueOf(problem.path("status").asText()),
                        problem.path("detail").asText())));
    return new Seen(
        new NodeView(
            node.path("name").asText(),
            node.path("version").asText(),
            node.path("flow").asText(),
            Instant.ofEpochMilli(node.path("startedAt").asLong()),
            Instant.ofEpochMilli(node.path("seenAt").asLong()),
            node.path("gone").asBoolean()
                ? NodeStatus.GONE
                : NodeStatus.valueOf(node.path("status").asText()),
            problems.stream().map(Problem::detail).toList()),
        problems);
  }

  private static List<Need> ofDelivery(SchedulerState scheduler, Stats stats) {
    return scheduler.running() || stats.dueNow() == 0
        ? List.of()
        : List.of(
            new Need(
                Code.DELIVERY_OFF,
                "delivery is off while messages are due",
                stats.dueNow(),
                scheduler.changedAt(),
                null,
                null,
                Code.DELIVERY_OFF.action));
  }

  private static List<Need> ofNodes(List<Seen> nodes) {
    List<Need> needs = new ArrayList<>();
    boolean late = false;
    for (Seen node : nodes) {
      String name = node.view().name();
      if (node.view().status() == NodeStatus.GONE) {
        needs.add(
            new Need(
                Code.NODE_GONE,
                "it does not report any more, and did not stop as it should",
                null,
                node.view().seenAt(),
                name,
                null,
                Code.NODE_GONE.action));
        continue;
      }
      for (Problem problem : node.problems()) {
        Code code =
            switch (problem.check()) {
              case "webhook" -> Code.CIRCUIT_OPEN;
              case "routes" -> Code.ROUTE_STOPPED;
              case "backlog" -> Code.LATE_BACKLOG;
              case NodeReports.RELOAD -> Code.FLOW_REFUSED;
              default -> Code.NODE_PROBLEM;
            };
        if (code != Code.LATE_BACKLOG) {
          needs.add(Need.of(code, name, problem.detail()));
        } else if (!late) {
          late = true; // of the cluster, and every node says so
          needs.add(Need.of(code, null, problem.detail()));
        }
      }
    }
    return needs;
  }

  private static List<Need> ofFlows(List<Seen> nodes) {
    long flows =
        nodes.stream()
            .map(Seen::view)
            .filter(node -> node.status() != NodeStatus.GONE)
            .map(NodeView::flow)
            .distinct()
            .count();
    return flows < 2
        ? List.of()
        : List.of(
            Need.of(Code.FLOWS_DIFFER, null, "the nodes run %d different flows".formatted(flows)));
  }

  private static List<Need> ofEnded(Stats stats, Map<String, Object> row)
      throws JsonProcessingException {
    List<Need> needs = new ArrayList<>();
    long unknown = stats.byStatus().get("UNKNOWN");
    if (unknown > 0) {
      needs.add(
          new Need(
              Code.UNKNOWN_MESSAGES,
              "nobody knows whether the provider sent them",
              unknown,
              null,
              null,
              null,
              Code.UNKNOWN_MESSAGES.action));
    }
    long failed = ((Number) row.get("failed")).longValue();
    if (failed > 0) {
      List<Reason> reasons = new ArrayList<>();
      for (JsonNode reason : JSON.readTree((String) row.get("reasons"))) {
        reasons.add(new Reason(reason.path("error").asText(), reason.path("messages").asLong()));
      }
      needs.add(
          new Need(
              Code.FAILED_RECENTLY,
              failed < MOST_FAILED
                  ? "messages failed within the last hour"
                  : "messages failed within the last hour, at least",
              failed,
              null,
              null,
              reasons,
              Code.FAILED_RECENTLY.action));
    }
    return needs;
  }
}
