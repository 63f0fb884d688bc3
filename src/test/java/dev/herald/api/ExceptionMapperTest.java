package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.ProblemException;
import java.sql.SQLException;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.jdbc.BadSqlGrammarException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;
import org.springframework.jdbc.UncategorizedSQLException;

/** What a client learns of a failure, and what it does not. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ExceptionMapperTest {
  private static final String SQL = "SELECT * FROM message";

  static Exception[] thatSayPostgresqlIsAway() {
    return new Exception[] {
      new CannotGetJdbcConnectionException(SQL, new SQLException("refused", "08001")),
      new DataAccessResourceFailureException(SQL, new SQLException("reset", "08006")),
      new QueryTimeoutException(SQL),
      new UncategorizedSQLException("task", SQL, new SQLException("admin shutdown", "57P01")),
      new BadSqlGrammarException("task", SQL, new SQLException("closed", "08003")),
    };
  }

  static Exception[] thatAreFaultsOfOurs() {
    return new Exception[] {
      new BadSqlGrammarException("task", SQL, new SQLException("no such table", "42P01")),
      new UncategorizedSQLException("task", SQL, new SQLException("no state")),
      new DataIntegrityViolationException(SQL),
      new DataAccessResourceFailureException(SQL, new SQLException("index row size", "54000")),
      new IllegalStateException(SQL, new SQLException("refused", "08001")),
      new NullPointerException("\"this.field\" is null"),
    };
  }

  @ParameterizedTest
  @MethodSource("thatSayPostgresqlIsAway")
  void should_ask_to_try_again_while_postgresql_is_away(Exception failure) {
    Exchange exchange = answer(failure);
    assertThat(problem(exchange).path("type").asText()).endsWith(":unavailable");
    assertThat(exchange.getMessage().getHeaders())
        .containsOnly(
            entry("Retry-After", "2"),
            entry(Exchange.HTTP_RESPONSE_CODE, 503),
            entry(Exchange.CONTENT_TYPE, "application/problem+json"));
  }

  @ParameterizedTest
  @MethodSource("thatAreFaultsOfOurs")
  void should_say_no_more_than_that_the_log_knows(Exception failure) {
    Exchange exchange = answer(failure);
    assertThat(problem(exchange).path("type").asText()).endsWith(":internal");
    assertThat(exchange.getMessage().getHeaders())
        .containsEntry(Exchange.HTTP_RESPONSE_CODE, 500)
        .doesNotContainKey("Retry-After");
  }

  @ParameterizedTest
  @MethodSource({"thatSayPostgresqlIsAway", "thatAreFaultsOfOurs"})
  void should_let_out_no_sql_no_class_and_no_trace(Exception failure) {
    String body = answer(failure).getMessage().getBody(String.class);
    assertThat(body)
        .doesNotContain(SQL)
        .doesNotContain(failure.getMessage())
        .doesNotContain("Exception")
        .doesNotContain("java.")
        .doesNotContain("dev.herald")
        .doesNotContain("\\tat ");
    assertThat(body).contains("\"correlationId\":\"c-1\"");
  }

  @Test
  void should_pass_on_what_was_said_on_purpose() {
    Exchange exchange = answer(new ProblemException(Problem.Type.CONFLICT, "it is SENT"));
    assertThat(problem(exchange).path("detail").asText()).isEqualTo("it is SENT");
    assertThat(exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE)).isEqualTo(409);
  }

  @Test
  void should_name_every_invalid_field_to_a_route_that_answers_in_its_own_way() {
    Exchange exchange =
        failed(
            new RuntimeCamelException(
                new ProblemException(
                    Problem.of(
                        Problem.Type.INVALID,
                        List.of(
                            new FieldError("/phoneNumber", "required", "is missing"),
                            new FieldError("/content", "text", "must not be blank"))))));
    JsonNode explained = new ExceptionMapper(new Json(), any -> {}).explain(exchange);
    assertThat(explained.path("detail").asText())
        .isEqualTo("phoneNumber is missing; content must not be blank");
    assertThat(exchange.getMessage().getHeaders())
        .containsOnly(entry(Exchange.HTTP_RESPONSE_CODE, 400));
  }

  private static Exchange answer(Exception failure) {
    Exchange exchange = failed(failure);
    new ExceptionMapper(new Json(), any -> {}).process(exchange);
    return exchange;
  }

  private static Exchange failed(Exception failure) {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.setProperty(Exchange.EXCEPTION_CAUGHT, failure);
    exchange.setVariable("correlationId", "c-1");
    exchange.getMessage().setHeader("Location", "/left/by/the/route");
    return exchange;
  }

  private static JsonNode problem(Exchange exchange) {
    return Json.read(exchange.getMessage().getBody(String.class).getBytes());
  }
}
