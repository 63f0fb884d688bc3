package dev.herald.wiring;

import dev.herald.config.Settings;
import dev.herald.control.DeliveryStatus;
import dev.herald.control.Health.Check;
import dev.herald.control.Health.State;
import dev.herald.control.StatsSnapshot;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.event.EventReader;
import dev.herald.outcome.RedisFeed;
import dev.herald.store.Database;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.ServiceStatus;

/** What {@code /health} checks, in the order of its answer. */
final class HealthChecks {
  private HealthChecks() {}

  static Map<String, Supplier<Check>> of(
      CamelContext camel,
      Database database,
      RedisFeed feed,
      ClaimPlanner planner,
      Circuit circuit,
      StatsSnapshot snapshot,
      Supplier<Optional<String>> brokenFlow,
      EventReader events,
      Settings settings) {
    Map<String, Supplier<Check>> checks = new LinkedHashMap<>();
    checks.put(
        "postgresql",
        () ->
            Check.of(
                database.up(),
                State.DOWN,
                "PostgreSQL does not respond, or refuses writes; nothing is accepted or delivered"));
    checks.put(
        "redis",
        () ->
            Check.of(
                feed.up(),
                State.DEGRADED,
                "Redis does not respond, or refuses writes; delivery continues without it"));
    checks.put("webhook", () -> degraded(DeliveryStatus.trouble(circuit)));
    checks.put("delivery", () -> degraded(DeliveryStatus.failing(planner)));
    checks.put(
        "backlog",
        () ->
            snapshot
                .late(settings.health().lateAfter())
                .map(late -> new Check(State.DEGRADED, late))
                .orElseGet(() -> new Check(State.UP, snapshot.slow().orElse(null))));
    checks.put(
        "flow",
        () -> Check.of(brokenFlow.get().isEmpty(), State.DOWN, brokenFlow.get().orElse(null)));
    if (settings.events().enabled()) {
      checks.put("events", () -> degraded(events.trouble()));
    }
    checks.put(
        "routes",
        () -> {
          String stopped =
              camel.getRoutes().stream()
                  .map(route -> route.getRouteId())
                  .filter(id -> !runs(camel, id))
                  .collect(Collectors.joining(", "));
          return Check.of(
              stopped.isEmpty(), State.DEGRADED, "not running on this node: " + stopped);
        });
    return checks;
  }

  /** Whether a route is started; false while the node stops and Camel no longer knows it. */
  static boolean runs(CamelContext camel, String id) {
    ServiceStatus status = camel.getRouteController().getRouteStatus(id);
    return status != null && status.isStarted();
  }

  private static Check degraded(Optional<String> reason) {
    return Check.of(reason.isEmpty(), State.DEGRADED, reason.orElse(null));
  }
}
