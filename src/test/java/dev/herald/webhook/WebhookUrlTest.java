package dev.herald.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.config.WebhookUrl;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is configured is what is called, byte for byte, or it is refused. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class WebhookUrlTest {

  @ParameterizedTest
  @CsvSource({
    "http://host, /",
    "http://host/, /",
    "http://host/a/b, /a/b",
    "http://host/?sig=a%2Bb%2Fc%3D%3D&from=x+y, /?sig=a%2Bb%2Fc%3D%3D&from=x+y",
    "http://host?z=1&a=2&z=0, /?z=1&a=2&z=0",
    "http://host/a%2Fb, /a%2Fb",
    "http://host/a%2fb, /a%2fb",
    "http://host//a//b/, //a//b/",
    "http://host/a/./b/../c, /a/./b/../c",
    "http://host/%c5%9F?x=%41, /%c5%9F?x=%41",
    "http://host/100%, /100%",
    "http://host/?, /?",
    "http://host/a?b?c=d, /a?b?c=d",
    "http://host/{id}?q=[1]|\"<>^`\\, /{id}?q=[1]|\"<>^`\\",
    "http://host/a:b@c, /a:b@c",
    "http://host/?to=user:secret@host, /?to=user:secret@host",
    "http://host/RAW(x)?RAW(y), /RAW(x)?RAW(y)",
  })
  void should_keep_path_and_query_as_they_are_written(String url, String path) {
    assertThat(WebhookUrl.parse(url).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @CsvSource({
    "http://provider.example/x, http, provider.example, 80, provider.example",
    "https://provider.example/x, https, provider.example, 443, provider.example",
    "HTTPS://Provider.Example/x, https, Provider.Example, 443, Provider.Example",
    "http://provider.example:8080, http, provider.example, 8080, provider.example:8080",
    "https://provider.example:443/, https, provider.example, 443, provider.example:443",
    "http://provider.example:65535?x, http, provider.example, 65535, provider.example:65535",
    "http://sms_gateway:8080/x, http, sms_gateway, 8080, sms_gateway:8080",
    "http://127.0.0.1:1/, http, 127.0.0.1, 1, 127.0.0.1:1",
    "http://[::1]:8080/x, http, ::1, 8080, [::1]:8080",
    "https://[2001:db8::7]/x, https, 2001:db8::7, 443, [2001:db8::7]",
    "http://[::ffff:10.0.0.1]/x, http, ::ffff:10.0.0.1, 80, [::ffff:10.0.0.1]",
    "http://user:password@host:81/x, http, host, 81, host:81",
    "https://provider.example./x, https, provider.example., 443, provider.example.",
    "http://xn--diyarbakr-5pb.example/, http, xn--diyarbakr-5pb.example, 80, xn--diyarbakr-5pb.example",
  })
  void should_connect_to_its_host_and_name_it_as_written(
      String url, String scheme, String name, int port, String authority) {
    WebhookUrl parsed = WebhookUrl.parse(url);
    assertThat(parsed.host().getSchemeName()).isEqualTo(scheme);
    assertThat(parsed.host().getHostName()).isEqualTo(name);
    assertThat(parsed.host().getPort()).isEqualTo(port);
    assertThat(parsed.authority()).isEqualTo(authority);
    assertThat(parsed.secure()).isEqualTo(scheme.equals("https"));
  }

  @ParameterizedTest
  @CsvSource({
    "user:password, user:password",
    "user:, user:",
    ":token, :token",
    "user:pass:word, user:pass:word",
    "user%40example.org:p%3Ass%2Fw%23rd, user@example.org:p:ss/w#rd",
    "user:a+b%2Bc, user:a+b+c",
    "user:100%25, user:100%",
    "%C5%9Fule:%C4%B1, şule:ı",
  })
  void should_authenticate_as_the_user_that_it_names(String userInfo, String plain) {
    String basic = WebhookUrl.parse("https://" + userInfo + "@host/x").basic().orElseThrow();
    assertThat(basic).startsWith("Basic ");
    assertThat(
            new String(
                Base64.getDecoder().decode(basic.substring("Basic ".length())),
                StandardCharsets.UTF_8))
        .isEqualTo(plain);
  }

  @Test
  void should_authenticate_as_nobody_when_it_names_none() {
    assertThat(WebhookUrl.parse("https://host/a:b@c").basic()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "https://s3cret.example/x#top, has a fragment",
    "https://s3cret.example/#, has a fragment",
    "https://s3cret.example/a b, has a character that a URL cannot have",
    "https://s3cret.example/ş, has a character that a URL cannot have",
    "https://s3cretşehir.example/, has a character that a URL cannot have",
    "'https://s3cret.example/\tx', has a character that a URL cannot have",
    "'https://s3cret.example/\r\nX: 1', has a character that a URL cannot have",
    "s3cret.example/x, must be a URL that starts with http:// or https://",
    "//s3cret.example/x, must be a URL that starts with http:// or https://",
    "ftp://s3cret.example/x, must be a URL that starts with http:// or https://",
    "https:s3cret.example, must be a URL that starts with http:// or https://",
    "https:///s3cret, must be a URL that starts with http:// or https:// and has a host",
    "https://?s3cret, must be a URL that starts with http:// or https:// and has a host",
    "https://:8080/s3cret, must be a URL that starts with http:// or https:// and has a host",
    "https://user:s3cret@/x, must be a URL that starts with http:// or https:// and has a host",
    "https://user:s3c@ret@host/x, must be a URL that starts with http:// or https://",
    "https://s3cret.example:0/x, has an invalid port; it must be from 1 to 65535",
    "https://s3cret.example:70000/x, has an invalid port; it must be from 1 to 65535",
    "https://s3cret.example:port/x, must be a URL that starts with http:// or https://",
    "https://.s3cret/x, must be a URL that starts with http:// or https://",
    "https://s3cret..example/x, must be a URL that starts with http:// or https://",
    "https://[fe80::1%25s3cret]/x, must be a URL that starts with http:// or https://",
    "https://[s3cret]/x, must be a URL that starts with http:// or https://",
    "https://s3cret@host/x, has a user without a password",
    "https://user:s3cret%@host/x, has a user or a password with a % outside a",
    "https://user:s3cret%zz@host/x, has a user or a password with a % outside a",
  })
  void should_be_refused_when_it_cannot_be_called_as_written_and_not_be_repeated(
      String url, String reason) {
    assertThatThrownBy(() -> WebhookUrl.parse(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(reason)
        .hasMessageNotContaining("s3c");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "http://", "https://@/", "http://user:password@"})
  void should_be_refused_when_there_is_nothing_to_call(String url) {
    assertThatThrownBy(() -> WebhookUrl.parse(url)).isInstanceOf(IllegalArgumentException.class);
  }
}
