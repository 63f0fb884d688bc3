package dev.herald.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.sql.SQLException;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class SqlFailuresTest {
  /** The driver's exception has the socket's as its cause, which has no SQLSTATE. */
  @Test
  void should_take_a_connection_that_was_cut_for_a_server_that_is_away() {
    SQLException cut = new SQLException("An I/O error occurred", "08006", new EOFException());
    assertThat(SqlFailures.away(cut)).isTrue();
  }

  @Test
  void should_not_take_a_wrong_statement_for_a_server_that_is_away() {
    assertThat(SqlFailures.away(new SQLException("syntax error", "42601"))).isFalse();
  }
}
