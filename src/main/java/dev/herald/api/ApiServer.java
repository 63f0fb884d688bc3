package dev.herald.api;

import dev.herald.config.Settings;
import io.vertx.core.Future;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server of the API. Camel's own opens its port before there are routes, so early clients get
 * 404. This one opens it when told to, runs the request filter from the first request on, and
 * answers unreadable requests with a problem too.
 */
public final class ApiServer extends VertxPlatformHttpServer {
  private static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);
  private static final Duration STEP = Duration.ofMillis(20);

  private final RequestFilter filter;
  private final Admission admission;
  private final Entrances entrances;
  private final Optional<ApiKeyFile> keyFile;
  private final Settings.Server settings;
  private Router router;
  private HttpServer server;

  /**
   * @param keyFile watched while the port is open
   */
  public ApiServer(
      Settings.Server settings,
      RequestFilter filter,
      Admission admission,
      Entrances entrances,
      Optional<ApiKeyFile> keyFile) {
    super(configuration(settings));
    this.filter = filter;
    this.admission = admission;
    this.entrances = entrances;
    this.keyFile = keyFile;
    this.settings = settings;
  }

  /** Camel must find this in its registry, or it uses the management server for the API. */
  public static VertxPlatformHttpServerConfiguration configuration(Settings.Server settings) {
    VertxPlatformHttpServerConfiguration configuration = new VertxPlatformHttpServerConfiguration();
    configuration.setBindHost(settings.host());
    configuration.setBindPort(settings.port());
    configuration.setMaxBodySize((long) settings.maxBodyBytes());
    configuration.getBodyHandler().setHandleFileUploads(false);
    return configuration;
  }

  /**
   * @throws dev.herald.config.ConfigurationException if the files are not a certificate and its key
   */
  public static void checkCertificate(Settings.Tls files) {
    new TlsCertificate(files).check();
  }

  @Override
  protected void initializeServer() {
    super.initializeServer();
    VertxPlatformHttpRouter camels =
        VertxPlatformHttpRouter.lookup(
            getCamelContext(), VertxPlatformHttpRouter.getRouterNameFromPort(settings.port()));
    router = camels;
    filter.guard(router);
    entrances.serve(router, camels.bodyHandler());
  }

  /** Called when Camel starts this service: not yet. */
  @Override
  protected void startServer() {}

  /** Opens the port; returns false if it was open already. */
  public boolean listen() {
    boolean closed = server == null;
    if (closed) {
      Optional<TlsCertificate> tls = settings.tls().map(TlsCertificate::new);
      server =
          getVertx()
              .createHttpServer(
                  tls.map(TlsCertificate::options)
                      .orElseGet(HttpServerOptions::new)
                      // Such a connection is not seen until its first request has arrived.
                      .setHttp2ClearTextEnabled(false))
              .requestHandler(request -> admission.begin(request, router))
              .invalidRequestHandler(filter::unreadable);
      admission.watch(getVertx(), server);
      await(server.listen(settings.port(), settings.host()));
      tls.ifPresent(one -> one.watch(getVertx(), server));
      keyFile.ifPresent(one -> one.watch(getVertx()));
    }
    return closed;
  }

  /** From now on each connection's next answer is its last, so that clients go elsewhere. */
  public void drain() {
    admission.drain();
  }

  /**
   * Takes no more connections, and waits until the requests under way are answered.
   *
   * @param when not before this, on the clock of {@link System#nanoTime}
   * @param end when to wait no longer
   */
  public void close(long when, long end) throws InterruptedException {
    if (server == null) {
      return;
    }
    long delay = when - System.nanoTime();
    if (delay > 0) {
      LOG.info(
          "Stopping: the API takes requests for another {} ms (server.drain-delay)",
          TimeUnit.NANOSECONDS.toMillis(delay));
      TimeUnit.NANOSECONDS.sleep(delay);
    }
    // Closes the port only; connections end with Vert.x.
    stopServer();
    while (admission.held() > 0 && System.nanoTime() < end) {
      TimeUnit.NANOSECONDS.sleep(STEP.toNanos());
    }
  }

  @Override
  public HttpServer getServer() {
    return server;
  }

  @Override
  protected void stopServer() {
    if (server != null) {
      await(server.close());
      server = null;
    }
  }

  @Override
  protected void stopVertx() {
    if (getVertx() != null) {
      await(getVertx().close());
    }
  }

  private static void await(Future<?> future) {
    future.toCompletionStage().toCompletableFuture().join();
  }
}
