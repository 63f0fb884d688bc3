package dev.herald.flow;

import dev.herald.config.Placeholders;
import dev.herald.webhook.WebhookClient;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.Component;
import org.apache.camel.component.http.HttpComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.BeanRepository;
import org.apache.camel.spi.DataFormat;
import org.apache.camel.support.DefaultRegistry;
import org.apache.camel.support.LifecycleStrategySupport;
import org.apache.camel.support.PropertyBindingSupport;
import org.apache.camel.support.service.ServiceHelper;
import org.apache.camel.util.StringHelper;

/**
 * What a flow finds around it, and a context beside the live one that has the same.
 *
 * @param live the context that has the beans
 * @param configuration returns a key's value, or nothing
 * @param keys of the configuration
 * @param client of the real POSTs
 */
public record Surroundings(
    CamelContext live,
    Function<String, Optional<String>> configuration,
    Set<String> keys,
    WebhookClient client) {

  /** The secrets in the configuration, and in what the files take from the environment. */
  Secrets secrets(FlowFiles files) {
    Set<String> all = new TreeSet<>(keys);
    all.addAll(files.placeholders());
    return new Secrets(all, configuration);
  }

  /**
   * A context with the live beans, component options and placeholders. {@link #end} it.
   *
   * @param ours beans that stand for live ones
   */
  DefaultCamelContext context(Map<String, Object> ours) {
    DefaultCamelContext camel =
        new DefaultCamelContext(new DefaultRegistry(new Overlay(ours, live)));
    camel.getCamelContextExtension().setName("rehearsal");
    camel.disableJMX();
    camel.setMessageHistory(true);
    camel.setAllowUseOriginalMessage(false);
    camel.setAutowiredEnabled(false);
    camel.getPropertiesComponent().addPropertiesSource(new Placeholders(configuration));
    camel.addLifecycleStrategy(new Options(camel));
    return camel;
  }

  /**
   * Ends the threads of such a context. It is not stopped as a whole, and its HTTP components are
   * not: that would close beans that the live one uses.
   */
  static void end(DefaultCamelContext camel) {
    for (String name : camel.getComponentNames()) {
      Component component = camel.hasComponent(name);
      if (component != null && !(component instanceof HttpComponent)) {
        ServiceHelper.stopAndShutdownService(component);
      }
    }
    ServiceHelper.stopAndShutdownService(camel.getExecutorServiceManager());
  }

  /** The same options as the live components and data formats have. */
  private final class Options extends LifecycleStrategySupport {
    private final CamelContext camel;

    Options(CamelContext camel) {
      this.camel = camel;
    }

    @Override
    public void onComponentAdd(String name, Component component) {
      set("camel.component." + name + ".", component);
    }

    @Override
    public void onDataFormatCreated(String name, DataFormat dataFormat) {
      set("camel.dataformat." + name + ".", dataFormat);
    }

    private void set(String prefix, Object target) {
      Map<String, Object> options = new LinkedHashMap<>();
      for (String key : keys) {
        if (key.startsWith(prefix)) {
          configuration
              .apply(key)
              .ifPresent(
                  value ->
                      options.put(
                          StringHelper.dashToCamelCase(key.substring(prefix.length())), value));
        }
      }
      PropertyBindingSupport.build()
          .withCamelContext(camel)
          .withTarget(target)
          .withProperties(options)
          .withIgnoreCase(true)
          .withConfigurer(
              target instanceof Component component
                  ? component.getComponentPropertyConfigurer()
                  : null)
          .bind();
    }
  }

  /** The live beans, and ours before them. */
  private record Overlay(Map<String, Object> ours, CamelContext live) implements BeanRepository {
    @Override
    public Object lookupByName(String name) {
      return ours.containsKey(name) ? ours.get(name) : live.getRegistry().lookupByName(name);
    }

    @Override
    public <T> T lookupByNameAndType(String name, Class<T> type) {
      Object found = ours.get(name);
      return found == null
          ? live.getRegistry().lookupByNameAndType(name, type)
          : type.isInstance(found) ? type.cast(found) : null;
    }

    @Override
    public <T> Map<String, T> findByTypeWithName(Class<T> type) {
      return live.getRegistry().findByTypeWithName(type);
    }

    @Override
    public <T> Set<T> findByType(Class<T> type) {
      return live.getRegistry().findByType(type);
    }
  }
}
