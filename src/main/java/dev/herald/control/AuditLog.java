package dev.herald.control;

import dev.herald.dispatch.Claim;
import dev.herald.message.MassActions;
import dev.herald.message.Message;
import org.apache.camel.Body;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs what a key changed, with the key's name and id: ids and counts, never a message's content or
 * phone number. Stateless.
 */
public final class AuditLog {
  private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);

  public void switched(
      @Variable("key") String key, @Variable("keyId") String id, @Body SchedulerState state) {
    LOG.info(
        "{} turned delivery {}; in this state since {} by {}",
        who(key, id),
        state.running() ? "on" : "off",
        state.changedAt(),
        state.reason() == null ? state.changedBy() : state.changedBy() + ": " + state.reason());
  }

  public void changed(
      @Variable("key") String key, @Variable("keyId") String id, @Body Message message) {
    LOG.info("{} changed message {}", who(key, id), message.id());
  }

  public void cancelled(
      @Variable("key") String key, @Variable("keyId") String id, @Body Message message) {
    LOG.info("{} cancelled message {}", who(key, id), message.id());
  }

  public void retried(
      @Variable("key") String key, @Variable("keyId") String id, @Body Message message) {
    LOG.info("{} sends message {} again", who(key, id), message.id());
  }

  public void delivers(
      @Variable("key") String key, @Variable("keyId") String id, @Variable("claim") Claim claim) {
    LOG.info("{} delivers a batch of up to {} by hand", who(key, id), claim.limit());
  }

  public void retriedMany(
      @Variable("key") String key,
      @Variable("keyId") String id,
      @Variable("filter") MassActions.Filter filter,
      @Variable("slice") MassActions.Slice slice) {
    many(who(key, id), "sends {} of {} messages again", filter, slice);
  }

  public void cancelledMany(
      @Variable("key") String key,
      @Variable("keyId") String id,
      @Variable("filter") MassActions.Filter filter,
      @Variable("slice") MassActions.Slice slice) {
    many(who(key, id), "cancelled {} of {} messages", filter, slice);
  }

  private static void many(
      String who, String did, MassActions.Filter filter, MassActions.Slice slice) {
    if (!filter.dryRun()) {
      LOG.info(
          "{} " + did + " that matched {}{}",
          who,
          slice.changed(),
          slice.matched(),
          filter.shown(),
          filter.reason() == null ? "" : ": " + filter.reason());
    }
  }

  public void started(
      @Variable("key") String key, @Variable("keyId") String id, @Body Routes.View route) {
    LOG.info("{} started route {}", who(key, id), route.id());
  }

  public void stopped(
      @Variable("key") String key, @Variable("keyId") String id, @Body Routes.View route) {
    LOG.info("{} stopped route {}", who(key, id), route.id());
  }

  /**
   * A key, as lines of the log begin.
   *
   * @param id tells apart keys of one name; null if there is none
   */
  public static String who(String key, String id) {
    return id == null ? "Key " + key : "Key " + key + " (" + id + ")";
  }
}
