package dev.herald.config;

import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;

/**
 * TLS of Herald as a client: the authorities to trust, and its client certificate for the webhook.
 */
public final class ClientTls {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----");

  private ClientTls() {}

  /**
   * @param trust a PEM file with the certificates to trust instead of Java's
   * @param own the client certificate and its key, for mutual TLS
   * @throws ConfigurationException naming the key whose file cannot be used
   */
  public static SSLContext context(Optional<Path> trust, Optional<Settings.Tls> own) {
    SslContextBuilder builder = trusting("webhook.tls.trust", trust);
    own.ifPresent(
        pair ->
            use(
                "webhook.tls.certificate=%s and webhook.tls.key=%s"
                    .formatted(pair.certificate(), pair.key()),
                () -> {
                  builder.keyManager(pair.certificate().toFile(), pair.key().toFile());
                  checkPair(pair);
                }));
    return built(builder);
  }

  /**
   * TLS without a client certificate.
   *
   * @param key the configuration key of the file
   * @param trust a PEM file with the certificates to trust instead of Java's
   * @throws ConfigurationException naming the key if its file cannot be used
   */
  public static SSLContext context(String key, Optional<Path> trust) {
    return built(trusting(key, trust));
  }

  /** TLS that trusts nobody, for who connects to nobody: reading Java's authorities takes time. */
  public static SSLContext none() {
    try {
      SSLContext none = SSLContext.getInstance("TLS");
      none.init(new KeyManager[0], new TrustManager[0], null);
      return none;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static SslContextBuilder trusting(String key, Optional<Path> trust) {
    SslContextBuilder builder = SslContextBuilder.forClient().sslProvider(SslProvider.JDK);
    trust.ifPresent(file -> use(key + "=" + file, () -> builder.trustManager(file.toFile())));
    return builder;
  }

  private static SSLContext built(SslContextBuilder builder) {
    try {
      return ((JdkSslContext) builder.build()).context();
    } catch (SSLException e) {
      throw new ConfigurationException("TLS cannot be set up: " + e.getMessage());
    }
  }

  private static void use(String what, Runnable take) {
    try {
      take.run();
    } catch (IllegalArgumentException e) {
      Throwable reason = e.getCause() == null ? e : e.getCause();
      throw new ConfigurationException(
          "%s cannot be used: %s; use PEM files, and a key in PKCS#8 without a password"
              .formatted(what, reason.getMessage()));
    }
  }

  private static void checkPair(Settings.Tls pair) {
    try (InputStream file = Files.newInputStream(pair.certificate())) {
      PublicKey itsKey =
          CertificateFactory.getInstance("X.509").generateCertificate(file).getPublicKey();
      Matcher pem = KEY.matcher(Files.readString(pair.key()));
      if (!pem.find()) {
        throw new IllegalArgumentException("the key is not PKCS#8");
      }
      PrivateKey key =
          KeyFactory.getInstance(itsKey.getAlgorithm())
              .generatePrivate(
                  new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1))));
      KeyPairs.check(key, itsKey);
    } catch (InvalidKeySpecException e) {
      throw new IllegalArgumentException("the key belongs to another certificate");
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
