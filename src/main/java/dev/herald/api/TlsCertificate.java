package dev.herald.api;

import dev.herald.config.ConfigurationException;
import dev.herald.config.KeyPairs;
import dev.herald.config.Settings;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.SSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import javax.net.ssl.X509KeyManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate that the API is served with: read at start, and again when one of its files
 * changes, so that a renewed one needs no restart. Used by one thread at a time.
 */
final class TlsCertificate {
  private static final Logger LOG = LoggerFactory.getLogger(TlsCertificate.class);

  /** How often the files are looked at. */
  private static final long LOOK_MS = 1_000;

  private static final List<String> KEY_TYPES = List.of("RSA", "EC", "EdDSA");

  private final Settings.Tls files;
  private List<FileTime> read;

  TlsCertificate(Settings.Tls files) {
    this.files = files;
    this.read = times();
  }

  /**
   * @throws ConfigurationException when the files do not hold a certificate and its key
   */
  void check() {
    try {
      verify();
    } catch (Exception e) {
      throw new ConfigurationException(
          "server.tls.certificate=%s and server.tls.key=%s cannot be used: %s"
              .formatted(files.certificate(), files.key(), e.getMessage()));
    }
  }

  private void verify() throws Exception {
    X509KeyManager keys =
        (X509KeyManager)
            new PemKeyCertOptions()
                .setCertValue(Buffer.buffer(Files.readAllBytes(files.certificate())))
                .setKeyValue(Buffer.buffer(Files.readAllBytes(files.key())))
                .getKeyManagerFactory(null)
                .getKeyManagers()[0];
    for (String type : KEY_TYPES) {
      String[] names = keys.getServerAliases(type, null);
      for (String name : names == null ? new String[0] : names) {
        KeyPairs.check(keys.getPrivateKey(name), keys.getCertificateChain(name)[0].getPublicKey());
      }
    }
  }

  /** What the server starts with. */
  HttpServerOptions options() {
    return new HttpServerOptions().setSsl(true).setUseAlpn(true).setKeyCertOptions(pair());
  }

  /** From now on a server takes up what changes. */
  void watch(Vertx vertx, HttpServer server) {
    vertx.setPeriodic(
        LOOK_MS,
        timer ->
            vertx
                .executeBlocking(() -> changed() && usable())
                .onSuccess(
                    renewed -> {
                      if (renewed) {
                        renew(server);
                      }
                    }));
  }

  private void renew(HttpServer server) {
    server
        .updateSSLOptions(new SSLOptions().setUseAlpn(true).setKeyCertOptions(pair()), true)
        .onSuccess(done -> LOG.info("The API has a new certificate, from {}", files.certificate()))
        .onFailure(this::keep);
  }

  /** The server would not serve with files that are not there, half written or no pair. */
  private boolean usable() {
    try {
      verify();
      return true;
    } catch (Exception e) {
      keep(e);
      return false;
    }
  }

  private void keep(Throwable failure) {
    LOG.warn(
        "{} and {} have changed but cannot be used, so the previous certificate stays in use: {}",
        files.certificate(),
        files.key(),
        failure.getMessage());
  }

  private boolean changed() {
    List<FileTime> now = times();
    boolean changed = !now.isEmpty() && !now.equals(read);
    if (changed) {
      read = now;
    }
    return changed;
  }

  /** Empty while one of them is not there. */
  private List<FileTime> times() {
    try {
      return List.of(
          Files.getLastModifiedTime(files.certificate()), Files.getLastModifiedTime(files.key()));
    } catch (IOException e) {
      return List.of();
    }
  }

  private PemKeyCertOptions pair() {
    return new PemKeyCertOptions()
        .setCertPath(absolute(files.certificate()))
        .setKeyPath(absolute(files.key()));
  }

  private static String absolute(Path file) {
    return file.toAbsolutePath().toString();
  }
}
