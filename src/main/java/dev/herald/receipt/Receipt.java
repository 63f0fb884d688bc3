package dev.herald.receipt;

import java.time.Instant;
import java.util.UUID;

/**
 * What a provider says about a message that it has accepted.
 *
 * @param id Herald's id of the message; null if {@code messageId} names it
 * @param messageId the provider's id of the message; null if {@code id} names it
 * @param at when it was delivered or given up; null for now
 * @param code the provider's; may be null
 * @param detail the provider's words; may be null
 */
record Receipt(UUID id, String messageId, Status status, Instant at, String code, String detail) {

  /** How a delivery can end. */
  enum Status {
    DELIVERED,
    UNDELIVERED
  }
}
