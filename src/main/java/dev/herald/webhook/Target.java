package dev.herald.webhook;

import java.net.URI;

/**
 * Where a webhook is, taken apart once.
 *
 * @param authority the Host header's value
 * @param path with its query
 */
record Target(String host, int port, boolean tls, String authority, String path) {

  static Target of(URI url) {
    boolean tls = "https".equals(url.getScheme());
    int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
    String host = url.getHost().replaceAll("[\\[\\]]", "");
    String path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
    String query = url.getRawQuery() == null ? "" : "?" + url.getRawQuery();
    String authority = url.getPort() >= 0 ? url.getHost() + ":" + port : url.getHost();
    return new Target(host, port, tls, authority, path + query);
  }
}
