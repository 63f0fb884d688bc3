package dev.herald.webhook;

import dev.herald.Settings;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * Adds the header that authenticates Herald to the provider: here, so that no route and no dump of
 * one holds it.
 */
public final class WebhookKey implements Processor {
  private final Settings.Webhook settings;

  public WebhookKey(Settings.Webhook settings) {
    this.settings = settings;
  }

  @Override
  public void process(Exchange exchange) {
    settings
        .authValue()
        .ifPresent(value -> exchange.getMessage().setHeader(settings.authHeader(), value));
  }
}
