package dev.herald.message;

import java.util.UUID;

/** The order of UUIDs in PostgreSQL: byte by byte, where Java compares signed numbers. */
public final class IdOrder {
  private IdOrder() {}

  /** As {@link java.util.Comparator}. */
  public static int compare(UUID a, UUID b) {
    int high = Long.compareUnsigned(a.getMostSignificantBits(), b.getMostSignificantBits());
    return high != 0
        ? high
        : Long.compareUnsigned(a.getLeastSignificantBits(), b.getLeastSignificantBits());
  }
}
