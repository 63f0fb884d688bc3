package dev.herald.problem;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.sql.SQLException;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ReasonTest {
  @Test
  void should_be_the_deepest_message() {
    assertThat(Reason.of(new IllegalStateException("outer", new SQLException("inner"))))
        .isEqualTo("inner");
  }

  /** As of a connection that was cut. */
  @Test
  void should_pass_over_a_cause_without_a_message() {
    assertThat(Reason.of(new SQLException("An I/O error occurred", "08006", new EOFException())))
        .isEqualTo("An I/O error occurred");
  }

  @Test
  void should_be_the_class_where_nothing_says_more() {
    assertThat(Reason.of(new IllegalStateException(new EOFException())))
        .isEqualTo("java.io.EOFException");
  }
}
