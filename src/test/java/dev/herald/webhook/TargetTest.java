package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class TargetTest {

  @ParameterizedTest
  @CsvSource({
    "http://host, host, 80, false, host, /",
    "https://host, host, 443, true, host, /",
    "https://host/, host, 443, true, host, /",
    "http://host:8080/send, host, 8080, false, host:8080, /send",
    "https://host:80/a/b?k=v&l=%26, host, 80, true, host:80, /a/b?k=v&l=%26",
    "http://host?k=v, host, 80, false, host, /?k=v",
    "http://host/a%2Fb%20c, host, 80, false, host, /a%2Fb%20c",
    "http://host/a#part, host, 80, false, host, /a",
    "http://user:secret@host/a, host, 80, false, host, /a",
    "http://[::1]:9000/a, ::1, 9000, false, [::1]:9000, /a",
    "https://[2001:db8::7]/, 2001:db8::7, 443, true, [2001:db8::7], /",
  })
  void should_take_a_url_apart(
      URI url, String host, int port, boolean tls, String authority, String path) {
    assertThat(Target.of(url)).isEqualTo(new Target(host, port, tls, authority, path));
  }
}
