package dev.herald.testing;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A client of a broker, as a test needs it. */
public final class Kafka implements AutoCloseable {
  private final String brokers;
  private final KafkaProducer<byte[], byte[]> producer;
  private final Admin admin;

  public Kafka(String brokers) {
    this.brokers = brokers;
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", brokers, "linger.ms", "5"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    admin = Admin.create(Map.of("bootstrap.servers", brokers));
  }

  /** Writes a record; {@link #flush} waits for it. */
  public Future<?> send(String topic, String key, String value) {
    return producer.send(new ProducerRecord<>(topic, bytes(key), bytes(value)));
  }

  /** Writes a record with a header. */
  public Future<?> send(String topic, String key, String value, String header, String headerValue) {
    ProducerRecord<byte[], byte[]> written = new ProducerRecord<>(topic, bytes(key), bytes(value));
    written.headers().add(header, bytes(headerValue));
    return producer.send(written);
  }

  public void flush() {
    producer.flush();
  }

  /** The first records of a topic with one partition; waits for so many. */
  public List<ConsumerRecord<byte[], byte[]>> read(String topic, int count) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", brokers, "auto.offset.reset", "earliest"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.assign(List.of(new TopicPartition(topic, 0)));
      List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
      long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (found.size() < count && System.nanoTime() - end < 0) {
        consumer.poll(Duration.ofMillis(100)).forEach(found::add);
      }
      return found;
    }
  }

  /** How many records a group has committed, over all partitions. */
  public long committed(String group) {
    return call(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata())
        .values()
        .stream()
        .mapToLong(OffsetAndMetadata::offset)
        .sum();
  }

  /** How many records a topic has. */
  public long written(String topic, int partitions) {
    return call(
            admin
                .listOffsets(
                    IntStream.range(0, partitions)
                        .boxed()
                        .collect(
                            Collectors.toMap(
                                partition -> new TopicPartition(topic, partition),
                                partition -> OffsetSpec.latest())))
                .all())
        .values()
        .stream()
        .mapToLong(ListOffsetsResult.ListOffsetsResultInfo::offset)
        .sum();
  }

  /** Sets how large a record of a topic may be. */
  public void limit(String topic, int bytes) {
    call(
        admin
            .incrementalAlterConfigs(
                Map.of(
                    new ConfigResource(ConfigResource.Type.TOPIC, topic),
                    List.of(
                        new AlterConfigOp(
                            new ConfigEntry("max.message.bytes", String.valueOf(bytes)),
                            AlterConfigOp.OpType.SET))))
            .all());
  }

  /** Lets a group, which must have no member, read from the beginning again. */
  public void rewind(String group, String topic, int partitions) {
    call(
        admin
            .alterConsumerGroupOffsets(
                group,
                IntStream.range(0, partitions)
                    .boxed()
                    .collect(
                        Collectors.toMap(
                            partition -> new TopicPartition(topic, partition),
                            partition -> new OffsetAndMetadata(0))))
            .all());
  }

  /** The header's text; null without one. */
  public static String header(ConsumerRecord<byte[], byte[]> found, String name) {
    return found.headers().lastHeader(name) == null
        ? null
        : new String(found.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  private static <T> T call(Future<T> answer) {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    producer.close(Duration.ZERO);
    admin.close(Duration.ZERO);
  }
}
