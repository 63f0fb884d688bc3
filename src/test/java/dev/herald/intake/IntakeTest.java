package dev.herald.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.herald.message.Message;
import dev.herald.problem.Problem;
import dev.herald.problem.ProblemException;
import dev.herald.testing.Configured;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.UncategorizedSQLException;

@DisplayNameGeneration(ReplaceUnderscores.class)
class IntakeTest {
  private static final int WRITERS = 2;

  private final Table table = new Table();
  private final AtomicInteger rings = new AtomicInteger();
  private volatile Runnable bell = rings::incrementAndGet;
  private final AtomicBoolean forOthers = new AtomicBoolean();
  private final List<Thread> callers = new ArrayList<>();
  private final Intake intake =
      new Intake(
          Configured.with().retry(), Duration.ofHours(24), table, () -> bell.run(), forOthers::get);

  /** What the two statements do, with a door that the test can shut. */
  private static final class Table implements Intake.Store {
    private final List<MessageBatch> batches = new CopyOnWriteArrayList<>();
    private final Map<Intake.Key, List<Intake.EarlierMessage>> requests = new HashMap<>();
    private volatile CountDownLatch door = new CountDownLatch(0);
    private volatile Consumer<MessageBatch> fault = batch -> {};

    @Override
    public Map<UUID, Instant> store(MessageBatch batch) {
      batches.add(batch);
      try {
        door.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      fault.accept(batch);
      return insert(batch);
    }

    private synchronized Map<UUID, Instant> insert(MessageBatch batch) {
      Set<String> fresh = new HashSet<>();
      String[] owners = batch.getOwners();
      String[] keys = batch.getKeys();
      String[] requestIds = batch.getRequestIds();
      String[] hashes = batch.getHashes();
      for (int i = 0; i < keys.length; i++) {
        Intake.Key key = new Intake.Key(owners[i], keys[i]);
        String[] ids = requestIds[i].replaceAll("[{}]", "").split(",");
        String hash = hashes[i];
        if (!requests.containsKey(key)) {
          requests.put(
              key, Stream.of(ids).map(id -> new Intake.EarlierMessage(hash, message(id))).toList());
          fresh.add(ids[0]);
        }
      }
      Map<UUID, Instant> stored = new HashMap<>();
      String[] all = batch.getIds();
      String[] firsts = batch.getFirstIds();
      for (int i = 0; i < all.length; i++) {
        if (firsts[i] == null || fresh.contains(firsts[i])) {
          stored.put(UUID.fromString(all[i]), Instant.EPOCH);
        }
      }
      return stored;
    }

    @Override
    public synchronized List<Intake.EarlierMessage> find(Intake.Key key) {
      return requests.getOrDefault(key, List.of());
    }

    private static Message message(String id) {
      return new Message(
          UUID.fromString(id),
          null,
          null,
          "SENT",
          0,
          3,
          null,
          null,
          null,
          null,
          null,
          null,
          null,
          null,
          null,
          null,
          null);
    }
  }

  @AfterEach
  void close() throws InterruptedException {
    table.door.countDown();
    intake.close();
    for (Thread caller : callers) {
      caller.join();
    }
  }

  @Test
  void should_answer_with_the_message_as_it_is_stored() {
    intake.start();
    NewMessage message = message("hi");
    Message shown = accept(null, message).join().get(0);
    assertThat(shown.id()).isEqualTo(message.id());
    assertThat(shown.status()).isEqualTo("PENDING");
    assertThat(shown.maxAttempts()).isEqualTo(3);
    assertThat(shown.createdAt()).as("the database's time").isEqualTo(Instant.EPOCH);
    await().untilAsserted(() -> assertThat(rings).hasValue(1)); // after the answer
  }

  @Test
  void should_say_with_each_statement_whether_others_should_hear_of_it() {
    intake.start();
    accept(null, message("mine")).join();
    forOthers.set(true);
    accept(null, message("theirs")).join();
    assertThat(table.batches).extracting(MessageBatch::isForOthers).containsExactly(false, true);
  }

