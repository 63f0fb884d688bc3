package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.claim;
import static dev.herald.dispatch.Samples.claimedAgo;
import static dev.herald.dispatch.Samples.manualClaim;
import static dev.herald.dispatch.Samples.message;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.Settings;
import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.BatchResults;
import dev.herald.outcome.FailureLog;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeBatch;
import dev.herald.outcome.OutcomeBatch.RecordedOutcome;
import dev.herald.outcome.OutcomeClassifier;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RetryPolicy;
import dev.herald.testing.Configured;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** The gate in a route that ends as the test says. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class GateTest {
  private final List<OutcomeBatch> batches = new ArrayList<>();
  private final List<ClaimedMessage> posted = new CopyOnWriteArrayList<>();
  private final AtomicBoolean postingAllowed = new AtomicBoolean(true);
  private Processor provider = ending(Kind.DELIVERED);
  private DefaultCamelContext camel;
  private ProducerTemplate template;
  private Circuit circuit;
  private OutcomeRecorder recorder;
  private Gate gate;

  @BeforeEach
  void open_as_usual() throws Exception {
    open();
  }

  private void open(String... configuration) throws Exception {
    Settings settings = Configured.with(configuration);
    RetryPolicy policy = new RetryPolicy(settings, failing -> false);
    circuit = Samples.circuit(settings);
    recorder =
        new OutcomeRecorder(
            policy,
            batch -> {
              batches.add(batch);
              recorder.recorded(batch, Samples.everything(batch));
            },
            new ClaimPlanner(settings.dispatch(), 0, circuit, () -> true, () -> true, any -> {}),
            new FailureLog(System::nanoTime),
            any -> {});
    gate =
        new Gate(
            settings,
            policy,
            circuit,
            new OutcomeClassifier(Clock.systemUTC()),
            recorder,
            postingAllowed::get);
    camel = new DefaultCamelContext();
    camel.getShutdownStrategy().setTimeout(1);
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            errorHandler(noErrorHandler());
            from("direct:one")
                .process(gate)
                .process(
                    exchange -> {
                      posted.add(exchange.getMessage().getBody(ClaimedMessage.class));
                      provider.process(exchange);
                    });
            from("direct:batch").split(body(), new BatchResults()).to("direct:one");
          }
        });
    camel.start();
    template = camel.createProducerTemplate();
  }

  @AfterEach
  void close() {
    camel.stop();
  }

  private static Processor ending(Kind kind) {
    return exchange ->
        exchange
            .getMessage()
            .setBody(
                Samples.outcome(exchange.getMessage().getBody(ClaimedMessage.class), kind, false));
  }

  @Test
  void should_record_one_outcome_however_the_route_ends() {
    ClaimedMessage answered = message();
    ClaimedMessage thrown = message();
    ClaimedMessage forgotten = message();
    provider = ending(Kind.REFUSED);
    arrive(answered, claim());
    provider =
        exchange -> {
          throw new IllegalStateException("edited badly");
        };
    arrive(thrown, claim());
    provider = exchange -> {};
    arrive(forgotten, claim());
    assertThat(gate.busy()).isZero();
    assertThat(recorded())
        .containsExactlyInAnyOrder(
            answered.id() + " REFUSED",
            thrown.id() + " MISCONFIGURED",
            forgotten.id() + " MISCONFIGURED");
  }

  @Test
  void should_tell_a_route_that_fails_before_a_post_from_one_that_fails_after_it() {
    ClaimedMessage unanswered = message();
    ClaimedMessage answered = message();
    provider = failingAfter(delivery -> delivery.leaves("provider"));
    arrive(unanswered, claim());
    provider =
        failingAfter(
            delivery -> {
              delivery.leaves("provider");
              delivery.answered(202, null, null);
            });
    arrive(answered, claim());
    assertThat(recorded())
        .containsExactlyInAnyOrder(unanswered.id() + " MAYBE_SENT", answered.id() + " DELIVERED");
  }

  private static Processor failingAfter(java.util.function.Consumer<Delivery> post) {
    return exchange -> {
      post.accept(exchange.getVariable("delivery", Delivery.class));
      throw new IllegalStateException("edited badly");
    };
  }

  @Test
  void should_record_an_outcome_with_its_time_and_whether_it_was_a_probe() {
    arrive(message(), Samples.probe());
    Outcome outcome = outcomes().get(0);
    assertThat(outcome.probe()).isTrue();
    assertThat(outcome.took()).isPositive();
  }

  @Test
  void should_not_post_what_its_lease_could_not_outlive() {
    Duration timeout = Configured.with().webhook().timeout();
    ClaimedMessage late = message();
    arrive(late, claimedAgo(Samples.LEASE.minus(timeout)));
    assertThat(posted).isEmpty();
    arrive(message(), claimedAgo(Samples.LEASE.minus(timeout).minusSeconds(5)));
    assertThat(posted).hasSize(1);
    assertThat(recorded()).contains(late.id() + " RETURNED");
  }

  @Test
  void should_not_post_what_expired_meanwhile() {
    ClaimedMessage expired = message(1, false, 10_000L);
    arrive(expired, claimedAgo(Duration.ofSeconds(10)));
    assertThat(posted).isEmpty();
    assertThat(recorded()).containsExactly(expired.id() + " EXPIRED");
  }

  @Test
  void should_post_what_expires_in_thousands_of_years() {
    arrive(message(1, false, Duration.ofDays(365L * 7_973).toMillis()), claim());
    arrive(message(1, false, Long.MAX_VALUE), claim());
    assertThat(posted).hasSize(2);
  }

  @Test
  void should_post_an_orphan_again_only_while_an_attempt_is_left() {
    ClaimedMessage usedUp = message(4, true, null);
    arrive(usedUp, claim());
    assertThat(posted).isEmpty();
    arrive(message(3, true, null), claim());
    assertThat(posted).hasSize(1);
    assertThat(recorded()).contains(usedUp.id() + " ORPHANED");
  }

  @Test
  void should_never_post_an_orphan_where_ambiguity_is_for_people() throws Exception {
    open("webhook.on-ambiguous", "hold");
    arrive(message(2, true, null), claim());
    assertThat(posted).isEmpty();
    assertThat(recorded()).singleElement().asString().endsWith(" ORPHANED");
  }

  @Test
  void should_give_back_what_comes_when_it_is_closed_and_finish_what_is_under_way()
      throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    CountDownLatch underWay = new CountDownLatch(1);
    provider =
        exchange -> {
          underWay.countDown();
          answer.await();
          ending(Kind.DELIVERED).process(exchange);
        };
    ClaimedMessage first = message();
    Thread delivering = new Thread(() -> arrive(first, claim()));
    delivering.start();
    underWay.await();
    gate.close();
    ClaimedMessage late = message();
    arrive(late, claim());
    assertThat(gate.busy()).as("the one under way").isEqualTo(1);
    answer.countDown();
    delivering.join();
    assertThat(gate.busy()).isZero();
    assertThat(recorded())
        .containsExactlyInAnyOrder(first.id() + " DELIVERED", late.id() + " RETURNED");
  }

  @Test
  void should_give_back_what_comes_when_the_circuit_is_open_but_not_what_was_asked_for_by_hand()
      throws Exception {
    open("circuit.minimum-calls", "1");
    provider = ending(Kind.NOT_SENT);
    arrive(message(), claim());
    assertThat(circuit.open()).as("every failure speaks against the provider").isTrue();
    ClaimedMessage waiting = message();
    ClaimedMessage manual = message();
    arrive(waiting, claim());
    arrive(manual, manualClaim());
    assertThat(posted).hasSize(2).contains(manual);
    assertThat(recorded()).contains(waiting.id() + " RETURNED");
  }

  @Test
  void should_give_back_what_comes_while_no_post_may_begin() {
    postingAllowed.set(false);
    arrive(message(), claim());
    assertThat(posted).isEmpty();
    assertThat(recorded()).singleElement().asString().endsWith("RETURNED");
  }

  @Test
  void should_tell_whoever_waits_for_the_batch_what_became_of_each() {
    AtomicBoolean first = new AtomicBoolean(true);
    provider =
        exchange -> {
          if (first.getAndSet(false)) {
            throw new IllegalStateException("edited badly");
          }
          ending(Kind.DELIVERED).process(exchange);
        };
    Exchange batch = exchange(List.of(message(), message()), manualClaim());
    template.send("direct:batch", batch);
    assertThat(batch.getException()).isNull();
    assertThat(new BatchResults().of(outcomesIn(batch)).outcomes())
        .containsOnlyKeys("DELIVERED", "MISCONFIGURED");
  }

  @SuppressWarnings("unchecked")
  private static List<Outcome> outcomesIn(Exchange batch) {
    return batch.getMessage().getBody(List.class);
  }

  private void arrive(ClaimedMessage message, Claim claim) {
    template.send("direct:one", exchange(message, claim));
  }

  private Exchange exchange(Object body, Claim claim) {
    Exchange exchange = new DefaultExchange(camel);
    exchange.setVariable("claim", claim);
    exchange.getMessage().setBody(body);
    return exchange;
  }

  /** Everything that was given to the recorder, as "id KIND". */
  private List<String> recorded() {
    return outcomes().stream()
        .map(outcome -> outcome.message().id() + " " + outcome.kind())
        .collect(Collectors.toList());
  }

  private List<Outcome> outcomes() {
    recorder.start();
    try {
      recorder.close(Duration.ofSeconds(20));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return batches.stream()
        .flatMap(batch -> batch.recorded(Samples.everything(batch)).stream())
        .map(RecordedOutcome::outcome)
        .toList();
  }
}
