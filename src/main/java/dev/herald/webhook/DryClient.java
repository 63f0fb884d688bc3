package dev.herald.webhook;

import dev.herald.config.WebhookUrl;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.CloseableHttpResponse;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;

/**
 * Stands for {@link WebhookClient} where a flow is tried: builds each request as that would, hands
 * it over instead of sending it, and returns a provider's usual answer. Thread-safe.
 */
public final class DryClient extends CloseableHttpClient {
  private static final String ANSWER = "{\"message\":\"Accepted\",\"messageId\":\"sample\"}";

  private final BiFunction<HttpHost, ClassicHttpRequest, WebhookUrl> urls;
  private final String agent;
  private final Consumer<Request> instead;

  /**
   * A request that would have left.
   *
   * @param headers in the order in which they would leave
   */
  public record Request(
      String method, WebhookUrl url, List<Map.Entry<String, String>> headers, byte[] body) {}

  DryClient(
      BiFunction<HttpHost, ClassicHttpRequest, WebhookUrl> urls,
      String agent,
      Consumer<Request> instead) {
    this.urls = urls;
    this.agent = agent;
    this.instead = instead;
  }

  @Override
  public ClassicHttpResponse executeOpen(
      HttpHost host, ClassicHttpRequest request, HttpContext context) throws IOException {
    WebhookUrl url = urls.apply(host, request);
    Post post = Post.of(request, url, agent, Optional.empty());
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    if (post.getEntity() != null) {
      post.getEntity().writeTo(body);
    }
    instead.accept(new Request(post.getMethod(), url, post.fields(), body.toByteArray()));
    ClassicHttpResponse answer = new BasicClassicHttpResponse(200);
    answer.setEntity(new StringEntity(ANSWER, ContentType.APPLICATION_JSON));
    return answer;
  }

  @Override
  protected CloseableHttpResponse doExecute(
      HttpHost host, ClassicHttpRequest request, HttpContext context) {
    throw new UnsupportedOperationException("camel-http calls executeOpen");
  }

  @Override
  public void close() {}

  @Override
  public void close(CloseMode mode) {}
}
