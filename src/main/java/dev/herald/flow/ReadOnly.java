package dev.herald.flow;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** Connections whose transactions can only read, and are never committed. Thread-safe. */
final class ReadOnly extends DelegatingDataSource {
  ReadOnly(DataSource dataSource) {
    super(dataSource);
  }

  /** The pool rolls back what is open when the connection is closed. */
  @Override
  public Connection getConnection() throws SQLException {
    Connection connection = super.getConnection();
    connection.setReadOnly(true);
    connection.setAutoCommit(false);
    return connection;
  }
}
