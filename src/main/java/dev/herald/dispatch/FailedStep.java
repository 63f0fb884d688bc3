package dev.herald.dispatch;

import org.apache.camel.AsyncCallback;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.support.processor.DelegateAsyncProcessor;

/**
 * Notes which step of a delivery failed: Camel has forgotten it when the exchange ends.
 *
 * @param group of the routes whose steps count
 */
public record FailedStep(String group) implements InterceptStrategy {
  private static final String PROPERTY = "herald.failedStep";

  private record Noted(Exception failure, String place) {}

  /** Where an exchange failed: the step, its route, file and line; empty if no step did. */
  static String of(Exchange exchange) {
    Noted noted = exchange.getProperty(PROPERTY, Noted.class);
    return noted != null && noted.failure == exchange.getException() ? noted.place : "";
  }

  @Override
  public Processor wrapProcessorInInterceptors(
      CamelContext camel, NamedNode node, Processor target, Processor next) {
    if (!(node instanceof ProcessorDefinition<?> step)) {
      return target;
    }
    RouteDefinition route = ProcessorDefinitionHelper.getRoute(step);
    return route != null && group.equals(route.getGroup())
        ? new Noting(target, place(step, route))
        : target;
  }

  private static String place(ProcessorDefinition<?> step, RouteDefinition route) {
    String name = step.hasCustomIdAssigned() ? step.getId() : step.getShortName();
    String file = step.getLocation() == null ? "" : step.getLocation().replaceFirst("^file:", "");
    return "step %s of route %s%s"
        .formatted(
            name,
            route.getRouteId(),
            file.isEmpty() ? "" : " (%s:%d)".formatted(file, step.getLineNumber()));
  }

  /** The innermost step ends first. */
  private static final class Noting extends DelegateAsyncProcessor {
    private final String place;

    Noting(Processor target, String place) {
      super(target);
      this.place = place;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
      return super.process(
          exchange,
          doneSync -> {
            if (exchange.getException() != null && of(exchange).isEmpty()) {
              exchange.setProperty(PROPERTY, new Noted(exchange.getException(), place));
            }
            callback.done(doneSync);
          });
    }
  }
}
