package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The pages at {@code /dashboard/} and {@code /swagger/}, for a client without a key. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class PagesIT {
  /** What a page loads, and what a module imports. */
  private static final Pattern NAMES =
      Pattern.compile(
          "(?:href|src)=\"([^\"#/]+)\"|^import .*from '\\./([^']+)';", Pattern.MULTILINE);

  private static Node node;
  private static Api nobody;

  @BeforeAll
  static void start() {
    node =
        Node.on(Local.servers().newDatabase(), "http://127.0.0.1:9/")
            .with("dispatch.enabled", false)
            .start();
    nobody = node.api().withKey(null);
  }

  @AfterAll
  static void stop() {
    node.close();
  }

  @ParameterizedTest
  @CsvSource({
    "/dashboard/, text/html; charset=utf-8",
    "/dashboard/index.html, text/html; charset=utf-8",
    "/dashboard/app.js, text/javascript; charset=utf-8",
    "/dashboard/uplot.js, text/javascript; charset=utf-8",
    "/dashboard/style.css, text/css; charset=utf-8",
    "/dashboard/uplot.css, text/css; charset=utf-8",
    "/dashboard/icon.svg, image/svg+xml",
    "/swagger/, text/html; charset=utf-8",
    "/swagger/index.html, text/html; charset=utf-8",
    "/swagger/start.js, text/javascript; charset=utf-8",
    "/swagger/swagger-ui-bundle.js, text/javascript; charset=utf-8",
    "/swagger/swagger-ui.css, text/css; charset=utf-8",
    "/swagger/favicon-32x32.png, image/png",
  })
  void should_serve_each_file_with_its_type(String path, String type) {
    Answer got = nobody.call("GET", path, null, "Accept", "text/html,*/*;q=0.8").expect(200);
    assertThat(got.http().headers().firstValue("Content-Type")).hasValue(type);
    assertThat(got.http().headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    assertThat(got.http().headers().firstValue("Content-Security-Policy").orElseThrow())
        .startsWith(path.startsWith("/swagger/") ? "default-src 'self';" : "default-src 'none';");
    assertThat(got.http().body()).isNotEmpty();

    Answer head = nobody.call("HEAD", path, null).expect(200);
    assertThat(head.http().body()).isEmpty();
    assertThat(head.http().headers().firstValue("Content-Length"))
        .isEqualTo(got.http().headers().firstValue("Content-Length"));
    String etag = got.http().headers().firstValue("ETag").orElseThrow();
    assertThat(nobody.call("GET", path, null, "If-None-Match", etag).expect(304).http().body())
        .isEmpty();
  }

  /** And keep the dashboard small: 150 KB in all, uncompressed. */
  @Test
  void should_name_only_files_that_are_there() {
    assertThat(namedBy("/swagger/")).hasSize(4);
    assertThat(nobody.get("/swagger/start.js").http().body()).contains("\"../openapi.json\"");
    nobody.get("/openapi.json").expect(200);

    Set<String> dashboard = namedBy("/dashboard/");
    assertThat(dashboard).contains("/dashboard/app.js", "/dashboard/dom.js", "/dashboard/uplot.js");
    assertThat(dashboard.stream().mapToLong(PagesIT::length).sum() + length("/dashboard/"))
        .isBetween(50_000L, 150_000L);
  }

  @Test
  void should_lead_from_the_short_paths_to_the_pages() {
    assertThat(location("/", 303)).isEqualTo("dashboard/");
    assertThat(nobody.post("/", null).expect(405).http().headers().firstValue("Allow"))
        .hasValue("GET, HEAD");
    assertThat(location("/dashboard", 308)).isEqualTo("dashboard/");
    assertThat(location("/swagger", 308)).isEqualTo("swagger/");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/swagger/none.js",
        "/swagger/swagger-initializer.js",
        "/swagger/../application.properties",
        "/swagger/..%2f..%2fapplication.properties",
        "/swagger/%2e%2e/%2e%2e/application.properties",
        "/swagger/..%5c..%5capplication.properties",
        "/swagger/..;/application.properties",
        "/swagger//etc/passwd",
        "/swagger/META-INF/MANIFEST.MF",
        "/swagger/index.html%00.js",
        "/application.properties",
        "/log4j2.xml",
        "/dashboard/none.js",
        "/dashboard/../log4j2.xml",
        "/dashboard/%2e%2e/log4j2.xml",
      })
  void should_serve_nothing_else(String path) {
    Answer answer = nobody.get(path).expect(404);
    assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:not-found");
    assertThat(nobody.call("HEAD", path, null).status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
  void should_take_no_other_method(String method) {
    for (String path : new String[] {"/", "/dashboard/", "/swagger", "/swagger/start.js"}) {
      Answer answer = nobody.call(method, path, null).expect(405);
      assertThat(answer.http().headers().firstValue("Allow")).hasValue("GET, HEAD");
    }
  }

  /** The files that a page names, and that they name. */
  private static Set<String> namedBy(String page) {
    Set<String> named = new TreeSet<>();
    Deque<String> waiting = new ArrayDeque<>(List.of(page));
    while (!waiting.isEmpty()) {
      String body = nobody.get(waiting.pop()).expect(200).http().body();
      NAMES
          .matcher(body)
          .results()
          .map(name -> page + (name.group(1) == null ? name.group(2) : name.group(1)))
          .filter(named::add)
          .filter(path -> page.equals("/dashboard/") && path.endsWith(".js"))
          .forEach(waiting::add);
    }
    return named;
  }

  private static long length(String path) {
    return nobody
        .call("HEAD", path, null)
        .expect(200)
        .http()
        .headers()
        .firstValueAsLong("Content-Length")
        .orElseThrow();
  }

  private static String location(String path, int status) {
    return nobody.get(path).expect(status).http().headers().firstValue("Location").orElseThrow();
  }
}
