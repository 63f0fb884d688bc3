package dev.herald.event;

import dev.herald.config.Settings;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import io.debezium.engine.spi.OffsetCommitPolicy;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.postgresql.Driver;
import org.postgresql.util.HostSpec;

/**
 * Reads the slot with Debezium, once, until the connection is lost or it is closed. Nothing but the
 * slot holds the position: it moves on after a batch was taken. This is the only class that needs
 * Debezium; a jar without it works until it is used.
 */
final class SlotReader implements AutoCloseable {
  private static final String UNCHANGED = "__debezium_unavailable_value";

  /** As it is now: a later PUT may have replaced it. */
  private static final String METADATA = "SELECT metadata FROM message WHERE id = ?::uuid";

  private final DebeziumEngine<RecordChangeEvent<SourceRecord>> engine;
  private final Slot slot;
  private final Taker taker;
  private final Thread thread;

  /** To read what the log has not; null until then. */
  private Connection reading;

  /** Takes the events of a batch in order. What it throws ends the reader. */
  interface Taker {
    void take(List<Event> events) throws InterruptedException;
  }

  /**
   * @param slot that exists
   * @param taker called on a thread of the reader
   * @param ended called once, with the reason or null, when nothing is read any more
   */
  SlotReader(Settings.Events settings, Slot slot, Taker taker, Consumer<Throwable> ended)
      throws SQLException {
    this.slot = slot;
    this.taker = taker;
    engine =
        DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
            .using(properties(settings, slot))
            .using(OffsetCommitPolicy.always())
            .using(getClass().getClassLoader())
            .using((success, message, error) -> ended.accept(error))
            .notifying(this::batch)
            .build();
    thread = new Thread(this::run, "herald-events-reader");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void run() {
    engine.run();
    if (reading != null) {
      try {
        reading.close();
      } catch (SQLException broken) {
        // it is gone either way
      }
    }
  }

  private static Properties properties(Settings.Events settings, Slot slot) throws SQLException {
    Properties properties = new Properties();
    properties.put("name", settings.slot());
    properties.put("topic.prefix", "herald");
    properties.put("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
    // Without a position of its own Debezium begins where the slot is.
    properties.put("offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
    properties.put("snapshot.mode", "no_data");
    properties.put("plugin.name", "pgoutput");
    properties.put("slot.name", settings.slot());
    properties.put("slot.drop.on.stop", "false");
    properties.put("publication.name", settings.slot());
    properties.put("publication.autocreate.mode", "disabled");
    String table = slot.schema() + ".message";
    properties.put("table.include.list", table);
    properties.put(
        "column.include.list",
        Changes.columns().stream()
            .map(column -> table + "." + column)
            .collect(Collectors.joining(",")));
    properties.put("max.batch.size", "1000");
    properties.put("max.queue.size", "4000");
    properties.put("poll.interval.ms", "50");
    properties.put("status.update.interval.ms", "2000");
    // A batch confirms the transactions before its last one; this confirms that one.
    properties.put("heartbeat.interval.ms", "1000");
    // Whoever made this tries again.
    properties.put("errors.max.retries", "0");
    properties.put("slot.max.retries", "0");
    HostSpec server = slot.server();
    properties.put("database.hostname", server.getHost());
    properties.put("database.port", Integer.toString(server.getPort()));
    properties.put("database.user", settings.database().username());
    properties.put("database.password", settings.database().password());
    Properties url = Driver.parseURL(settings.database().url().address(), null);
    properties.put("database.dbname", url.getProperty("PGDBNAME"));
    // So that a server that hangs is noticed; the driver counts in seconds.
    long seconds = Math.max(1, settings.database().timeout().toSeconds());
    Map<String, String> driver = new HashMap<>();
    driver.put("connectTimeout", Long.toString(seconds));
    driver.put("socketTimeout", Long.toString(2 * seconds));
    driver.put("tcpKeepAlive", "true");
    settings.database().url().login().forEach(driver::put);
    url.stringPropertyNames().stream()
        .filter(option -> !option.startsWith("PG") && !option.equals("targetServerType"))
        .forEach(option -> driver.put(option, url.getProperty(option)));
    driver.keySet().removeAll(List.of("user", "password"));
    driver.forEach((option, value) -> properties.put("driver." + option, value));
    return properties;
  }

  private void batch(
      List<RecordChangeEvent<SourceRecord>> records,
      RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
      throws InterruptedException {
    List<Event> events = new ArrayList<>();
    for (RecordChangeEvent<SourceRecord> changed : records) {
      events.addAll(events(changed.record()));
    }
    if (!events.isEmpty()) {
      taker.take(events);
    }
    for (RecordChangeEvent<SourceRecord> changed : records) {
      committer.markProcessed(changed);
    }
    committer.markBatchFinished();
  }

  /** A heartbeat has no operation. */
  private List<Event> events(SourceRecord changed) {
    if (!(changed.value() instanceof Struct change) || change.schema().field("op") == null) {
      return List.of();
    }
    return switch (change.getString("op")) {
      case "c" -> Changes.ofInsert(row(change.getStruct("after")));
      case "u" -> ofUpdate(change.getStruct("after"));
      default -> List.of();
    };
  }

  /** Without the values that an update did not change and that are not in the row itself. */
  private static Map<String, Object> row(Struct after) {
    Map<String, Object> row = new HashMap<>();
    for (Field field : after.schema().fields()) {
      Object value = after.get(field);
      if (!UNCHANGED.equals(value)) {
        row.put(field.name(), value);
      }
    }
    return row;
  }

  /** Metadata can be so large that PostgreSQL keeps it outside of the row. */
  private List<Event> ofUpdate(Struct after) {
    Map<String, Object> row = row(after);
    List<Event> events = Changes.ofUpdate(row);
    if (events.isEmpty() || !UNCHANGED.equals(after.get("metadata"))) {
      return events;
    }
    row.put("metadata", metadata(row.get("id")));
    return Changes.ofUpdate(row);
  }

  private String metadata(Object id) {
    try {
      if (reading == null) {
        reading = slot.open();
      }
      try (PreparedStatement query = reading.prepareStatement(METADATA)) {
        query.setString(1, id.toString());
        try (ResultSet row = query.executeQuery()) {
          return row.next() ? row.getString(1) : null;
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e); // ends this reader, and another begins
    }
  }

  /** Ends reading; waits for a batch under way. */
  @Override
  public void close() throws IOException {
    engine.close();
  }
}
