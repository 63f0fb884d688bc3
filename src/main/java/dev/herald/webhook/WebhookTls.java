package dev.herald.webhook;

import dev.herald.ConfigurationException;
import dev.herald.Settings;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.nio.file.Path;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;

/** Whom Herald trusts when it calls a webhook, and how it shows who it is. */
public final class WebhookTls {
  private WebhookTls() {}

  /**
   * @param trust a PEM file with the certificates to trust, in place of Java's own
   * @param own the certificate and key to show when a provider asks (mutual TLS)
   * @throws ConfigurationException naming the key whose file cannot be used
   */
  public static SSLContext context(Optional<Path> trust, Optional<Settings.Tls> own) {
    SslContextBuilder builder = SslContextBuilder.forClient().sslProvider(SslProvider.JDK);
    trust.ifPresent(
        file -> use("webhook.tls.trust=" + file, () -> builder.trustManager(file.toFile())));
    own.ifPresent(
        pair ->
            use(
                "webhook.tls.certificate=%s and webhook.tls.key=%s"
                    .formatted(pair.certificate(), pair.key()),
                () -> builder.keyManager(pair.certificate().toFile(), pair.key().toFile())));
    try {
      return ((JdkSslContext) builder.build()).context();
    } catch (SSLException e) {
      throw new ConfigurationException("TLS cannot be set up for the webhook: " + e.getMessage());
    }
  }

  private static void use(String what, Runnable take) {
    try {
      take.run();
    } catch (IllegalArgumentException e) {
      Throwable reason = e.getCause() == null ? e : e.getCause();
      throw new ConfigurationException(
          "%s cannot be used: %s; it must be PEM, a key PKCS#8 without a password"
              .formatted(what, reason.getMessage()));
    }
  }
}
