package dev.herald.dev;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads the topic {@code herald.events} from its beginning, as a receiver of events does. */
public final class EventTopic implements AutoCloseable {
  public static final String NAME = "herald.events";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final KafkaConsumer<String, byte[]> consumer;
  private final Consumer<JsonNode> onEvent;
  private final Thread thread = new Thread(this::read, "event-topic");

  /**
   * @param brokers of Kafka
   * @param onEvent called for each event, on a thread of this
   */
  public EventTopic(String brokers, Consumer<JsonNode> onEvent) {
    this.onEvent = onEvent;
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", brokers,
                "group.id", UUID.randomUUID().toString(),
                "auto.offset.reset", "earliest",
                "enable.auto.commit", "false",
                "reconnect.backoff.max.ms", "200"),
            new StringDeserializer(),
            new ByteArrayDeserializer());
    consumer.subscribe(List.of(NAME));
    thread.setDaemon(true);
    thread.start();
  }

  private void read() {
    try {
      while (true) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          onEvent.accept(JSON.readTree(record.value()));
        }
      }
    } catch (WakeupException closed) {
      consumer.close(Duration.ZERO);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
