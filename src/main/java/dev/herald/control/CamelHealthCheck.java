package dev.herald.control;

import dev.herald.control.Health.Check;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * A check of {@link Health} among Camel's own, for {@code /observe/health} of the management port.
 * Camel knows no DEGRADED: such a part is UP there, and its details say what is wrong.
 */
public final class CamelHealthCheck extends AbstractHealthCheck {
  private final Health health;
  private final String name;

  private CamelHealthCheck(Health health, String name) {
    super("herald", "herald-" + name);
    this.health = health;
    this.name = name;
  }

  /** Adds every check. */
  public static void register(CamelContext camel, Health health) {
    HealthCheckRegistry registry = HealthCheckRegistry.get(camel);
    if (registry != null) {
      health.names().forEach(name -> registry.register(new CamelHealthCheck(health, name)));
    }
  }

  /** A process whose PostgreSQL is away need not be restarted for it. */
  @Override
  public boolean isLiveness() {
    return false;
  }

  @Override
  protected void doCall(HealthCheckResultBuilder result, Map<String, Object> options) {
    Check check = health.check(name);
    result.detail("status", check.status().name());
    if (check.detail() != null) {
      result.message(check.detail());
      result.detail("reason", check.detail());
    }
    result.state(check.status() == Health.State.DOWN ? State.DOWN : State.UP);
  }
}
