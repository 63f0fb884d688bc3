package dev.herald.control;

import dev.herald.dispatch.Claim;
import dev.herald.message.MassActions;
import dev.herald.message.Message;
import org.apache.camel.Body;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs what a key changed, with the key's name: ids and counts, never a message's content or phone
 * number. Stateless.
 */
public final class AuditLog {
  private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);

  public void switched(@Variable("key") String key, @Body SchedulerState state) {
    LOG.info(
        "Key {} turned delivery {}; in this state since {} by {}",
        key,
        state.running() ? "on" : "off",
        state.changedAt(),
        state.reason() == null ? state.changedBy() : state.changedBy() + ": " + state.reason());
  }

  public void changed(@Variable("key") String key, @Body Message message) {
    LOG.info("Key {} changed message {}", key, message.id());
  }

  public void cancelled(@Variable("key") String key, @Body Message message) {
    LOG.info("Key {} cancelled message {}", key, message.id());
  }

  public void retried(@Variable("key") String key, @Body Message message) {
    LOG.info("Key {} sends message {} again", key, message.id());
  }

  public void retriedMany(
      @Variable("key") String key,
      @Variable("filter") MassActions.Filter filter,
      @Variable("slice") MassActions.Slice slice) {
    many(key, "sends {} of {} messages again", filter, slice);
  }

  public void cancelledMany(
      @Variable("key") String key,
      @Variable("filter") MassActions.Filter filter,
      @Variable("slice") MassActions.Slice slice) {
    many(key, "cancelled {} of {} messages", filter, slice);
  }

  private static void many(
      String key, String did, MassActions.Filter filter, MassActions.Slice slice) {
    if (!filter.dryRun()) {
      LOG.info(
          "Key {} " + did + " that matched {}{}",
          key,
          slice.changed(),
          slice.matched(),
          filter.shown(),
          filter.reason() == null ? "" : ": " + filter.reason());
    }
  }

  public void delivers(@Variable("key") String key, @Variable("claim") Claim claim) {
    LOG.info("Key {} delivers a batch of up to {} by hand", key, claim.limit());
  }

  public void started(@Variable("key") String key, @Body Routes.View route) {
    LOG.info("Key {} started route {}", key, route.id());
  }

  public void stopped(@Variable("key") String key, @Body Routes.View route) {
    LOG.info("Key {} stopped route {}", key, route.id());
  }
}
