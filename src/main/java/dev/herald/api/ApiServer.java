package dev.herald.api;

import dev.herald.Settings;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;

/**
 * The server that the API's routes are served by. Camel's own listens before there is any route,
 * and a client that comes then is told 404; this one listens when it is told to, and has the edge
 * in front from its first request.
 */
public final class ApiServer extends VertxPlatformHttpServer {
  private final Edge edge;
  private final int port;

  public ApiServer(Settings.Server settings, Edge edge) {
    super(configuration(settings));
    this.edge = edge;
    this.port = settings.port();
  }

  /** What Camel must find in its registry, or it takes the management server for the API's. */
  public static VertxPlatformHttpServerConfiguration configuration(Settings.Server settings) {
    VertxPlatformHttpServerConfiguration configuration = new VertxPlatformHttpServerConfiguration();
    configuration.setBindHost(settings.host());
    configuration.setBindPort(settings.port());
    configuration.setMaxBodySize((long) settings.maxBodyBytes());
    configuration.getBodyHandler().setHandleFileUploads(false);
    return configuration;
  }

  @Override
  protected void initializeServer() {
    super.initializeServer();
    edge.guard(
        VertxPlatformHttpRouter.lookup(
            getCamelContext(), VertxPlatformHttpRouter.getRouterNameFromPort(port)));
  }

  /** Called when Camel starts this service: not yet. */
  @Override
  protected void startServer() {}

  /** Opens the port, once. */
  public void listen() throws Exception {
    if (getServer() == null) {
      super.startServer();
    }
  }
}
