package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.claim;
import static dev.herald.dispatch.Samples.claimByHand;
import static dev.herald.dispatch.Samples.claimedAgo;
import static dev.herald.dispatch.Samples.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.Settings;
import dev.herald.dispatch.Outcome.Kind;
import dev.herald.dispatch.OutcomeBatch.Recorded;
import dev.herald.dispatch.OutcomeBatch.Written;
import dev.herald.message.ClaimedMessage;
import dev.herald.testing.Configured;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.camel.AsyncCallback;
import org.apache.camel.AsyncProducer;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** The gate in a route whose POSTs end when the test says so. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class GateTest {
  private final List<OutcomeBatch> batches = new ArrayList<>();
  private final Posts posts = new Posts();
  private DefaultCamelContext camel;
  private Circuit circuit;
  private Recorder recorder;
  private final AtomicBoolean mayPost = new AtomicBoolean(true);
  private Gate gate;

  /** The provider: each POST is under way until it is ended. */
  private static final class Posts extends AsyncProcessorSupport {
    private record Post(Exchange exchange, AsyncCallback callback) {}

    private final List<Post> underWay = new ArrayList<>();

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
      underWay.add(new Post(exchange, callback));
      return false;
    }

    List<ClaimedMessage> messages() {
      return underWay.stream()
          .map(post -> post.exchange().getMessage().getBody(ClaimedMessage.class))
          .toList();
    }

    void end(Kind kind) {
      Post post = underWay.remove(0);
      ClaimedMessage message = post.exchange().getMessage().getBody(ClaimedMessage.class);
      post.exchange().getMessage().setBody(Samples.outcome(message, kind, false));
      post.callback().done(false);
    }

    void endWith(Exception failure) {
      Post post = underWay.remove(0);
      post.exchange().setException(failure);
      post.callback().done(false);
    }

    void endWithNothing() {
      underWay.remove(0).callback().done(false);
    }
  }

  @BeforeEach
  void two_slots() throws Exception {
    open("dispatch.concurrency", "2");
  }

  private void open(String... configuration) throws Exception {
    Settings settings = Configured.with(configuration);
    RetryPolicy policy = new RetryPolicy(settings, failing -> false);
    circuit = Samples.circuit(settings);
    recorder =
        new Recorder(
            policy,
            batches::add,
            new Dispatcher(settings.dispatch(), 0, circuit, () -> true, () -> true));
    gate =
        new Gate(
            settings, policy, circuit, new Outcomes(Clock.systemUTC()), recorder, mayPost::get);
    camel = new DefaultCamelContext();
    camel.getShutdownStrategy().setTimeout(1);
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            errorHandler(noErrorHandler());
            from("direct:one").routeId("one").process(gate).process(posts);
            from("direct:batch")
                .routeId("batch")
                .split(body(), new BatchResults())
                .process(gate)
                .process(posts);
          }
        });
    camel.start();
  }

  @AfterEach
  void end_what_is_under_way() {
    while (!posts.underWay.isEmpty()) {
      posts.end(Kind.DELIVERED);
    }
    camel.stop();
  }

  @Test
  void should_let_as_many_through_as_there_are_slots_and_the_others_in_their_order() {
    List<ClaimedMessage> sent = List.of(message(), message(), message(), message());
    sent.forEach(message -> arrive(message, claim()));
    assertThat(posts.messages()).containsExactly(sent.get(0), sent.get(1));
    assertThat(gate.busy()).isEqualTo(2);
    assertThat(gate.waiting()).isEqualTo(2);

    posts.end(Kind.DELIVERED);
    assertThat(posts.messages()).containsExactly(sent.get(1), sent.get(2));
    posts.end(Kind.DELIVERED);
    assertThat(posts.messages()).containsExactly(sent.get(2), sent.get(3));
    posts.end(Kind.DELIVERED);
    posts.end(Kind.DELIVERED);
    assertThat(gate.busy()).isZero();
    assertThat(gate.waiting()).isZero();
    assertThat(recorded()).containsExactlyInAnyOrderElementsOf(ofKind(Kind.DELIVERED, sent));
  }

  @Test
  void should_free_the_slot_and_record_one_outcome_however_the_route_ends() {
    ClaimedMessage answered = message();
    ClaimedMessage thrown = message();
    ClaimedMessage forgotten = message();
    arrive(answered, claim());
    posts.end(Kind.REFUSED);
    arrive(thrown, claim());
    posts.endWith(new IllegalStateException("edited badly"));
    arrive(forgotten, claim());
    posts.endWithNothing();
    assertThat(gate.busy()).isZero();
    assertThat(recorded())
        .containsExactlyInAnyOrder(
            answered.id() + " REFUSED",
            thrown.id() + " MISCONFIGURED",
            forgotten.id() + " MISCONFIGURED");
  }

  @Test
  void should_record_an_outcome_with_its_time_and_whether_it_was_a_probe() {
    arrive(message(), Samples.probe());
    posts.end(Kind.DELIVERED);
    Outcome outcome = outcomes().get(0);
    assertThat(outcome.probe()).isTrue();
    assertThat(outcome.took()).isPositive();
  }

  @Test
  void should_not_post_what_its_lease_could_not_outlive() {
    Duration timeout = Configured.with().webhook().timeout();
    ClaimedMessage late = message();
    arrive(late, claimedAgo(Samples.LEASE.minus(timeout)));
    assertThat(posts.messages()).isEmpty();
    arrive(message(), claimedAgo(Samples.LEASE.minus(timeout).minusSeconds(5)));
    assertThat(posts.messages()).hasSize(1);
    assertThat(recorded()).containsExactly(late.id() + " RETURNED");
  }

  @Test
  void should_look_at_the_lease_when_the_slot_is_free_and_not_before() throws Exception {
    open("dispatch.concurrency", "1");
    Duration needed = Configured.with().webhook().timeout().plusSeconds(1);
    Claim scarce = claimedAgo(Samples.LEASE.minus(needed).minusMillis(300));
    arrive(message(), claim());
    ClaimedMessage waiting = message();
    arrive(waiting, scarce);
    await().until(() -> !scarce.holdsFor(needed, System.nanoTime()));
    posts.end(Kind.DELIVERED);
    assertThat(posts.messages()).isEmpty();
    assertThat(recorded()).contains(waiting.id() + " RETURNED");
  }

  @Test
  void should_not_post_what_expired_meanwhile() {
    ClaimedMessage expired = message(1, false, 10_000L);
    arrive(expired, claimedAgo(Duration.ofSeconds(10)));
    assertThat(posts.messages()).isEmpty();
    assertThat(recorded()).containsExactly(expired.id() + " EXPIRED");
  }

  @Test
  void should_post_what_expires_in_thousands_of_years() {
    arrive(message(1, false, Duration.ofDays(365L * 7_973).toMillis()), claim());
    arrive(message(1, false, Long.MAX_VALUE), claim());
    assertThat(posts.messages()).hasSize(2);
  }

  @Test
  void should_post_an_orphan_again_only_while_an_attempt_is_left() {
    ClaimedMessage usedUp = message(4, true, null);
    arrive(usedUp, claim());
    assertThat(posts.messages()).isEmpty();
    arrive(message(3, true, null), claim());
    assertThat(posts.messages()).hasSize(1);
    assertThat(recorded()).containsExactly(usedUp.id() + " ORPHANED");
  }

  @Test
  void should_never_post_an_orphan_where_ambiguity_is_for_people() throws Exception {
    open("webhook.on-ambiguous", "hold");
    arrive(message(2, true, null), claim());
    assertThat(posts.messages()).isEmpty();
    assertThat(recorded()).singleElement().asString().endsWith(" ORPHANED");
  }

  @Test
  void should_give_back_what_waits_when_the_circuit_opens_but_not_what_was_asked_for_by_hand()
      throws Exception {
    open("dispatch.concurrency", "1", "circuit.minimum-calls", "1");
    arrive(message(), claim());
    ClaimedMessage waiting = message();
    ClaimedMessage byHand = message();
    arrive(waiting, claim());
    arrive(byHand, claimByHand());
    posts.end(Kind.NOT_SENT);
    assertThat(circuit.open()).as("every failure speaks against the provider").isTrue();
    assertThat(posts.messages()).containsExactly(byHand);
    assertThat(recorded()).contains(waiting.id() + " RETURNED");
  }

  @Test
  void should_give_back_what_waits_when_it_drains_and_finish_what_is_under_way() {
    ClaimedMessage first = message();
    ClaimedMessage second = message();
    List<ClaimedMessage> waiting = List.of(message(), message(), message());
    arrive(first, claim());
    arrive(second, claim());
    waiting.forEach(message -> arrive(message, claim()));
    gate.drain();
    assertThat(gate.waiting()).isZero();
    assertThat(gate.busy()).as("those under way").isEqualTo(2);

    ClaimedMessage late = message();
    arrive(late, claim());
    posts.end(Kind.DELIVERED);
    posts.end(Kind.DELIVERED);
    assertThat(gate.busy()).isZero();
    assertThat(gate.waiting()).isZero();
    List<String> expected = new ArrayList<>(ofKind(Kind.RETURNED, waiting));
    expected.add(first.id() + " DELIVERED");
    expected.add(second.id() + " DELIVERED");
    expected.add(late.id() + " RETURNED");
    assertThat(recorded()).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void should_give_back_what_waits_while_no_post_may_begin() throws Exception {
    open("dispatch.concurrency", "1");
    arrive(message(), claim());
    arrive(message(), claim());
    mayPost.set(false);
    posts.end(Kind.DELIVERED);
    assertThat(posts.messages()).isEmpty();
    assertThat(recorded()).anySatisfy(line -> assertThat(line).endsWith("RETURNED")).hasSize(2);
  }

  @Test
  void should_free_thousands_that_may_not_be_posted_without_deep_recursion() {
    arrive(message(), claim());
    arrive(message(), claim());
    for (int i = 0; i < 10_000; i++) {
      arrive(message(), claimedAgo(Samples.LEASE));
    }
    posts.end(Kind.DELIVERED);
    assertThat(gate.waiting()).isZero();
    assertThat(recorded()).hasSize(10_001);
  }

  @Test
  void should_tell_whoever_waits_for_the_batch_what_became_of_each() {
    Exchange batch = exchange(List.of(message(), message()), claimByHand());
    send("direct:batch", batch);
    posts.endWith(new IllegalStateException("edited badly"));
    posts.end(Kind.DELIVERED);
    assertThat(batch.getException()).isNull();
    assertThat(new BatchResults().of(outcomesIn(batch)).outcomes())
        .containsOnlyKeys("DELIVERED", "MISCONFIGURED");
  }

  @SuppressWarnings("unchecked")
  private static List<Outcome> outcomesIn(Exchange batch) {
    return batch.getMessage().getBody(List.class);
  }

  private void arrive(ClaimedMessage message, Claim claim) {
    send("direct:one", exchange(message, claim));
  }

  private Exchange exchange(Object body, Claim claim) {
    Exchange exchange = new DefaultExchange(camel);
    exchange.setVariable("claim", claim);
    exchange.getMessage().setBody(body);
    return exchange;
  }

  private void send(String uri, Exchange exchange) {
    try {
      AsyncProducer producer = camel.getEndpoint(uri).createAsyncProducer();
      producer.start();
      producer.process(exchange, doneSync -> {});
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
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
        .flatMap(batch -> batch.recorded(everything(batch)).stream())
        .map(Recorded::outcome)
        .toList();
  }

  private static Written everything(OutcomeBatch batch) {
    return new Written(
        Instant.now(), LongStream.rangeClosed(1, batch.size()).boxed().collect(Collectors.toSet()));
  }

  private static List<String> ofKind(Kind kind, List<ClaimedMessage> messages) {
    return messages.stream().map(message -> message.id() + " " + kind).toList();
  }
}
