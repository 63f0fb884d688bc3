package dev.herald.flow;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.component.direct.DirectComponent;
import org.apache.camel.component.direct.DirectConsumer;
import org.apache.camel.component.direct.DirectConsumerNotAvailableException;
import org.apache.camel.component.direct.DirectEndpoint;
import org.apache.camel.component.direct.DirectProducer;

/**
 * {@code direct:} for routes that stop, start and change while many threads call them. Camel's own
 * producer notes that the consumers have changed before it has the new one, so that another thread
 * can still call the old one, which rejects the exchange. This one looks each time. Thread-safe.
 */
public final class SwappableDirect extends DirectComponent {
  private final Map<String, DirectConsumer> running = new ConcurrentHashMap<>();
  private final BiConsumer<String, Exchange> guard;

  /**
   * @param guard meets each exchange before a route, with the route's entrance such as {@code
   *     direct://createMessage}; throws to refuse it
   */
  public SwappableDirect(BiConsumer<String, Exchange> guard) {
    this.guard = guard;
  }

  @Override
  public void addConsumer(String key, DirectConsumer consumer) {
    super.addConsumer(key, consumer);
    running.put(key, consumer);
  }

  @Override
  public void removeConsumer(String key, DirectConsumer consumer) {
    running.remove(key, consumer);
    super.removeConsumer(key, consumer);
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    DirectEndpoint endpoint = new Looking(uri);
    endpoint.setBlock(isBlock());
    endpoint.setTimeout(getTimeout());
    setProperties(endpoint, parameters);
    return endpoint;
  }

  private final class Looking extends DirectEndpoint {
    private final String key;

    Looking(String uri) {
      super(uri, SwappableDirect.this);
      int question = uri.indexOf('?');
      key = question < 0 ? uri : uri.substring(0, question);
    }

    /** Waits for one as the endpoint's options say; null if none comes. */
    private DirectConsumer consumer() throws InterruptedException {
      DirectConsumer found = running.get(key);
      return found == null ? SwappableDirect.this.getConsumer(key, isBlock(), getTimeout()) : found;
    }

    @Override
    public Producer createProducer() {
      return new DirectProducer(this, key) {
        @Override
        public void process(Exchange exchange) throws Exception {
          guard.accept(key, exchange);
          DirectConsumer found = consumer();
          if (found != null) {
            found.getProcessor().process(exchange);
          } else if (isFailIfNoConsumers()) {
            throw new DirectConsumerNotAvailableException(
                "No consumers available on endpoint: " + Looking.this, exchange);
          }
        }

        @Override
        public boolean process(Exchange exchange, AsyncCallback callback) {
          try {
            DirectConsumer found = consumer();
            if (found != null && !isSynchronous() && !found.getEndpoint().isSynchronous()) {
              guard.accept(key, exchange);
              return found.getAsyncProcessor().process(exchange, callback);
            }
            process(exchange);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            exchange.setException(e);
          } catch (Exception e) {
            exchange.setException(e);
          }
          callback.done(true);
          return true;
        }
      };
    }
  }
}
