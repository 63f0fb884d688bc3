package dev.herald.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.api.Contract;
import dev.herald.message.PhoneNumbers;
import dev.herald.testing.Configured;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class RecordsTest {
  private static final Contract CONTRACT =
      Contract.load(Path.of("openapi.yaml"), 1, 255, body -> List.of());
  private static final String GOOD = "{\"phoneNumber\": \"+905551234567\", \"content\": \"hi\"}";

  private final DefaultCamelContext camel = new DefaultCamelContext();
  private final List<MessageBatch> batches = new CopyOnWriteArrayList<>();
  private final Intake intake =
      new Intake(
          Configured.with().retry(), Duration.ofHours(24), new Table(), () -> {}, () -> false);
  private final Records records =
      new Records(
          CONTRACT.operation("createMessage").body().orElseThrow()::read,
          new NewMessages(new PhoneNumbers(Optional.empty()), Clock.systemUTC()),
          intake);

  private final class Table implements Intake.Store {
    @Override
    public Map<UUID, Instant> store(MessageBatch batch) {
      batches.add(batch);
      return Stream.of(batch.getIds())
          .collect(
              Collectors.toMap(
                  UUID::fromString, Function.<String>identity().andThen(id -> Instant.EPOCH)));
    }

    @Override
    public List<Intake.EarlierMessage> find(Intake.Key key) {
      return List.of();
    }
  }

  @AfterEach
  void close() {
    intake.close();
  }

  @Test
  void should_store_each_with_where_it_comes_from_as_its_key() throws Exception {
    intake.start();
    assertThat(accept(List.of(record(0, 7, GOOD), record(1, 3, GOOD)))).isEmpty();
    assertThat(batches.stream().flatMap(batch -> Stream.of(batch.getKeys())))
        .containsExactlyInAnyOrder("orders-0-7", "orders-1-3");
    assertThat(batches)
        .allSatisfy(
            batch -> {
              assertThat(batch.getOwners()).containsOnly("kafka:main");
              assertThat(batch.getCorrelationIds())
                  .containsExactlyInAnyOrderElementsOf(Arrays.asList(batch.getKeys()));
            });
  }

  private static String manyFaults() {
    return IntStream.range(0, 10_000)
        .mapToObj("\"unknown%d\": 1"::formatted)
        .collect(Collectors.joining(",", "{", "}"));
  }

  @Test
  void should_return_those_that_cannot_be_stored_as_they_came_with_every_reason() throws Exception {
    intake.start();
    String bad = "{\"phoneNumber\": \"12\", \"content\": \" \"}";
    List<Message> refused =
        accept(
            List.of(
                record(0, 1, GOOD),
                record(0, 2, "{"),
                record(0, 3, bad),
                record(0, 4, null),
                record(0, 5, "[" + GOOD + "]"),
                record(0, 6, manyFaults())));
    assertThat(refused)
        .extracting(message -> message.getHeader("herald-reason", String.class))
        .satisfiesExactly(
            json -> assertThat(json).contains("not JSON"),
            fields ->
                assertThat(fields)
                    .contains("/phoneNumber is not a valid")
                    .contains("; /content must not be blank"),
            empty -> assertThat(empty).contains("empty"),
            array -> assertThat(array).isNotBlank(),
            many -> assertThat(many).hasSizeLessThanOrEqualTo(1_000));
    assertThat(refused.get(1).getBody(byte[].class))
        .isEqualTo(bad.getBytes(StandardCharsets.UTF_8));
    assertThat(refused.get(1).getHeader("offset")).isEqualTo(3L);
    assertThat(records.taken()).isEqualTo(1);
    assertThat(records.refused()).isEqualTo(5);
  }

  @Test
  void should_store_nothing_of_a_record_that_nobody_could_tell_from_others() {
    intake.start();
    Exchange record = record(0, 1, GOOD);
    record.getMessage().removeHeader("offset");
    assertThatThrownBy(() -> accept(List.of(record))).hasMessageContaining("offset");
    assertThat(batches).isEmpty();
  }

  @Test
  void should_find_the_last_record_of_each_source() {
    List<Message> last =
        records.lastOfEach(
            List.of(record(0, 1, GOOD), record(1, 9, GOOD), record(0, 2, GOOD)), "topic,partition");
    assertThat(last)
        .extracting(message -> message.getHeader("offset"))
        .containsExactlyInAnyOrder(2L, 9L);
  }

  private List<Message> accept(List<Exchange> batch) throws InterruptedException {
    return records.accept(batch, "kafka:main", "topic,partition", "offset");
  }

  private Exchange record(int partition, long offset, String body) {
    Exchange record = new DefaultExchange(camel);
    record.getMessage().setHeader("topic", "orders");
    record.getMessage().setHeader("partition", partition);
    record.getMessage().setHeader("offset", offset);
    record.getMessage().setBody(body == null ? null : body.getBytes(StandardCharsets.UTF_8));
    return record;
  }
}
