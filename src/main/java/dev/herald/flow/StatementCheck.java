package dev.herald.flow;

import java.sql.SQLException;
import java.util.Optional;
import javax.sql.DataSource;

/** Asks a database about a statement. */
public interface StatementCheck {
  /**
   * @param sql with a {@code ?} for each parameter
   * @return what the database says against it; nothing if it accepts it
   * @throws SQLException if it does not respond
   */
  Optional<String> refusal(DataSource source, String sql) throws SQLException;
}
