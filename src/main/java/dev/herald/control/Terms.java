package dev.herald.control;

import dev.herald.config.Settings;
import dev.herald.config.Settings.OnAmbiguous;

/**
 * What the housekeeping's statements go by.
 *
 * @param hold whether what may have been sent waits for a person
 * @param retentionMs how long finished messages are kept; 0 for ever
 * @param keyTtlMs how long an idempotency key is remembered
 */
public record Terms(boolean hold, long retentionMs, long keyTtlMs) {
  public static Terms of(Settings settings) {
    return new Terms(
        settings.webhook().onAmbiguous() == OnAmbiguous.HOLD,
        settings.messages().retention().toMillis(),
        settings.api().idempotencyTtl().toMillis());
  }
}
