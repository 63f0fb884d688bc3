package dev.herald.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.component.sql.DefaultSqlPrepareStatementStrategy;
import org.apache.camel.component.sql.SqlPrepareStatementStrategy;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ParsedStatementsTest {
  private final DefaultCamelContext camel = new DefaultCamelContext();
  private final ParsedStatements parsed = new ParsedStatements();
  private Exchange exchange;

  /** As a claim is. */
  public record One(UUID id, int limit, Two from) {
    public boolean paced() {
      return limit > 1;
    }
  }

  public record Two(String id) {}

  /** As a batch is. */
  public static final class Columns {
    public String[] getIds() {
      return new String[] {"1", "2"};
    }

    public boolean isForOthers() {
      return true;
    }
  }

  @BeforeEach
  void start() {
    camel.start();
    exchange = new DefaultExchange(camel);
    exchange.setVariable("one", new One(new UUID(0, 1), 2, new Two("x")));
    exchange.setVariable("columns", new Columns());
    exchange.setVariable("map", Map.of("id", "of a map"));
    exchange.setVariable("list", List.of(1, 2));
  }

  @AfterEach
  void stop() {
    camel.stop();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT :?${variable.one.id}::uuid, :?${variable.one.limit}, ':', :?${variable.one.id}",
        "SELECT :?${variable.one.from.id} WHERE :?${variable.one.paced}",
        "SELECT unnest(:?${variable.columns.ids}::text[]) WHERE :?${variable.columns.forOthers}",
        "SELECT :?${variable.map[id]}, :?${variable.one.limit}",
        "SELECT :?${variable.one.from}, :?map",
        "SELECT :?${variable.list.size}",
        "SELECT 1 WHERE 2 IN (:?in:list)",
        "SELECT 1",
      })
  void should_prepare_a_statement_as_camel_sql_does(String query) throws Exception {
    for (int i = 0; i < 2; i++) {
      assertThat(prepared(parsed, query))
          .usingRecursiveComparison()
          .isEqualTo(prepared(new DefaultSqlPrepareStatementStrategy(), query));
    }
  }

  @Test
  void should_read_a_variable_that_changed() throws Exception {
    String query = "SELECT :?${variable.one.limit}";
    assertThat(prepared(parsed, query)).containsExactly("SELECT ?", 2);
    exchange.setVariable("one", new One(null, 3, null));
    assertThat(prepared(parsed, query)).containsExactly("SELECT ?", 3);
    exchange.setVariable("one", new Two("y"));
    assertThat(prepared(parsed, "SELECT :?${variable.one.id}")).containsExactly("SELECT ?", "y");
  }

  private List<Object> prepared(SqlPrepareStatementStrategy strategy, String query)
      throws Exception {
    String sql = strategy.prepareQuery(query, true, exchange);
    List<Object> all = new ArrayList<>(List.of(sql));
    if (query.contains(":?")) {
      strategy
          .createPopulateIterator(query, sql, -1, exchange, null)
          .forEachRemaining(value -> all.add(value instanceof Iterator<?> in ? list(in) : value));
    }
    return all;
  }

  private static List<Object> list(Iterator<?> values) {
    List<Object> list = new ArrayList<>();
    values.forEachRemaining(list::add);
    return list;
  }
}
