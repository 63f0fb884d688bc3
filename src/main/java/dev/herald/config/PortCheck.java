package dev.herald.config;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks that both ports are free before anything starts, and reports both at once. If the
 * management port is taken, Camel only logs it; if the API's port is taken, the start would fail
 * only after the wait for PostgreSQL.
 */
public final class PortCheck {
  private PortCheck() {}

  /**
   * @throws ConfigurationException naming each key whose port cannot be opened
   */
  public static void check(Settings settings) {
    List<String> problems = new ArrayList<>();
    check("server", settings.server().host(), settings.server().port(), problems);
    check("management", settings.management().host(), settings.management().port(), problems);
    ConfigurationException.throwIfAny(problems);
  }

  private static void check(String prefix, String host, int port, List<String> problems) {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) {
      problems.add(
          "%s.host=%s cannot be resolved; set an address of this machine".formatted(prefix, host));
      return;
    }
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(address);
    } catch (IOException e) {
      problems.add(
          "%s.port=%d cannot be opened on %s: %s; stop the process that uses it, or set another %s.port"
              .formatted(prefix, port, host, e.getMessage(), prefix));
    }
  }
}
