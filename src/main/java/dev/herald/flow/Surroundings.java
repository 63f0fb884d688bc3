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
import org.apache.camel.support.SimpleRegistry;
import org.apache.camel.support.service.ServiceHelper;
import org.apache.camel.util.StringHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a flow finds around it, and a context beside the live one that has the same.
 *
 * @param live the context that has the beans
 * @param configuration returns a key's value, or nothing
 * @param keys of the configuration
 * @param client of the real POSTs
 * @param reserved names of beans that no file may define
 */
public record Surroundings(
    CamelContext live,
    Function<String, Optional<String>> configuration,
    Set<String> keys,
    WebhookClient client,
    Set<String> reserved) {
  private static final Logger LOG = LoggerFactory.getLogger(Surroundings.class);

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
    SimpleRegistry own = new SimpleRegistry();
    DefaultRegistry registry = new DefaultRegistry(new Overlay(ours, own, live));
    registry.setFallbackRegistry(own);
    DefaultCamelContext camel = new DefaultCamelContext(registry);
    camel.getCamelContextExtension().setName("rehearsal");
    camel.disableJMX();
    camel.setMessageHistory(true);
    camel.setAllowUseOriginalMessage(false);
    camel.setAutowiredEnabled(false);
    Placeholders.resolve(camel, configuration);
    camel.addLifecycleStrategy(new Options(camel));
    return camel;
  }

  /** The names of the beans that were bound in a context itself: in such a one, by files. */
  public static Set<String> beansOf(CamelContext camel) {
    return own(camel).keySet();
  }

  /** The bean that a live route would get: one of the files, or a live one. */
  Object bean(DefaultCamelContext camel, String name) {
    Object own = own(camel).lookupByName(name);
    return own == null ? live.getRegistry().lookupByName(name) : own;
  }

  private static SimpleRegistry own(CamelContext camel) {
    return (SimpleRegistry) ((DefaultRegistry) camel.getRegistry()).getFallbackRegistry();
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
    for (Map<Class<?>, Object> beans : own(camel).values()) {
      for (Object bean : beans.values()) {
        if (bean instanceof AutoCloseable closeable && !isCamels(bean)) {
          try {
            closeable.close();
          } catch (Exception e) {
            LOG.debug("A bean of the rehearsal could not be closed", e);
          }
        }
      }
    }
  }

  private static boolean isCamels(Object bean) {
    return bean.getClass().getName().startsWith("org.apache.camel.");
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

  /** Ours, then those that the files define, then the live ones. */
  private record Overlay(Map<String, Object> ours, SimpleRegistry own, CamelContext live)
      implements BeanRepository {
    @Override
    public Object lookupByName(String name) {
      Object found = ours.containsKey(name) ? ours.get(name) : own.lookupByName(name);
      return found == null ? live.getRegistry().lookupByName(name) : found;
    }

    @Override
    public <T> T lookupByNameAndType(String name, Class<T> type) {
      Object ourOwn = ours.get(name);
      if (ourOwn != null) {
        return type.isInstance(ourOwn) ? type.cast(ourOwn) : null;
      }
      T found = own.lookupByNameAndType(name, type);
      return found == null ? live.getRegistry().lookupByNameAndType(name, type) : found;
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
