package dev.herald.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What is secret in the configuration is not shown, and what is not secret is. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SecretsTest {
  private static final Map<String, String> CONFIGURATION =
      Map.of(
          "api.key", "ops:a-key-of-the-api,reports:another-key",
          "webhook.auth-header", "X-Api-Token",
          "webhook.auth-value", "Bearer of-the-provider",
          "webhook.auth-value.germany", "of-germany",
          "provider.token-url", "http://127.0.0.1:9000/token",
          "provider.client-id", "herald-client",
          "provider.client-secret", "of-the-client",
          "server.tls.key", "/etc/tls/key.pem",
          "database.password", "of-the-database",
          "message.max-length", "255");

  private final Secrets secrets =
      new Secrets(CONFIGURATION.keySet(), key -> Optional.ofNullable(CONFIGURATION.get(key)));

  @Test
  void should_mask_secrets_wherever_they_stand() {
    assertThat(
            secrets.mask(
                "a-key-of-the-api another-key Bearer of-the-provider of-germany of-the-client of-the-database"))
        .isEqualTo("*** *** *** *** *** ***");
  }

  @Test
  void should_leave_what_is_no_secret() {
    String plain =
        "ops reports http://127.0.0.1:9000/token herald-client /etc/tls/key.pem 255 token";
    assertThat(secrets.mask(plain)).isEqualTo(plain);
  }

  @Test
  void should_mask_headers_that_authenticate() {
    assertThat(secrets.maskHeader("x-api-token", "anything")).isEqualTo("***");
    assertThat(secrets.maskHeader("Authorization", "Basic abc")).isEqualTo("***");
    assertThat(secrets.maskHeader("Cookie", "id=1")).isEqualTo("***");
    assertThat(secrets.maskHeader("X-Api-Key", "anything")).isEqualTo("***");
    assertThat(secrets.maskHeader("X-Auth-Token", "anything")).isEqualTo("***");
    assertThat(secrets.maskHeader("Idempotency-Key", "m-1")).isEqualTo("m-1");
    assertThat(secrets.maskHeader("X-Campaign", "spring of-the-client")).isEqualTo("spring ***");
  }

  @Test
  void should_mask_parameters_that_are_called_like_secrets() {
    assertThat(secrets.maskPath("/send?to=1&api_key=abc&sig=def&x=of-germany"))
        .isEqualTo("/send?to=1&api_key=***&sig=***&x=***");
  }
}