  @Test
  void should_write_together_what_came_while_others_were_written() {
    occupyTheWriters();
    List<CompletableFuture<List<Message>>> answers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      answers.add(accept(null, message("message " + i)));
    }
    allWait();
    assertThat(answers).noneMatch(CompletableFuture::isDone);
    table.door.countDown();
    answers.forEach(CompletableFuture::join);
    assertThat(table.batches).hasSizeLessThanOrEqualTo(2 * WRITERS);
  }

  @Test
  void should_make_one_message_of_the_same_request_sent_many_times_at_once() {
    occupyTheWriters();
    List<CompletableFuture<List<Message>>> answers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      answers.add(accept("key", message("the same")));
    }
    allWait();
    table.door.countDown();
    assertThat(answers.stream().map(answer -> answer.join().get(0).id()).distinct()).hasSize(1);
    assertThat(table.batches)
        .as("one statement cannot decide twice on a key")
        .allSatisfy(batch -> assertThat(batch.getKeys()).doesNotHaveDuplicates());
  }

  @Test
  void should_answer_a_known_key_with_what_it_made_before() {
    intake.start();
    List<Message> first = accept("key", message("a"), message("b")).join();
    List<Message> again = accept("key", message("a"), message("b")).join();
    assertThat(again).extracting(Message::id).containsExactly(first.get(0).id(), first.get(1).id());
    assertThat(again.get(0).status()).as("as it is by now").isEqualTo("SENT");
  }

  @Test
  void should_refuse_a_known_key_with_another_body() {
    intake.start();
    accept("key", message("a")).join();
    assertThatThrownBy(accept("key", message("b"))::join)
        .hasCauseInstanceOf(ProblemException.class)
        .hasMessageContaining("Idempotency-Key 'key' came with another body");
    assertThatThrownBy(accept("key", message("a"), message("b"))::join)
        .hasCauseInstanceOf(ProblemException.class);
  }

  @Test
  void should_answer_a_repeated_request_after_its_messages_expired() {
    intake.start();
    UUID first = accept("key", message("a")).join().get(0).id();
    int statements = table.batches.size();
    assertThat(accept("key", expired("a")).join()).extracting(Message::id).containsExactly(first);
    assertThatThrownBy(accept("key", expired("b"))::join)
        .hasMessageContaining("came with another body");
    assertThatThrownBy(accept("another", expired("a"))::join).hasMessageContaining("is past");
    assertThatThrownBy(accept(null, expired("a"))::join).hasMessageContaining("is past");
    assertThat(table.batches).as("nothing was stored").hasSize(statements);
  }

  @Test
  void should_answer_everyone_who_waits_when_the_store_fails() {
    occupyTheWriters();
    List<CompletableFuture<List<Message>>> answers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      answers.add(accept(i < 3 ? "key" : null, message("hi")));
    }
    allWait();
    table.fault =
        batch -> {
          throw new DataAccessResourceFailureException("away");
        };
    table.door.countDown();
    for (CompletableFuture<List<Message>> answer : answers) {
      assertThatThrownBy(answer::join).hasCauseInstanceOf(DataAccessResourceFailureException.class);
    }
    table.fault = batch -> {};
    assertThat(accept("key", message("hi")).join()).as("it goes on when it can").hasSize(1);
  }

  @Test
  void should_store_once_what_is_committed_though_nobody_can_be_told_of_it() {
    occupyTheWriters();
    List<CompletableFuture<List<Message>>> answers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      answers.add(accept(null, message("message " + i)));
    }
    allWait();
    bell =
        () -> {
          if (table.batches.size() > WRITERS) {
            throw new IllegalStateException("the bell is broken");
          }
        };
    table.door.countDown();
    answers.forEach(answer -> assertThat(answer.join()).hasSize(1));
    intake.close();
    await()
        .dontCatchUncaughtExceptions()
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("herald-intake-")));
    assertThat(table.batches.stream().flatMap(batch -> Stream.of(batch.getIds())))
        .doesNotHaveDuplicates();
  }

  @Test
  void should_outlive_a_store_that_breaks_in_an_unforeseen_way() {
    intake.start();
    table.fault =
        batch -> {
          throw new StackOverflowError();
        };
    for (int i = 0; i <= WRITERS; i++) {
      assertThatThrownBy(accept(null, message("hi"))::join)
          .isInstanceOf(CompletionException.class)
          .hasRootCauseInstanceOf(StackOverflowError.class);
    }
  }

  static RuntimeException[] ofOneThatCannotBeStored() {
    return new RuntimeException[] {
      new DataIntegrityViolationException("never"),
      new DataAccessResourceFailureException("", new SQLException("index row size", "54000")),
      new UncategorizedSQLException("", "", new SQLException("no state")),
      new IllegalArgumentException("not even tried"),
    };
  }

  @ParameterizedTest
  @MethodSource("ofOneThatCannotBeStored")
  void should_not_let_one_that_cannot_be_stored_fail_or_delay_the_others(RuntimeException fault) {
    occupyTheWriters();
    CompletableFuture<List<Message>> before = accept(null, message("before"));
    CompletableFuture<List<Message>> poison = accept(null, message("poison"));
    List<CompletableFuture<List<Message>>> after = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      after.add(accept("key " + i, message("after")));
    }
    allWait();
    table.fault =
        batch -> {
          if (Arrays.asList(batch.getContents()).contains("poison")) {
            throw fault;
          }
        };
    table.door.countDown();
    assertThat(before.join()).hasSize(1);
    after.forEach(answer -> assertThat(answer.join()).hasSize(1));
    assertThatThrownBy(poison::join).hasCause(fault);
    assertThat(table.batches).as("statements: it halves").hasSizeLessThan(20);
  }

  @Test
  void should_store_what_waits_when_it_closes_and_take_no_more() {
    occupyTheWriters();
    CompletableFuture<List<Message>> waiting = accept(null, message("just in time"));
    allWait();
    intake.close();
    assertThatThrownBy(accept(null, message("too late"))::join)
        .hasCauseInstanceOf(ProblemException.class)
        .hasMessageContaining("shutting down");
    table.door.countDown();
    assertThat(waiting.join()).hasSize(1);
  }

  @Test
  void should_store_each_of_many_by_itself_and_say_which_it_refuses() throws Exception {
    intake.start();
    accept("known", message("before")).join();
    accept("repeated", message("again")).join();
    List<Optional<Problem>> refusals =
        intake.acceptEach(
            List.of(
                submission("1", message("one")),
                submission("known", message("another")),
                submission("repeated", message("again")),
                new Intake.Submission(expired("old"), "ops", "2", "c"),
                submission("3", message("three"))));
    assertThat(refusals)
        .extracting(refusal -> refusal.map(Problem::detail).orElse("stored"))
        .satisfiesExactly(
            one -> assertThat(one).isEqualTo("stored"),
            known -> assertThat(known).contains("came with another body"),
            repeated -> assertThat(repeated).isEqualTo("stored"),
            expired -> assertThat(expired).contains("is past"),
            three -> assertThat(three).isEqualTo("stored"));
    assertThat(table.requests.keySet())
        .extracting(Intake.Key::key)
        .containsExactlyInAnyOrder("known", "repeated", "1", "3");
  }

  @Test
  void should_fail_many_when_the_store_is_away_and_store_each_once_when_they_come_again()
      throws Exception {
    intake.start();
    List<Intake.Submission> many = new ArrayList<>();
    for (int i = 0; i < 1_500; i++) {
      many.add(submission("key " + i, message("message " + i)));
    }
    AtomicInteger statements = new AtomicInteger();
    table.fault =
        batch -> {
          if (statements.incrementAndGet() > 1) {
            throw new DataAccessResourceFailureException("away");
          }
        };
    assertThatThrownBy(() -> intake.acceptEach(many))
        .isInstanceOf(DataAccessResourceFailureException.class);
    table.fault = batch -> {};
    assertThat(intake.acceptEach(many)).hasSize(1_500).allMatch(Optional::isEmpty);
    assertThat(intake.accepted()).isEqualTo(1_500);
  }

  @Test
  void should_refuse_one_of_many_whose_value_can_never_be_stored() throws Exception {
    intake.start();
    table.fault =
        batch -> {
          if (Arrays.asList(batch.getContents()).contains("poison")) {
            throw new UncategorizedSQLException("", "", new SQLException("bytes", "22021"));
          }
        };
    List<Optional<Problem>> refusals =
        intake.acceptEach(
            List.of(
                submission("1", message("one")),
                submission("2", message("poison")),
                submission("3", message("three"))));
    assertThat(refusals).extracting(Optional::isPresent).containsExactly(false, true, false);
    table.fault =
        batch -> {
          throw new UncategorizedSQLException("", "", new SQLException("no such column", "42703"));
        };
    assertThatThrownBy(() -> intake.acceptEach(List.of(submission("4", message("four")))))
        .as("somebody's edit: nobody's record is wrong")
        .isInstanceOf(UncategorizedSQLException.class);
  }

  @Test
  void should_wait_with_many_while_too_much_waits() {
    occupyTheWriters();
    List<Intake.Submission> many = new ArrayList<>();
    for (int i = 0; i < 10_500; i++) {
      many.add(submission("key " + i, message("message")));
    }
    CompletableFuture<List<Optional<Problem>>> answer =
        CompletableFuture.supplyAsync(() -> acceptEach(many));
    List<CompletableFuture<List<Message>>> others = new ArrayList<>();
    await()
        .until(
            () -> {
              others.add(accept(null, message("too much")));
              return others.stream().anyMatch(CompletableFuture::isCompletedExceptionally);
            });
    assertThat(answer).isNotDone();
    table.door.countDown();
    assertThat(answer.join()).hasSize(10_500).allMatch(Optional::isEmpty);
  }

  private List<Optional<Problem>> acceptEach(List<Intake.Submission> many) {
    try {
      return intake.acceptEach(many);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Intake.Submission submission(String key, NewMessage message) {
    return new Intake.Submission(
        new NewMessages.Checked(List.of(message), Optional.empty()), "ops", key, "c");
  }

  private void occupyTheWriters() {
    intake.start();
    table.door = new CountDownLatch(1);
    for (int i = 1; i <= WRITERS; i++) {
      int writers = i;
      accept(null, message("occupies a writer"));
      await().until(() -> table.batches.size() == writers);
    }
  }

  private void allWait() {
    await().until(() -> callers.stream().allMatch(call -> call.getState() == Thread.State.WAITING));
  }

  private CompletableFuture<List<Message>> accept(String key, NewMessage... messages) {
    return accept(key, new NewMessages.Checked(List.of(messages), Optional.empty()));
  }

  private CompletableFuture<List<Message>> accept(String key, NewMessages.Checked checked) {
    CompletableFuture<List<Message>> answer = new CompletableFuture<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                answer.complete(intake.accept(checked, "ops", key, "c"));
              } catch (RuntimeException e) {
                answer.completeExceptionally(e);
              }
            });
    callers.add(caller);
    caller.start();
    return answer;
  }

  private static NewMessages.Checked expired(String content) {
    return new NewMessages.Checked(
        List.of(message(content)),
        Optional.of(Problem.of(Problem.Type.INVALID, "its time is past")));
  }

  private static NewMessage message(String content) {
    return new NewMessage(UUID.randomUUID(), "+905551234567", content, null, null, null, null);
  }
}
