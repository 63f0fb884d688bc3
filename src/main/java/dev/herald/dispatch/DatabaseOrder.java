package dev.herald.dispatch;

import java.util.UUID;

/** The order of UUIDs in PostgreSQL: byte by byte, where Java compares signed numbers. */
final class DatabaseOrder {
  private DatabaseOrder() {}

  static int compare(UUID a, UUID b) {
    int high = Long.compareUnsigned(a.getMostSignificantBits(), b.getMostSignificantBits());
    return high != 0
        ? high
        : Long.compareUnsigned(a.getLeastSignificantBits(), b.getLeastSignificantBits());
  }
}
