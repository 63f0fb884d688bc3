package dev.herald.config;

import java.util.Optional;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.spi.PropertiesSource;

/**
 * The value of a route's {@code {{key}}}: the same that Herald reads for the key. By itself Camel
 * prefers the environment to a system property.
 */
public record Placeholders(Function<String, Optional<String>> configuration)
    implements PropertiesSource {

  /**
   * @param configuration returns a key's value as it was written, or nothing
   */
  public static void resolve(CamelContext camel, Function<String, Optional<String>> configuration) {
    PropertiesComponent properties = (PropertiesComponent) camel.getPropertiesComponent();
    properties.setSystemPropertiesMode(PropertiesComponent.SYSTEM_PROPERTIES_MODE_NEVER);
    properties.setEnvironmentVariableMode(PropertiesComponent.ENVIRONMENT_VARIABLES_MODE_NEVER);
    properties.addPropertiesSource(new Placeholders(configuration));
  }

  @Override
  public String getName() {
    return "herald";
  }

  @Override
  public String getProperty(String name) {
    return configuration.apply(name).orElse(null);
  }
}
