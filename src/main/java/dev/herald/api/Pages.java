package dev.herald.api;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.zip.CRC32;

/**
 * The pages for people: the dashboard at {@code /dashboard/}, where {@code /} leads, and the
 * contract to read and to try at {@code /swagger/}. They are a fixed set of files, held in memory
 * by their paths, so no request can name another. Immutable.
 */
public final class Pages {
  /** The methods that are allowed here. */
  static final String ALLOWED = "GET, HEAD";

  private static final String DASHBOARD = "/dashboard/";
  private static final String SWAGGER = "/swagger/";
  private static final List<String> DASHBOARD_FILES =
      List.of(
          "index.html",
          "style.css",
          "icon.svg",
          "api.js",
          "app.js",
          "bulk.js",
          "charts.js",
          "dialog.js",
          "dom.js",
          "flow.js",
          "format.js",
          "graph.js",
          "messages.js",
          "overview.js");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml",
          "png", "image/png");

  private static final String EVERYWHERE =
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  /** Only what this server serves is loaded or called: no script and no style within the page. */
  private static final String STRICT =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
          + " img-src 'self' data:; "
          + EVERYWHERE;

  /** The same, but for the styles that Swagger UI sets, and the images within them. */
  private static final String WITH_STYLES =
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " + EVERYWHERE;

  /** Paths that lead to a page, with the status that says so. */
  private static final Map<String, Redirect> REDIRECTS =
      Map.of(
          "/", new Redirect(303, "dashboard/"),
          "/dashboard", new Redirect(308, "dashboard/"),
          "/swagger", new Redirect(308, "swagger/"));

  private final Map<String, File> files = new HashMap<>();

  /**
   * @param etag names the content, in quotes
   * @param policy what the page may load
   */
  private record File(String type, Buffer content, String etag, String policy) {}

  private record Redirect(int status, String location) {}

  /**
   * @throws IOException when a file is not on the classpath
   */
  public Pages() throws IOException {
    for (String name : DASHBOARD_FILES) {
      add(DASHBOARD + name, DASHBOARD + name, STRICT);
    }
    String uplot = webjar("org.webjars.npm", "uplot") + "dist/";
    add(DASHBOARD + "uplot.js", uplot + "uPlot.iife.min.js", STRICT);
    add(DASHBOARD + "uplot.css", uplot + "uPlot.min.css", STRICT);
    files.put(DASHBOARD, files.get(DASHBOARD + "index.html"));

    for (String name : List.of("index.html", "start.js")) {
      add(SWAGGER + name, SWAGGER + name, WITH_STYLES);
    }
    String swagger = webjar("org.webjars", "swagger-ui");
    for (String name : List.of("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")) {
      add(SWAGGER + name, swagger + name, WITH_STYLES);
    }
    files.put(SWAGGER, files.get(SWAGGER + "index.html"));
  }

  /** Whether a path is one of its files. */
  boolean has(String path) {
    return REDIRECTS.containsKey(path) || files.containsKey(path);
  }

  /** Answers a GET or HEAD for a path that it has. */
  void answer(RoutingContext context) {
    HttpServerResponse response = context.response();
    String path = context.normalizedPath();
    File file = files.get(path);
    if (file == null) {
      Redirect redirect = REDIRECTS.get(path);
      response.setStatusCode(redirect.status()).putHeader("Location", redirect.location()).end();
      return;
    }
    response
        .putHeader("Cache-Control", "no-cache")
        .putHeader("ETag", file.etag())
        .putHeader("Content-Security-Policy", file.policy())
        .putHeader("Referrer-Policy", "no-referrer")
        .putHeader("X-Content-Type-Options", "nosniff");
    if (file.etag().equals(context.request().getHeader("If-None-Match"))) {
      response.setStatusCode(304).end();
      return;
    }
    response.putHeader("Content-Type", file.type());
    if (context.request().method() == HttpMethod.HEAD) {
      response.putHeader("Content-Length", Integer.toString(file.content().length())).end();
    } else {
      response.end(file.content());
    }
  }

  private void add(String path, String resource, String policy) throws IOException {
    Buffer content = read(resource);
    CRC32 sum = new CRC32();
    sum.update(content.getBytes());
    files.put(
        path,
        new File(
            TYPES.get(path.substring(path.lastIndexOf('.') + 1)),
            content,
            "\"" + Long.toHexString(sum.getValue()) + "\"",
            policy));
  }

  /** The folder of a WebJar, whose version is in its path. */
  private static String webjar(String group, String name) throws IOException {
    Properties pom = new Properties();
    pom.load(
        new ByteArrayInputStream(
            read("/META-INF/maven/" + group + "/" + name + "/pom.properties").getBytes()));
    return "/META-INF/resources/webjars/" + name + "/" + pom.getProperty("version") + "/";
  }

  private static Buffer read(String resource) throws IOException {
    try (InputStream file = Pages.class.getResourceAsStream(resource)) {
      if (file == null) {
        throw new IOException("there is no " + resource + " on the classpath");
      }
      return Buffer.buffer(file.readAllBytes());
    }
  }
}
