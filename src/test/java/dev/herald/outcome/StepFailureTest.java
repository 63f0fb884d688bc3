package dev.herald.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.dispatch.Samples;
import dev.herald.message.ClaimedMessage;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.apache.camel.CamelExchangeException;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The ugliest causes, none of which may bring a class, a trace or the message into its status. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class StepFailureTest {
  private static final ClaimedMessage MESSAGE =
      new ClaimedMessage(
          UUID.randomUUID(),
          UUID.randomUUID(),
          "+905551234567",
          "Your \u015fifre is 774411, \ud83d\udd11 Zanzibar",
          1,
          3,
          "correlation-1",
          false,
          null,
          0,
          null,
          false,
          "order-Tango77",
          Map.of("campaign", "Quebec"));

  @Test
  void should_name_no_class_and_quote_nothing_of_a_library() {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.getMessage().setBody(MESSAGE.content());
    List<Throwable> causes =
        List.of(
            thrown(() -> new ObjectMapper().readTree(MESSAGE.content())),
            thrown(() -> new ObjectMapper().readValue("\"Zanzibar\"", Integer.class)),
            thrown(() -> new ObjectMapper().writeValueAsString(new Object())),
            thrown(() -> Integer.parseInt("Zanzibar")),
            thrown(() -> (Integer) (Object) "Zanzibar"),
            thrown(() -> Map.of().get("x").toString()),
            thrown(() -> "Zanzibar".substring(20)),
            thrown(() -> LocalDate.parse("Zanzibar")),
            thrown(() -> List.of().iterator().next()),
            thrown(() -> exchange.getMessage().getMandatoryBody(Exception.class)),
            new SQLException("invalid input syntax: \"Zanzibar\"", "22P02"),
            new IllegalStateException(new SQLException("Key (phone)=(+905551234567)", "23505")),
            new CamelExchangeException("Cannot do it", exchange),
            new InvalidPayloadException(exchange, String.class, exchange.getMessage()),
            new IllegalStateException(),
            new IllegalStateException("", new StackOverflowError()),
            new NoSuchElementException(
                "dev.herald.message.ClaimedMessage@1f2e3d: Zanzibar\n\tat x"));
    for (Throwable cause : causes) {
      assertThat(StepFailure.inWords(new IllegalStateException(cause), MESSAGE))
          .as(cause.toString())
          .isNotBlank()
          .doesNotContain("Zanz", "ifre", "774411", "5551234", "Exception", "java", "dev.herald")
          .doesNotContain("camel", "Object", "String", "\n", "Tango", "Quebec");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "there is no tariff yet, there is no tariff yet",
    "no route to +905551234567, no route to +***",
    "05551234567 and 5551234567 are unknown, *** and *** are unknown",
    "'text ''Zanz'' [truncated 10]', 'text ''***'' [truncated 10]'",
    "ZANZIBAR and xZanzibarx, *** and ***",
    "\\u015fifre or %C5%9Fifre, *** or ***",
    "Tango77 in Quebec, *** in ***",
    "\ud83d\udd11 is odd, *** is odd",
    "costs $1 \\ more, costs $1 \\ more",
    "code 774411, code ***",
  })
  void should_keep_the_words_of_an_operator_but_not_those_of_the_message(
      String text, String shown) {
    assertThat(StepFailure.inWords(new IllegalStateException(text), MESSAGE)).isEqualTo(shown);
  }

  @Test
  void should_end_with_a_cause_that_causes_itself() {
    Exception one = new IllegalStateException();
    one.initCause(new IllegalArgumentException(one));
    assertThat(StepFailure.inWords(one, Samples.message())).isNotBlank();
  }

  private static Throwable thrown(Callable<?> work) {
    try {
      throw new AssertionError("it returned " + work.call());
    } catch (Exception e) {
      return e;
    }
  }
}
