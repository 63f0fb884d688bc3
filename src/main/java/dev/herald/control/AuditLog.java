package dev.herald.control;

import dev.herald.api.ApiHeaders;
import dev.herald.api.RequestLog;
import dev.herald.dispatch.Claim;
import dev.herald.message.Message;
import org.apache.camel.Body;
import org.apache.camel.Header;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs what a key changed, with the key's name: ids and counts, never a message's content or phone
 * number. Stateless.
 */
public final class AuditLog {
  private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);

  public void switched(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Body SchedulerState state) {
    log(
        correlationId,
        "Key {} turned delivery {}; in this state since {} by {}",
        key,
        state.running() ? "on" : "off",
        state.changedAt(),
        state.reason() == null ? state.changedBy() : state.changedBy() + ": " + state.reason());
  }

  public void changed(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Body Message message) {
    log(correlationId, "Key {} changed message {}", key, message.id());
  }

  public void cancelled(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Body Message message) {
    log(correlationId, "Key {} cancelled message {}", key, message.id());
  }

  public void retried(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Body Message message) {
    log(correlationId, "Key {} sends message {} again", key, message.id());
  }

  public void delivers(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Variable("claim") Claim claim) {
    log(correlationId, "Key {} delivers a batch of up to {} by hand", key, claim.limit());
  }

  public void started(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Body Routes.View route) {
    log(correlationId, "Key {} started route {}", key, route.id());
  }

  public void stopped(
      @Header(ApiHeaders.KEY_NAME) String key,
      @Header(ApiHeaders.CORRELATION_ID) String correlationId,
      @Body Routes.View route) {
    log(correlationId, "Key {} stopped route {}", key, route.id());
  }

  private static void log(String correlationId, String format, Object... what) {
    RequestLog.with(correlationId, () -> LOG.info(format, what));
  }
}
