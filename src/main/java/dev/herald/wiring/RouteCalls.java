package dev.herald.wiring;

import dev.herald.problem.FailStop;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;

/** Calls routes from Java: the input is a variable, the result is the body. */
final class RouteCalls {
  private final ProducerTemplate template;

  RouteCalls(ProducerTemplate template) {
    this.template = template;
  }

  /** Returns the body; throws the route's exception. */
  Object call(String route, String variable, Object value) {
    Exchange called = template.send(route, exchange -> exchange.setVariable(variable, value));
    Exception failure = called.getException();
    FailStop.passOn(failure);
    if (failure instanceof RuntimeException thrown) {
      throw thrown;
    }
    if (failure != null) {
      throw new CamelExecutionException("route " + route + " failed", called, failure);
    }
    return called.getMessage().getBody();
  }
}
