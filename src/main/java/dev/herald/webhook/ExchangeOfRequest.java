package dev.herald.webhook;

import org.apache.camel.Exchange;
import org.apache.camel.component.http.HttpActivityListener;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.HttpResponse;

/**
 * Does nothing itself. Only if an endpoint has a listener does camel-http tell its client which
 * exchange a request belongs to, and {@link WebhookClient} needs that.
 */
public final class ExchangeOfRequest implements HttpActivityListener {
  @Override
  public void onRequestSubmitted(
      Object source, Exchange exchange, HttpHost host, HttpRequest request, HttpEntity entity) {}

  @Override
  public void onResponseReceived(
      Object source,
      Exchange exchange,
      HttpHost host,
      HttpResponse response,
      HttpEntity entity,
      long elapsed) {}
}
