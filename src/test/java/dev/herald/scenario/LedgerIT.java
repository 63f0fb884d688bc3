package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.scenario.Ledger.Balance;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes of the packaged jar under load, while nodes are killed and stand still, PostgreSQL
 * stops without a goodbye, Redis dies and freezes, and the webhook lies; and at the end the books.
 * {@code mvn verify} runs a short form, {@code mvn verify -Pfaults} the long one; {@code
 * -Dfaults.seed=} repeats the order of faults of an earlier run.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class LedgerIT {
  @TempDir Path folder;

  @Test
  void should_lose_nothing_and_post_again_only_what_was_in_flight() throws Exception {
    Balance balance = balance("retry");
    assertThat(balance.byStatus()).isEqualTo(Map.of("SENT", balance.accepted()));
    assertThat(balance.duplicatesOtherwise()).isZero();
    assertThat(balance.duplicates())
        .isLessThanOrEqualTo(balance.inFlightAtKills() + balance.duplicatesAfterSilence());
  }

  @Test
  void should_post_nothing_again_that_may_have_been_sent_when_told_to_hold_it() throws Exception {
    Balance balance = balance("hold");
    assertThat(balance.afterAmbiguous()).isZero();
    assertThat(balance.byStatus().keySet()).isSubsetOf("SENT", "UNKNOWN");
  }

  private Balance balance(String onAmbiguous) throws Exception {
    Storm storm =
        new Storm(
            Long.getLong("faults.seed", System.nanoTime()),
            Integer.getInteger("faults.nodes", 2),
            Integer.getInteger("faults.messages", 2_400),
            Integer.getInteger("faults.kills", 2));
    Balance balance = storm.run(folder, onAmbiguous);
    assertThat(balance.accepted()).isEqualTo(storm.messages());
    assertThat(balance.rows()).isEqualTo(balance.accepted());
    assertThat(balance.lost()).isZero();
    assertThat(balance.stuck()).isZero();
    assertThat(balance.notAccepted()).isZero();
    assertThat(balance.sentWithoutAnAnswer()).isZero();
    assertThat(balance.numbersWithTwoKeys()).isZero();
    assertThat(balance.tallyIsRight()).isTrue();
    return balance;
  }
}
