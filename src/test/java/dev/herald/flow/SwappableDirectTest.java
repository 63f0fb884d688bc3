package dev.herald.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.IntStream;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.direct.DirectConsumerNotAvailableException;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Calls of a route that has just changed reach the new one, from every thread. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SwappableDirectTest {
  private static final int CALLERS = 16;
  private static final int CHANGES = 300;

  private final DefaultCamelContext camel = new DefaultCamelContext();

  @BeforeEach
  void start() throws Exception {
    SwappableDirect direct = new SwappableDirect((entrance, exchange) -> {});
    direct.setBlock(false);
    camel.addComponent("direct", direct);
    camel.start();
    addRoute();
  }

  @AfterEach
  void stop() {
    camel.stop();
  }

  @Test
  void should_reach_a_route_that_was_just_replaced_from_all_threads_at_once() throws Exception {
    CyclicBarrier gate = new CyclicBarrier(CALLERS + 1);
    Queue<Object> wrong = new ConcurrentLinkedQueue<>();
    ProducerTemplate shared = camel.createProducerTemplate();
    List<Thread> callers =
        IntStream.range(0, CALLERS).mapToObj(any -> caller(gate, shared, wrong)).toList();
    callers.forEach(Thread::start);
    for (int i = 0; i < CHANGES; i++) {
      camel.getRouteController().stopRoute("called");
      camel.removeRoute("called");
      addRoute();
      gate.await();
      gate.await();
    }
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void should_say_that_a_route_is_stopped() throws Exception {
    camel.getRouteController().stopRoute("called");
    ProducerTemplate template = camel.createProducerTemplate();
    assertThatThrownBy(() -> template.requestBody("direct:called", "anything"))
        .isInstanceOf(CamelExecutionException.class)
        .hasCauseInstanceOf(DirectConsumerNotAvailableException.class);
  }

  private void addRoute() throws Exception {
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            from("direct:called").routeId("called").setBody(constant("answered"));
          }
        });
  }

  private static Thread caller(CyclicBarrier gate, ProducerTemplate shared, Queue<Object> wrong) {
    return new Thread(
        () -> {
          try {
            for (int i = 0; i < CHANGES; i++) {
              gate.await();
              try {
                if (!"answered".equals(shared.requestBody("direct:called", "anything"))) {
                  wrong.add("another answer");
                }
              } catch (RuntimeException e) {
                wrong.add(e);
              }
              gate.await();
            }
          } catch (Exception e) {
            wrong.add(e);
          }
        });
  }
}
