package dev.herald.intake;

import java.time.Instant;
import java.util.UUID;

/**
 * A message that was checked and is about to be stored.
 *
 * @param id time-ordered
 * @param phoneNumber E.164
 * @param sendAt not before; may be null
 * @param expiresAt never after; may be null
 */
public record NewMessage(
    UUID id, String phoneNumber, String content, Instant sendAt, Instant expiresAt) {}
