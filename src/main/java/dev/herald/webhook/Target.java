package dev.herald.webhook;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.net.URI;

/** Where a webhook is, taken apart once. */
record Target(String host, int port, boolean tls, String path) {

  static Target of(URI url) {
    boolean tls = "https".equals(url.getScheme());
    int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
    String path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
    String query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
    return new Target(url.getHost(), port, tls, path + query);
  }

  RequestOptions options() {
    return new RequestOptions()
        .setMethod(HttpMethod.POST)
        .setHost(host)
        .setPort(port)
        .setSsl(tls)
        .setURI(path)
        .setFollowRedirects(false);
  }
}
