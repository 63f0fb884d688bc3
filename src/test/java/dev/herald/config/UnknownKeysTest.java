package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.Configured;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A key that does nothing is told, and nobody else's is. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class UnknownKeysTest {
  private final Properties file = Configured.properties();

  @Test
  void should_know_every_key_of_the_file() {
    assertThat(inFile("", "")).isEmpty();
    assertThat(SettingsReader.keys())
        .filteredOn(key -> !key.equals(SecretFile.nameOf("api.key")))
        .isSubsetOf(file.stringPropertyNames())
        .contains("database.username", "receipts.expected-within", "webhook.tls.key");
  }

  @ParameterizedTest
  @CsvSource({
    "retry.max-atempts, retry.max-attempts",
    "retry.maxAttempts, retry.max-attempts",
    "retry.max-attempt, retry.max-attempts",
    "webhook.time-out, webhook.timeout",
    "webhok.timeout, webhook.timeout",
    "databse.url, database.url",
    "WEBHOOK_URL, webhook.url",
    "api.keys, api.key",
    "database.password.file, database.password-file",
    "webhook.tls.key-file, webhook.tls.key",
    "webhook.germany, ",
  })
  void should_tell_a_key_of_the_file_that_does_nothing(String key, String meant) {
    List<String> told = inFile(key, "steps: '{{something.else}}'");
    assertThat(told)
        .containsExactly(
            key
                + " in application.properties is not a key of Herald's, and no route uses it, so it"
                + " does nothing; "
                + (meant == null
                    ? "remove it, or see the keys in application.properties"
                    : "did you mean " + meant + "?"));
  }

  @Test
  void should_leave_a_key_by_its_old_name_to_another_warning() {
    assertThat(inFile("retention.sent", "")).isEmpty();
  }

  @Test
  void should_leave_a_key_of_the_file_that_does_not_look_like_heralds() {
    assertThat(inFile("my.own", "")).isEmpty();
  }

  @Test
  void should_tell_a_system_property() {
    System.setProperty("webhook.timout", "1s");
    try {
      assertThat(inFile("", ""))
          .containsExactly(
              "-Dwebhook.timout is not a key of Herald's, and no route uses it, so it does nothing;"
                  + " did you mean webhook.timeout?");
    } finally {
      System.clearProperty("webhook.timout");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'{{webhook.germany}}'",
    "'{{?webhook.germany}}'",
    "'{{webhook.germany:http://localhost/}}'",
    "'${properties:webhook.germany}'",
    "'SELECT :#{{webhook.germany}}'",
  })
  void should_leave_a_key_that_the_flow_uses(String text) {
    assertThat(inFile("webhook.germany", text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"{{webhook.urls}}, WEBHOOK_URLS", "{{env:WEBHOOK_TIMOUT}}, WEBHOOK_TIMOUT"})
  void should_leave_a_variable_that_the_flow_uses(String text, String variable) {
    assertThat(inEnvironment("", variable)).hasSize(1);
    assertThat(inEnvironment(text, variable)).isEmpty();
  }

  @Test
  void should_leave_a_key_that_an_option_of_camel_uses() {
    file.setProperty("camel.component.http.proxy-host", "{{webhook.host}}");
    assertThat(inFile("webhook.host", "")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "WEBHOOK_TIMOUT, WEBHOOK_TIMEOUT",
    "WEBHOOK_TIMEOTU, WEBHOOK_TIMEOUT",
    "WEBHOK_TIMEOUT, WEBHOOK_TIMEOUT",
    "WEBHOOK_ULR, WEBHOOK_URL",
    "WEBHOOK_URI, WEBHOOK_URL",
    "API_KYE, API_KEY",
    "API_KEYS, API_KEY",
    "DATABSE_URL, DATABASE_URL",
    "DATABASE_PASWORD_FLE, DATABASE_PASSWORD_FILE",
    "RETRY_MAXATTEMPTS, RETRY_MAX_ATTEMPTS",
    "RETRY_MAX_ATEMPS, RETRY_MAX_ATTEMPTS",
    "DISPATCH_BATCHSIZE, DISPATCH_BATCH_SIZE",
    "webhook_url, WEBHOOK_URL",
    "WEBHOOK_TLS_KEY_FILE, WEBHOOK_TLS_KEY",
    "LOG_LEVLE, LOG_LEVEL",
  })
  void should_tell_a_variable_that_is_misspelt(String variable, String meant) {
    assertThat(inEnvironment("", variable))
        .containsExactly(
            variable
                + " in the environment is not a key of Herald's, and no route uses it, so it does"
                + " nothing; did you mean "
                + meant
                + "?");
  }

  /** What shells, Kubernetes, Docker, CI, JVMs and the programs next door set. */
  @Test
  void should_leave_the_variables_of_others() {
    Stream<String> others =
        Stream.of(
            """
            PATH HOME HOSTNAME LANG LC_ALL PWD OLDPWD SHLVL TERM USER LOGNAME SHELL TZ TMPDIR _ JAVA_HOME JAVA_OPTS
            JAVA_TOOL_OPTIONS JAVA_VERSION JDK_JAVA_OPTIONS MAVEN_OPTS MAVEN_HOME LD_LIBRARY_PATH SSH_AUTH_SOCK MAIL CI
            GITHUB_TOKEN GITHUB_SERVER_URL GITHUB_API_URL RUNNER_NAME NODE_ENV NODE_VERSION NODE_OPTIONS NODE_PATH NODE_IP
            NODE_HOST NODE_HOME POD_NAME POD_IP CODE_NAME INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET LISTEN_FDS
            CREDENTIALS_DIRECTORY API_URL API_HOST API_PORT API_TOKEN API_SECRET API_BASE_URL API_KEY_ID API_VERSION
            DATABASE_HOST DATABASE_NAME DATABASE_USER DATABASE_PORT DATABASE_SSL DATABASE_SCHEMA DATABASE_URL_RO
            DATABASE_READ_URL DATABASE_POOL DATABASE_POOL_MAX DB_URL POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE PGPASSWORD
            REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USER REDIS_DB REDIS_TLS REDIS_VERSION REDIS_DOWNLOAD_URL
            WEBHOOK_SECRET WEBHOOK_TOKEN WEBHOOK_KEY WEBHOOK_PORT WEBHOOK_HOST WEBHOOK_PATH WEBHOOK_ID SERVER_NAME
            SERVER_PATH SERVER_ROOT SERVER_URL SERVER_ADDRESS SERVER_SERVLET_CONTEXT_PATH MANAGEMENT_SERVER_PORT
            MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE SPRING_DATASOURCE_URL EVENTS_TOPIC EVENTS_URL MESSAGE_QUEUE MESSAGES
            MESSAGE_BROKER_URL HEALTH_PORT HEALTH_CHECK_PATH RETENTION_DAYS ROUTES_PREFIX CIRCUIT_BREAKER LOG_FILE LOG_DIR
            LOG_PATH LOG_FORMATTER LOGGING_LEVEL_ROOT HTTP_PROXY HTTPS_PROXY NO_PROXY OTEL_SERVICE_NAME"""
                .split("\\s+"));
    Stream<String> services =
        Stream.of("HERALD", "REDIS", "DATABASE", "WEBHOOK", "SERVER", "API", "EVENTS", "NODE")
            .flatMap(
                name ->
                    Stream.of(
                            "_SERVICE_HOST",
                            "_SERVICE_PORT",
                            "_SERVICE_PORT_HTTP",
                            "_PORT",
                            "_PORT_8080_TCP",
                            "_PORT_8080_TCP_ADDR",
                            "_PORT_8080_TCP_PORT",
                            "_PORT_8080_TCP_PROTO",
                            "_NAME",
                            "_ENV_GOSU_VERSION")
                        .map(name::concat));
    assertThat(inEnvironment("", Stream.concat(others, services).toArray(String[]::new))).isEmpty();
  }

  private List<String> inFile(String key, String flow) {
    if (!key.isEmpty()) {
      file.setProperty(key, "x");
    }
    return UnknownKeys.in(
        new ConfigurationSources(new Properties(), Map.of(), file), Stream.of(flow));
  }

  private List<String> inEnvironment(String flow, String... variables) {
    Map<String, String> environment =
        Arrays.stream(variables)
            .collect(Collectors.toMap(name -> name, any -> "x", (one, same) -> one));
    return UnknownKeys.in(
        new ConfigurationSources(new Properties(), environment, file), Stream.of(flow));
  }
}
