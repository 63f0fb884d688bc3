package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.testing.CapturedLog;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The configuration: what the file says, and what is refused. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SettingsTest {
  private final Properties properties = new Properties();

  @BeforeEach
  void what_the_file_says_with_the_two_that_have_no_default() throws IOException {
    try (Reader file = Files.newBufferedReader(Path.of("application.properties"))) {
      properties.load(file);
    }
    properties.setProperty("api.key", "a-key");
    properties.setProperty("webhook.url", "https://provider.example/send");
  }

  @Test
  void should_take_the_defaults_of_the_file() {
    Settings settings = read();
    assertThat(settings.dispatch().interval()).isEqualTo(Duration.ofMinutes(2));
    assertThat(settings.dispatch().batchSize()).isEqualTo(2);
    assertThat(settings.dispatch().concurrency()).isEqualTo(64);
    assertThat(settings.dispatch().lease()).isEqualTo(Duration.ofSeconds(30));
    assertThat(settings.dispatch().enabled()).isTrue();
    assertThat(settings.webhook().timeout()).isEqualTo(Duration.ofSeconds(5));
    assertThat(settings.webhook().onAmbiguous()).isEqualTo(Settings.OnAmbiguous.RETRY);
    assertThat(settings.webhook().authValue()).isEmpty();
    assertThat(settings.retry().maxAttempts()).isEqualTo(3);
    assertThat(settings.retry().backoffMax()).isEqualTo(Duration.ofMinutes(5));
    assertThat(settings.retry().giveUpAfter()).isEqualTo(Duration.ofHours(24));
    assertThat(settings.circuit())
        .isEqualTo(new Settings.Circuit(Duration.ofSeconds(10), 20, 50, Duration.ofSeconds(30)));
    assertThat(settings.redis().ttl()).isEqualTo(Duration.ofHours(24));
    assertThat(settings.server().maxBodyBytes()).isEqualTo(1024 * 1024);
    assertThat(settings.messages().maxLength()).isEqualTo(255);
    assertThat(settings.nodeName()).isNotBlank();
  }

  @Test
  void should_take_the_name_of_the_node() {
    properties.setProperty("node.name", "herald-1");
    assertThat(read().nodeName()).isEqualTo("herald-1");
  }

  @Test
  void should_take_several_keys_with_names() {
    properties.setProperty(
        "api.key",
        "ops:secret-1, app:secret-2:read+send ,secret-3\napp: secret-4 : send,a:b:c:operate");
    assertThat(read().api().keys())
        .containsExactly(
            new ApiKey("ops", "secret-1", Role.ALL),
            new ApiKey("app", "secret-2", Set.of(Role.READ, Role.SEND)),
            new ApiKey("default", "secret-3", Role.ALL),
            new ApiKey("app", "secret-4", Set.of(Role.SEND)),
            new ApiKey("a", "b:c", Set.of(Role.OPERATE)));
  }

  @Test
  void should_refuse_to_start_without_a_key_unless_told_to_let_everyone_in() {
    properties.setProperty("api.key", "");
    refuses("api.key is not set: set API_KEY in the environment");
    properties.setProperty("api.auth", "none");
    assertThat(read().api().open()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "webhook.url, '', 'webhook.url is not set: set WEBHOOK_URL in the environment or webhook.url in application.properties'",
    "webhook.url, nonsense, webhook.url must be a URL that starts with http:// or https://",
    "webhook.url, ftp://host/, webhook.url must be a URL that starts with http:// or https://",
    "webhook.url, 'http://', webhook.url must be a URL",
    "api.key, {{env:HERALD_KEY}}, 'api.key is a name in double braces, not a key'",
    "database.url, postgres://host/db, 'database.url must look like jdbc:postgresql://'",
    "database.url, jdbc:postgresql://host/db&password=x, 'database.url has options without a ?'",
    "database.url, jdbc:mysql://host/db, 'database.url must look like jdbc:postgresql://'",
    "database.url, jdbc:postgresql://host:port/db, 'database.url must look like jdbc:postgresql://'",
    "database.url, jdbc:postgresql://host:99999/db, 'database.url must look like jdbc:postgresql://'",
    "redis.url, redis://host:0, redis.url has an invalid port",
    "redis.url, redis://host/a, 'redis.url must end with the number of a database, like /0'",
    "redis.url, redis://host/0/1, 'redis.url must end with the number of a database, like /0'",
    "redis.url, redis://host?timeout=1s, redis.url has options (?...)",
    "redis.url, rediss://host./0, redis.url has a host name that ends with a dot",
    "redis.url, redis://, redis.url must be a URL that starts with redis:// or rediss:// and has a host",
    "redis.url, host:6379, redis.url must be a URL that starts with redis://",
    "webhook.auth-value, 'a\ufffdb', webhook.auth-value has a character that Java could not read",
    "database.password, 'a\ufffdb', database.password has a character that Java could not read",
    "redis.url, http://host, redis.url must be a URL that starts with redis://",
    "webhook.timeout, soon, 'webhook.timeout is ''soon''; it must be a time like 200ms, 5s or 2m'",
    "webhook.on-ambiguous, maybe, 'webhook.on-ambiguous is ''maybe''; it must be one of retry, hold'",
    "dispatch.batch-size, 0, dispatch.batch-size is '0'; it must be a whole number from 1",
    "dispatch.batch-size, two, dispatch.batch-size is 'two'; it must be a whole number",
    "dispatch.enabled, yes, 'dispatch.enabled is ''yes''; it must be one of true, false'",
    "server.max-body, huge, server.max-body is 'huge'; it must be a size",
    "server.max-bodies, 1KB, server.max-bodies is '1KB'; it must be a size from 1MB to 100GB",
    "server.max-bodies, 1MB, 'server.max-bodies is 1048576 bytes (without a value: a twentieth of the heap) and must be at least twice server.max-body'",
    "server.max-connections, 0, server.max-connections is '0'; it must be a whole number from 10",
    "server.port, 70000, server.port is '70000'; it must be a whole number from 1 to 65535",
    "dispatch.lease, 7s, dispatch.lease=7s must be longer than webhook.timeout plus 2s",
    "webhook.connect-timeout, 6s, webhook.connect-timeout=6s must not be longer than webhook.timeout=5s",
    "retention.finished, 1h, retention.finished=1h must not be shorter than api.idempotency-ttl=",
    "message.min-length, 256, message.min-length=256 must not be more than message.max-length=255",
    "management.port, 8080, server.port and management.port are both 8080; set two different ports",
    "webhook.rate-limit, -1, webhook.rate-limit is '-1'; it must be a whole number from 0",
    "retry.backoff, 6m, retry.backoff=6m must not be longer than retry.backoff-max=5m",
    "circuit.window, 10, 'circuit.window is ''10''; it must be a time like 10s, and is no longer a number of outcomes'",
    "circuit.window, 11m, 'circuit.window is ''11m''; it must be a time like 200ms, 5s or 2m, from 1s to 10m'",
    "circuit.window, 0, 'circuit.window is ''0''; it must be a time'",
    "circuit.minimum-calls, 0, circuit.minimum-calls is '0'; it must be a whole number from 1",
    "retry.give-up-after, 0, 'retry.give-up-after is ''0''; it must be a time'",
    "api.rate-limit, -1, api.rate-limit is '-1'; it must be a whole number from 0",
    "api.key, 'ops:\u015fifre', api.key has a key for 'ops' with a character outside ASCII",
    "redis.tls.trust, pom.xml, 'redis.tls.trust is set, but redis.url does not start with rediss://'",
    "redis.tls.trust, none.pem, 'redis.tls.trust is ''none.pem'', which cannot be read'",
    "server.drain-delay, 31s, server.drain-delay=31s must not be longer than server.grace-period=30s",
    "receipts.token, short, receipts.token must have at least 16 letters",
    "receipts.token, 'a token with blanks', receipts.token must have at least 16 letters",
    "receipts.keep-unmatched, 31d, 'receipts.keep-unmatched is ''31d''; it must be a time like 200ms, 5s or 2m, from 0 to 30d'",
    "receipts.expected-within, soon, 'receipts.expected-within is ''soon''; it must be a time'",
    "api.key, 'a:same,b:same:read', 'api.key has a key twice, as ''b'' too'",
    "api.key, ':k3y', api.key has an entry without a name or a key",
    "api.key, 'ops:', api.key has an entry without a name or a key",
    "api.key, 'ops::read', api.key has an entry without a name or a key",
    "api.key, 'ops:k3y:k4y', 'api.key has an entry for ''ops'' that does not end with roles; write NAME:KEY:ROLES'",
    "api.key, 'ops:k3y:', 'api.key has an entry for ''ops'' that does not end with roles'",
    "api.key, 'ops:k3y:read+', 'api.key has an entry for ''ops'' that does not end with roles'",
    "api.key, 'ops:k3y:read+write', 'api.key has an entry for ''ops'' that does not end with roles'",
    "api.key, 'k3y:read+send', api.key has an entry with roles but no name",
    "api.key, ',', api.key is not set",
  })
  void should_name_the_key_and_say_what_would_be_right(String key, String value, String message) {
    properties.setProperty(key, value);
    refuses(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "changeme",
        "ChangeMe",
        "change-me",
        "secret",
        "test",
        "password",
        "example",
        "api_key",
        "dev-aa4cac13f8aadaed06e7aed3",
        "12345678",
        "a-long-random-key",
      })
  void should_refuse_a_sample_key_without_showing_it_but_for_the_development_run(String key) {
    properties.setProperty("api.key", "ops:8f1c9f0f7c2b4d6e8a, app:" + key);
    assertThatThrownBy(this::read)
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "api.key has a sample key for 'app', which anyone can guess; make one with: openssl"
                + " rand -hex 24");
    assertThat(read(true).api().keys()).contains(new ApiKey("app", key, Role.ALL));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tr", "Turkey", "XX", "001"})
  void should_refuse_a_phone_region_that_does_not_exist(String region) {
    properties.setProperty("phone.default-region", region);
    refuses("phone.default-region is '" + region + "'; it must be a region like TR, DE or US");
  }

  @Test
  void should_name_all_that_is_wrong_at_once() {
    properties.setProperty("webhook.url", "");
    properties.setProperty("server.port", "x");
    properties.setProperty("redis.ttl", "-1");
    properties.setProperty("webhook.signing-secret", "whsec_short");
    properties.setProperty("phone.default-region", "Turkey");
    properties.setProperty("dispatch.lease", "7s"); // which conflicts with webhook.timeout
    properties.setProperty("retry.backoff", "x"); // which conflicts with nothing
    assertThatThrownBy(this::read)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("webhook.url")
        .hasMessageContaining("server.port")
        .hasMessageContaining("redis.ttl")
        .hasMessageContaining("webhook.signing-secret")
        .hasMessageContaining("dispatch.lease=7s must be longer than webhook.timeout")
        .hasMessageContaining("retry.backoff is 'x'")
        .hasMessageNotContaining("retry.backoff-max")
        .hasMessageContaining("phone.default-region");
  }

  @Test
  void should_not_repeat_a_url_that_may_hold_a_password() {
    properties.setProperty("redis.url", "http://user:secret@host");
    properties.setProperty("webhook.url", "ftp://user:secret@host");
    properties.setProperty("database.url", "jdbc:postgresql://user:secret@host/db");
    assertThatThrownBy(this::read)
        .hasMessageContaining("redis.url must be a URL")
        .hasMessageContaining("webhook.url must be a URL")
        .hasMessageContaining("database.url has user:password@, which PostgreSQL's driver")
        .hasMessageNotContaining("secret");
    properties.setProperty("redis.url", "redis://secret@host");
    properties.setProperty("database.url", "jdbc:postgresql://host:x/db?password=secret");
    assertThatThrownBy(this::read)
        .hasMessageContaining("redis.url has a user without a password")
        .hasMessageContaining("database.url must look like")
        .hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @CsvSource({
    "redis://cache, false, cache, 6379, , , 0, redis://cache:6379/0",
    "redis://cache/, false, cache, 6379, , , 0, redis://cache:6379/0",
    "redis://cache:7000/3, false, cache, 7000, , , 3, redis://cache:7000/3",
    "REDISS://cache, true, cache, 6379, , , 0, rediss://cache:6379/0",
    "redis://our_cache:6379, false, our_cache, 6379, , , 0, redis://our_cache:6379/0",
    "redis://cache.example./1, false, cache.example., 6379, , , 1, redis://cache.example.:6379/1",
    "redis://[::1]:7000, false, ::1, 7000, , , 0, redis://[::1]:7000/0",
    "redis://:p%40%3A%25%2B+@cache, false, cache, 6379, , p@:%++, 0, redis://cache:6379/0",
    "redis://us%3Aer:a:b@cache, false, cache, 6379, us:er, a:b, 0, redis://cache:6379/0",
    "redis://user:@cache, false, cache, 6379, user, '', 0, redis://cache:6379/0",
    "redis://:@cache, false, cache, 6379, , , 0, redis://cache:6379/0",
  })
  void should_read_a_redis_url_and_show_it_without_its_login(
      String url,
      boolean tls,
      String host,
      int port,
      String user,
      String password,
      int database,
      String shown) {
    properties.setProperty("redis.url", url);
    RedisUrl redis = read().redis().url();
    assertThat(redis)
        .isEqualTo(
            new RedisUrl(
                tls,
                host,
                port,
                Optional.ofNullable(user),
                Optional.ofNullable(password),
                database));
    assertThat(redis).hasToString(shown);
  }

  @Test
  void should_keep_the_login_of_a_database_url_apart_from_it() {
    properties.setProperty("database.password", "of the key");
    assertThat(read().database().password()).isEqualTo("of the key");
    properties.setProperty(
        "database.url",
        "jdbc:postgresql://a_b:1,[::1]:2/db?user=me&sslmode=require&password=s3%26+%2B%25&sslpassword=s4&options=-c%20x=y");
    Settings.Database database = read().database();
    assertThat(database.url().address())
        .isEqualTo("jdbc:postgresql://a_b:1,[::1]:2/db?sslmode=require&options=-c%20x=y");
    assertThat(database.username()).isEqualTo("me");
    assertThat(database.password()).isEqualTo("s3& +%");
    assertThat(database.url().login()).containsEntry("sslpassword", "s4");
    assertThat(database.url()).hasToString("jdbc:postgresql://a_b:1,[::1]:2/db");
  }

  @Test
  void should_show_no_secret_of_the_settings() {
    properties.setProperty("api.key", "ops:s3cret-api-key-0123456789");
    properties.setProperty("database.url", "jdbc:postgresql://host/db?password=s3cret&x=s3cret");
    properties.setProperty("redis.url", "redis://s3cret:s3cret@cache/0");
    properties.setProperty("webhook.url", "https://s3cret:s3cret@host/s3cret?token=s3cret");
    properties.setProperty("webhook.auth-header", "X-Key");
    properties.setProperty("webhook.auth-value", "s3cret");
    properties.setProperty("webhook.proxy", "http://s3cret:s3cret@proxy:3128");
    assertThat(read().toString())
        .contains("https://host", "redis://cache:6379/0", "jdbc:postgresql://host/db", "ops")
        .doesNotContain("s3cret")
        .doesNotContain("czNjcmV0"); // the same in base64
  }

  @ParameterizedTest
  @CsvSource({
    "secretsecretsecretsecretsecretsecret",
    "whsec_secret",
    "whsec_not*base64*secretsecretsecretsecret"
  })
  void should_refuse_a_malformed_signing_secret_without_repeating_it(String secret) {
    properties.setProperty("webhook.signing-secret", secret);
    refuses("webhook.signing-secret must be whsec_ and the base64 of 24 to 64 bytes");
    assertThatThrownBy(this::read)
        .hasMessageNotContaining(secret)
        .hasMessageNotContaining("secretsecret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "X Key",
        "X-Key:",
        "X-Clé",
        "X-Key\r\nX-Other",
        "(x)",
        "Content-Type",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "CamelHttpUri",
        "org.apache.camel.x",
      })
  void should_refuse_an_auth_header_that_would_not_leave(String name) {
    properties.setProperty("webhook.auth-header", name);
    refuses("webhook.auth-header is '" + name + "', which cannot be sent as a header");
  }

  @ParameterizedTest
  @ValueSource(strings = {"s3cret\r\nX-Other: 1", "s3cret\nx", "s3cret\0x", "s3\u007fcret"})
  void should_refuse_an_auth_value_that_would_not_leave_without_repeating_it(String value) {
    properties.setProperty("webhook.auth-value", value);
    refuses("webhook.auth-value has a line break or a control character");
    assertThatThrownBy(this::read).hasMessageNotContaining("s3");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Bearer a b", "Bearer\ta", "Bearer şifre €", "{{x}}", " a "})
  void should_take_an_auth_value_that_can_leave(String value) {
    properties.setProperty("webhook.auth-value", value);
    assertThat(read().webhook().authValue()).hasValue(value.strip());
  }

  @Test
  void should_refuse_two_authorizations_of_one_webhook_without_repeating_them() {
    properties.setProperty("webhook.url", "https://user:s3cret@provider.example/");
    properties.setProperty("webhook.auth-value", "Bearer s3cret");
    refuses("webhook.url has user:password@ and webhook.auth-value is set: both set the header");
    assertThatThrownBy(this::read).hasMessageNotContaining("s3cret");
    properties.setProperty("webhook.auth-header", "authorization");
    refuses("webhook.url has user:password@ and webhook.auth-value is set: both set the header");
    properties.setProperty("webhook.auth-header", "X-Key");
    assertThat(read().webhook().url().basic()).isPresent();
  }

  @ParameterizedTest
  @CsvSource({
    "http://proxy:3128, proxy, 3128",
    "http://proxy:3128/, proxy, 3128",
    "http://proxy, proxy, 80",
    "http://user:s3cret@proxy:3128, proxy, 3128",
    "http://[::1]:3128, ::1, 3128",
    "http://our_proxy:3128, our_proxy, 3128",
  })
  void should_take_a_proxy(String value, String host, int port) {
    properties.setProperty("webhook.proxy", value);
    assertThat(read().webhook().proxy())
        .get()
        .satisfies(
            proxy -> {
              assertThat(proxy.host().getHostName()).isEqualTo(host);
              assertThat(proxy.host().getPort()).isEqualTo(port);
              assertThat(proxy.basic().isPresent()).isEqualTo(value.contains("@"));
            });
  }

  @ParameterizedTest
  @CsvSource({
    "https://user:s3cret@proxy:3128, webhook.proxy must look like http://[user:password@]host:port",
    "http://user:s3cret@proxy:3128/x, webhook.proxy must look like http://[user:password@]host:port",
    "http://user:s3cret@proxy:3128?x, webhook.proxy must look like http://[user:password@]host:port",
    "socks5://user:s3cret@proxy:1080, webhook.proxy must be a URL that starts with http://",
    "user:s3cret@proxy:3128, webhook.proxy must be a URL that starts with http://",
    "proxy:3128, webhook.proxy must be a URL that starts with http://",
    "http://s3cret@proxy:3128, webhook.proxy has a user without a password",
    "http://user:s3cret@proxy:0, webhook.proxy has an invalid port; it must be from 1 to 65535",
  })
  void should_refuse_what_is_no_proxy_without_repeating_it(String value, String message) {
    properties.setProperty("webhook.proxy", value);
    refuses(message);
    assertThatThrownBy(this::read).hasMessageNotContaining("s3cret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://provider.example/?token=s3cret#x",
        "https://provider.example/s3cret x",
        "https://user:s3cret@provider.example:0/",
        "provider.example/s3cret"
      })
  void should_refuse_a_webhook_that_cannot_be_called_as_written_without_repeating_it(String url) {
    properties.setProperty("webhook.url", url);
    refuses("webhook.url ");
    assertThatThrownBy(this::read).hasMessageNotContaining("s3cret");
  }

  @Test
  void should_warn_once_of_each_value_with_a_name_in_double_braces() {
    properties.stringPropertyNames().forEach(key -> properties.setProperty(key, "{{env:NAME}}"));
    try (CapturedLog log = new CapturedLog()) {
      assertThatThrownBy(this::read).isInstanceOf(ConfigurationException.class);
      assertThat(log.lines())
          .filteredOn(line -> line.contains("double braces"))
          .doesNotHaveDuplicates()
          .anyMatch(line -> line.contains(" server.max-connections has a name"))
          .anyMatch(line -> line.contains(" webhook.url has a name"));
    }
  }

  private void refuses(String message) {
    assertThatThrownBy(this::read)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }

  private Settings read() {
    return read(false);
  }

  private Settings read(boolean development) {
    return SettingsReader.read(
        key -> Optional.ofNullable(properties.getProperty(key)), development);
  }
}
