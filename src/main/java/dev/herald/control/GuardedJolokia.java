package dev.herald.control;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.apache.camel.component.platform.http.plugin.DefaultJolokiaPlatformHttpPlugin;

/**
 * Jolokia, closed to web pages. The management port has no authentication, so any page that a
 * browser on this machine shows could send requests to it. Those of its links and images are GETs,
 * and a browser names the page of any POST in the header {@code Origin}: this takes POSTs without
 * that header only. What they may do is in {@code jolokia-access.xml}, whose own {@code
 * strict-checking} would refuse every client without an {@code Origin}.
 */
public final class GuardedJolokia extends DefaultJolokiaPlatformHttpPlugin {
  /**
   * What to warn of at a start with Jolokia; nothing if only this machine can connect.
   *
   * @param host {@code management.host}, which can be resolved
   */
  public static Optional<String> warning(String host) {
    return new InetSocketAddress(host, 0).getAddress().isLoopbackAddress()
        ? Optional.empty()
        : Optional.of(
            "Jolokia needs no key, so whoever can connect to management.host=%s can stop routes; set management.jolokia=false, which leaves health and metrics, or management.host=127.0.0.1"
                .formatted(host));
  }

  @Override
  @SuppressWarnings("unchecked")
  public Object getHandler() {
    Handler<RoutingContext> jolokia = (Handler<RoutingContext>) super.getHandler();
    Handler<RoutingContext> guarded =
        context -> {
          HttpServerRequest request = context.request();
          if (request.method() != HttpMethod.POST) {
            request.response().putHeader("Allow", "POST");
            refuse(request, 405, "Jolokia takes no " + request.method() + " here; use POST");
          } else if (request.headers().contains("Origin")) {
            refuse(
                request,
                403,
                "the header Origin tells that a web page sent this; use curl or another client that"
                    + " does not send it");
          } else {
            jolokia.handle(context);
          }
        };
    return guarded;
  }

  private static void refuse(HttpServerRequest request, int status, String why) {
    request
        .response()
        .setStatusCode(status)
        .putHeader("Content-Type", "text/plain")
        .end(why + "\n");
  }
}
