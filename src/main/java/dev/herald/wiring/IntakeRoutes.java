package dev.herald.wiring;

import dev.herald.intake.Intake;
import dev.herald.intake.MessageBatch;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Stores and finds for the intake, by the routes store-messages and find-request. */
record IntakeRoutes(RouteCalls calls) implements Intake.Store {
  @Override
  public Map<UUID, Instant> store(MessageBatch batch) {
    Map<UUID, Instant> stored = new HashMap<>();
    for (Object row : (List<?>) calls.call("direct:store-messages", "batch", batch)) {
      Map<?, ?> columns = (Map<?, ?>) row;
      stored.put((UUID) columns.get("id"), ((Timestamp) columns.get("created_at")).toInstant());
    }
    return stored;
  }

  @Override
  public List<Intake.EarlierMessage> find(Intake.Key key) {
    return ((List<?>) calls.call("direct:find-request", "request", key))
        .stream().map(Intake.EarlierMessage.class::cast).toList();
  }
}
