package dev.herald.receipt;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * The receipts that one statement records; the columns are the parameters of {@code
 * sql/record-receipts.sql}.
 */
public final class ReceiptBatch {
  private final List<Receipt> receipts;
  private final Duration keep;
  private final boolean kept;

  /**
   * @param keep how long to keep a receipt whose message is not known
   * @param kept whether to look at those that were kept, instead of new ones
   */
  ReceiptBatch(List<Receipt> receipts, Duration keep, boolean kept) {
    this.receipts = receipts;
    this.keep = keep;
    this.kept = kept;
  }

  public boolean isKept() {
    return kept;
  }

  public long getKeepMs() {
    return keep.toMillis();
  }

  public String[] getIds() {
    return column(Receipt::id);
  }

  public String[] getMessageIds() {
    return column(Receipt::messageId);
  }

  public String[] getStatuses() {
    return column(Receipt::status);
  }

  public String[] getAts() {
    return column(Receipt::at);
  }

  public String[] getCodes() {
    return column(Receipt::code);
  }

  public String[] getDetails() {
    return column(Receipt::detail);
  }

  private String[] column(Function<Receipt, Object> value) {
    return receipts.stream()
        .map(receipt -> Objects.toString(value.apply(receipt), null))
        .toArray(String[]::new);
  }
}
