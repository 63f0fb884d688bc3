package dev.herald.api;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.zip.CRC32;

/**
 * The contract as a page to read and to try, at {@code /swagger/}; {@code /} leads there. It is a
 * fixed set of files, held in memory by their paths, so no request can name another. Immutable.
 */
public final class SwaggerUi {
  /** The methods that are allowed here. */
  static final String ALLOWED = "GET, HEAD";

  private static final String AT = "/swagger";
  private static final String OWN = "/swagger/";
  private static final String WEBJAR = "/META-INF/resources/webjars/swagger-ui/";
  private static final String WEBJAR_POM = "/META-INF/maven/org.webjars/swagger-ui/pom.properties";
  private static final String HTML = "text/html; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  /** Only what this server serves is loaded or called, but for the images within the styles. */
  private static final String POLICY =
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final Map<String, File> files = new HashMap<>();

  /**
   * @param etag names the content, in quotes
   */
  private record File(String type, Buffer content, String etag) {}

  /**
   * @throws IOException when a file is not on the classpath
   */
  public SwaggerUi() throws IOException {
    Properties pom = new Properties();
    pom.load(new ByteArrayInputStream(read(WEBJAR_POM).getBytes()));
    String webjar = WEBJAR + pom.getProperty("version") + "/";
    add("", HTML, OWN + "index.html");
    add("index.html", HTML, OWN + "index.html");
    add("start.js", SCRIPT, OWN + "start.js");
    add("swagger-ui-bundle.js", SCRIPT, webjar + "swagger-ui-bundle.js");
    add("swagger-ui.css", "text/css; charset=utf-8", webjar + "swagger-ui.css");
    add("favicon-32x32.png", "image/png", webjar + "favicon-32x32.png");
  }

  /** Whether a path is one of its files, or leads to them. */
  boolean has(String path) {
    return path.equals("/") || path.equals(AT) || files.containsKey(path);
  }

  /** Answers a GET or HEAD for a path that it has. */
  void answer(RoutingContext context) {
    HttpServerResponse response = context.response();
    File file = files.get(context.normalizedPath());
    if (file == null) {
      // Another page may stand at the root some day, but this one stays where it is.
      int status = context.normalizedPath().equals(AT) ? 308 : 303;
      response.setStatusCode(status).putHeader("Location", "swagger/").end();
      return;
    }
    response
        .putHeader("Cache-Control", "no-cache")
        .putHeader("ETag", file.etag())
        .putHeader("Content-Security-Policy", POLICY)
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

  private void add(String name, String type, String resource) throws IOException {
    Buffer content = read(resource);
    CRC32 sum = new CRC32();
    sum.update(content.getBytes());
    files.put(
        AT + "/" + name, new File(type, content, "\"" + Long.toHexString(sum.getValue()) + "\""));
  }

  private static Buffer read(String resource) throws IOException {
    try (InputStream file = SwaggerUi.class.getResourceAsStream(resource)) {
      if (file == null) {
        throw new IOException("there is no " + resource + " on the classpath");
      }
      return Buffer.buffer(file.readAllBytes());
    }
  }
}
