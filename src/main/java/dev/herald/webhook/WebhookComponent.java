package dev.herald.webhook;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Map;
import java.util.function.LongConsumer;
import org.apache.camel.Endpoint;
import org.apache.camel.support.DefaultComponent;
import org.apache.camel.util.URISupport;

/**
 * The Camel component behind {@code webhook:https://provider.example/path}: a POST of the message's
 * body and headers. The address comes from the route, never from message data. It answers as
 * Camel's HTTP components do: the status in header {@code CamelHttpResponseCode}, the body as
 * bytes, no exception for a status; a {@link WebhookException} when no answer came.
 */
public final class WebhookComponent extends DefaultComponent {
  private final WebhookClient client;
  private final LongConsumer posted;

  /**
   * @param posted hears how long each POST took, in nanoseconds, whatever became of it
   */
  public WebhookComponent(WebhookClient client, LongConsumer posted) {
    this.client = client;
    this.posted = posted;
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws URISyntaxException {
    // What follows the question mark belongs to the provider; this component has no options of its
    // own.
    String query = parameters.isEmpty() ? "" : "?" + URISupport.createQueryString(parameters, true);
    parameters.clear();
    URI url = new URI(remaining + query);
    if (url.getHost() == null
        || !("http".equals(url.getScheme()) || "https".equals(url.getScheme()))) {
      throw new IllegalArgumentException("webhook: takes an http or https URL, not " + remaining);
    }
    return new WebhookEndpoint(uri, this, Target.of(url));
  }

  WebhookClient client() {
    return client;
  }

  LongConsumer posted() {
    return posted;
  }

  @Override
  protected void doShutdown() throws Exception {
    super.doShutdown();
    client.close();
  }
}
