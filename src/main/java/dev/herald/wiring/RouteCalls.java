package dev.herald.wiring;

import dev.herald.flow.Turnstile;
import dev.herald.problem.FailStop;
import org.apache.camel.CamelExecutionException;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.ProducerTemplate;

/** Calls routes from Java: the input is a variable, the result is the body. */
final class RouteCalls {
  private final ProducerTemplate template;
  private final Turnstile turnstile;

  RouteCalls(ProducerTemplate template, Turnstile turnstile) {
    this.template = template;
    this.turnstile = turnstile;
  }

  /** Returns the body; throws the route's exception. */
  Object call(String route, String variable, Object value) {
    return result(route, send(route, exchange -> exchange.setVariable(variable, value)));
  }

  /** The input is the body, because an endpoint gets it; throws the route's exception. */
  void call(String route, Object body) {
    result(route, send(route, exchange -> exchange.getMessage().setBody(body)));
  }

  private static Object result(String route, Exchange called) {
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

  private Exchange send(String route, Processor input) {
    try {
      turnstile.enter(route);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("this node is stopping", e);
    }
    try {
      return template.send(route, input);
    } finally {
      turnstile.leave(route);
    }
  }
}
