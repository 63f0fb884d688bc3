package dev.herald.wiring;

import dev.herald.api.ApiServer;
import dev.herald.config.Durations;
import dev.herald.config.Settings;
import dev.herald.config.Version;
import dev.herald.event.EventReader;
import dev.herald.flow.Flow;
import dev.herald.flow.FlowWatch;
import dev.herald.webhook.WebhookClient;
import org.apache.camel.CamelContext;
import org.apache.camel.StartupListener;
import org.apache.camel.component.micrometer.eventnotifier.MicrometerRouteEventNotifier;
import org.apache.camel.spi.EventNotifier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the port when every route is ready. */
record WhenStarted(
    ApiServer server,
    WebhookClient client,
    Flow flow,
    FlowWatch watch,
    EventReader events,
    Settings settings)
    implements StartupListener {
  private static final Logger LOG = LoggerFactory.getLogger("dev.herald.Herald");

  /** Turns off exchange events, four per exchange, which the route metrics do not need. */
  @Override
  public void onCamelContextStarted(CamelContext camel, boolean alreadyStarted) {
    client.checkUrls(camel.getEndpoints());
    for (EventNotifier notifier : camel.getManagementStrategy().getEventNotifiers()) {
      if (notifier instanceof MicrometerRouteEventNotifier) {
        notifier.setIgnoreExchangeEvents(true);
      }
    }
  }

  @Override
  public void onCamelContextFullyStarted(CamelContext camel, boolean alreadyStarted) {
    flow.started();
    if (!settings.routes().watch().isZero()) {
      watch.start();
    }
    events.start();
    if (server.listen()) {
      Settings.Dispatch dispatch = settings.dispatch();
      LOG.info(
          "Herald {}, node {}, listens on {}:{}, and delivers to {}, {}",
          Version.TEXT,
          settings.nodeName(),
          settings.server().host(),
          settings.server().port(),
          settings.webhook().url().host().getHostName(),
          dispatch.continuous()
              ? "continuously"
              : "%d messages every %s"
                  .formatted(dispatch.batchSize(), Durations.show(dispatch.interval())));
    }
  }
}
