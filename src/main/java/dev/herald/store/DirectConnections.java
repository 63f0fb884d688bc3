package dev.herald.store;

import dev.herald.config.Settings;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/** Connections outside the pools: for the start, the probe and those that stay open. Immutable. */
public record DirectConnections(Settings.Database settings) {

  /** For a moment. */
  Connection open() throws SQLException {
    return DriverManager.getConnection(settings.url().address(), properties());
  }

  /**
   * One that stays open.
   *
   * @param name as PostgreSQL shows it
   */
  public Connection open(String name) throws SQLException {
    Properties properties = properties();
    properties.setProperty("ApplicationName", name);
    properties.setProperty("tcpKeepAlive", "true");
    return DriverManager.getConnection(settings.url().address(), properties);
  }

  private Properties properties() {
    Properties properties = new Properties();
    properties.putAll(settings.url().login());
    properties.setProperty("user", settings.username());
    properties.setProperty("password", settings.password());
    properties.setProperty("connectTimeout", Integer.toString(seconds()));
    properties.setProperty("socketTimeout", Integer.toString(seconds() + 1));
    return properties;
  }

  /** {@code database.timeout} in whole seconds, the unit of the driver. */
  public int seconds() {
    return (int) Math.max(1, settings.timeout().toSeconds());
  }
}
