package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The page at {@code /swagger/}, for a client without a key. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SwaggerUiIT {
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
        .contains("default-src 'self'");
    assertThat(got.http().body()).isNotEmpty();

    Answer head = nobody.call("HEAD", path, null).expect(200);
    assertThat(head.http().body()).isEmpty();
    assertThat(head.http().headers().firstValue("Content-Length"))
        .isEqualTo(got.http().headers().firstValue("Content-Length"));
    String etag = got.http().headers().firstValue("ETag").orElseThrow();
    assertThat(nobody.call("GET", path, null, "If-None-Match", etag).expect(304).http().body())
        .isEmpty();
  }

  @Test
  void should_name_only_files_that_are_there() {
    Matcher names =
        Pattern.compile("(?:href|src)=\"([^\"]+)\"")
            .matcher(nobody.get("/swagger/").expect(200).http().body());
    int found = 0;
    while (names.find()) {
      nobody.get("/swagger/" + names.group(1)).expect(200);
      found++;
    }
    assertThat(found).isEqualTo(4);
    assertThat(nobody.get("/swagger/start.js").http().body()).contains("\"../openapi.json\"");
    nobody.get("/openapi.json").expect(200);
  }

  @Test
  void should_lead_from_the_short_path_to_the_page() {
    assertThat(nobody.get("/").expect(303).http().headers().firstValue("Location"))
        .hasValue("swagger/");
    assertThat(nobody.post("/", null).expect(405).http().headers().firstValue("Allow"))
        .hasValue("GET, HEAD");
    assertThat(nobody.get("/swagger").expect(308).http().headers().firstValue("Location"))
        .hasValue("swagger/");
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
      })
  void should_serve_nothing_else(String path) {
    Answer answer = nobody.get(path).expect(404);
    assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:not-found");
    assertThat(nobody.call("HEAD", path, null).status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
  void should_take_no_other_method(String method) {
    for (String path : new String[] {"/swagger", "/swagger/", "/swagger/start.js"}) {
      Answer answer = nobody.call(method, path, null).expect(405);
      assertThat(answer.http().headers().firstValue("Allow")).hasValue("GET, HEAD");
    }
  }
}
