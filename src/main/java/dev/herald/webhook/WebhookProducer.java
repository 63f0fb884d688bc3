package dev.herald.webhook;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.support.DefaultAsyncProducer;

/** POSTs an exchange's body with its headers, those of Camel's own left out. */
final class WebhookProducer extends DefaultAsyncProducer {
  private final WebhookEndpoint endpoint;
  private final WebhookClient client;
  private final LongConsumer posted;

  WebhookProducer(WebhookEndpoint endpoint, WebhookClient client, LongConsumer posted) {
    super(endpoint);
    this.endpoint = endpoint;
    this.client = client;
    this.posted = posted;
  }

  @Override
  public boolean process(Exchange exchange, AsyncCallback callback) {
    try {
      Message message = exchange.getMessage();
      byte[] body = message.getMandatoryBody(byte[].class);
      Answer answer = new Answer(exchange, callback, posted, System.nanoTime());
      client.post(endpoint.target(), headers(exchange), body, answer);
      return false;
    } catch (Exception e) {
      exchange.setException(e);
      callback.done(true);
      return true;
    }
  }

  private Map<String, String> headers(Exchange exchange) {
    Map<String, String> headers = new HashMap<>();
    exchange
        .getMessage()
        .getHeaders()
        .forEach(
            (name, value) -> {
              if (value != null
                  && !endpoint.headers().applyFilterToCamelHeaders(name, value, exchange)) {
                headers.put(name, value.toString());
              }
            });
    headers.computeIfAbsent(
        "Content-Type", name -> (String) exchange.getMessage().getHeader(Exchange.CONTENT_TYPE));
    return headers;
  }

  private record Answer(
      Exchange exchange, AsyncCallback callback, LongConsumer posted, long started)
      implements WebhookClient.Handler {

    @Override
    public void answered(int status, String retryAfter, byte[] body) {
      posted.accept(System.nanoTime() - started);
      Message message = exchange.getMessage();
      message.removeHeaders("*");
      message.setHeader(Exchange.HTTP_RESPONSE_CODE, status);
      message.setHeader("Retry-After", retryAfter);
      message.setBody(body);
      callback.done(false);
    }

    @Override
    public void failed(WebhookException failure) {
      posted.accept(System.nanoTime() - started);
      exchange.setException(failure);
      callback.done(false);
    }
  }
}
