package dev.herald.api;

import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.SSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
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

  private final Settings.Tls files;
  private List<FileTime> read;

  TlsCertificate(Settings.Tls files) {
    this.files = files;
    this.read = times();
  }

  /**
   * What the server starts with.
   *
   * @throws ConfigurationException when the files do not hold a certificate and its key
   */
  HttpServerOptions options(Vertx vertx) {
    try {
      pair().getKeyManagerFactory(vertx);
    } catch (Exception e) {
      throw new ConfigurationException(
          "server.tls.certificate=%s and server.tls.key=%s cannot be used: %s"
              .formatted(files.certificate(), files.key(), e.getMessage()));
    }
    return new HttpServerOptions().setSsl(true).setUseAlpn(true).setKeyCertOptions(pair());
  }

  /** From now on a server takes up what changes. */
  void watch(Vertx vertx, HttpServer server) {
    vertx.setPeriodic(
        LOOK_MS,
        timer ->
            vertx
                .executeBlocking(() -> changed() && usable(vertx))
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

  /** The server would not serve with files that are not, or only half written. */
  private boolean usable(Vertx vertx) {
    try {
      pair().getKeyManagerFactory(vertx);
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
