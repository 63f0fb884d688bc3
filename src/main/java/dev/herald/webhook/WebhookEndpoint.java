package dev.herald.webhook;

import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.spi.HeaderFilterStrategy;
import org.apache.camel.support.DefaultEndpoint;

/** One webhook address. */
final class WebhookEndpoint extends DefaultEndpoint {
  private final HeaderFilterStrategy headers = new HttpHeaderFilterStrategy();
  private final Target target;

  WebhookEndpoint(String uri, WebhookComponent component, Target target) {
    super(uri, component);
    this.target = target;
  }

  @Override
  public Producer createProducer() {
    WebhookComponent component = (WebhookComponent) getComponent();
    return new WebhookProducer(this, component.client(), component.posted());
  }

  @Override
  public Consumer createConsumer(Processor processor) {
    throw new UnsupportedOperationException("webhook: cannot be consumed from");
  }

  Target target() {
    return target;
  }

  HeaderFilterStrategy headers() {
    return headers;
  }
}
