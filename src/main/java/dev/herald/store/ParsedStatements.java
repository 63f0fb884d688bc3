package dev.herald.store;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.component.sql.DefaultSqlPrepareStatementStrategy;

/**
 * Prepares statements whose parameters are all {@code ${variable.NAME.PROPERTY}} as camel-sql does,
 * but reads their text once, and a property with its getter: camel-sql searches the text with
 * regular expressions at each call, and evaluates each parameter as a bean expression, with a copy
 * of the exchange. Leaves other statements, and values without such a getter, to camel-sql.
 * Thread-safe.
 */
public final class ParsedStatements extends DefaultSqlPrepareStatementStrategy {
  private static final Pattern PARAMETER =
      Pattern.compile(":\\?\\$\\{variable\\.(\\w+)((?:\\.\\w+)+)}");

  private final Map<String, Optional<Parsed>> statements = new ConcurrentHashMap<>();

  /** Of each class the getters by property; nothing for one that it has not. */
  private final ClassValue<Map<String, Optional<MethodHandle>>> getters =
      new ClassValue<>() {
        @Override
        protected Map<String, Optional<MethodHandle>> computeValue(Class<?> type) {
          return new ConcurrentHashMap<>();
        }
      };

  private record Parameter(String variable, List<String> properties) {}

  private record Parsed(String sql, List<Parameter> parameters) {}

  @Override
  public String prepareQuery(String query, boolean allowNamedParameters, Exchange exchange)
      throws SQLException {
    Optional<Parsed> parsed = allowNamedParameters ? parsed(query) : Optional.empty();
    return parsed.isPresent()
        ? parsed.get().sql()
        : super.prepareQuery(query, allowNamedParameters, exchange);
  }

  @Override
  public Iterator<?> createPopulateIterator(
      String query, String prepared, int expected, Exchange exchange, Object value)
      throws SQLException {
    Optional<Parsed> parsed = parsed(query);
    List<Object> values = parsed.isPresent() ? values(parsed.get(), exchange) : null;
    return values == null
        ? super.createPopulateIterator(query, prepared, expected, exchange, value)
        : values.iterator();
  }

  private Optional<Parsed> parsed(String query) {
    return statements.computeIfAbsent(query, ParsedStatements::parse);
  }

  private static Optional<Parsed> parse(String query) {
    Matcher matcher = PARAMETER.matcher(query);
    String sql = matcher.replaceAll("?");
    List<Parameter> parameters =
        matcher
            .reset()
            .results()
            .map(
                one -> new Parameter(one.group(1), List.of(one.group(2).substring(1).split("\\."))))
            .toList();
    return parameters.isEmpty() || sql.contains(":?")
        ? Optional.empty()
        : Optional.of(new Parsed(sql, parameters));
  }

  /** Null if camel-sql must find them. */
  private List<Object> values(Parsed parsed, Exchange exchange) {
    List<Object> values = new ArrayList<>(parsed.parameters().size());
    for (Parameter parameter : parsed.parameters()) {
      Object value = exchange.getVariable(parameter.variable());
      for (String property : parameter.properties()) {
        Optional<MethodHandle> getter = value == null ? Optional.empty() : getter(value, property);
        if (getter.isEmpty()) {
          return null;
        }
        value = get(getter.get(), value);
      }
      values.add(value);
    }
    return values;
  }

  private static Object get(MethodHandle getter, Object bean) {
    try {
      return getter.invokeExact(bean);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private Optional<MethodHandle> getter(Object bean, String property) {
    Class<?> type = bean.getClass();
    return getters.get(type).computeIfAbsent(property, name -> find(type, name));
  }

  /** The getters that a bean expression knows. */
  private static Optional<MethodHandle> find(Class<?> type, String property) {
    String capital = property.substring(0, 1).toUpperCase(Locale.ROOT) + property.substring(1);
    if (!Modifier.isPublic(type.getModifiers()) || Map.class.isAssignableFrom(type)) {
      return Optional.empty();
    }
    return Stream.of("get" + capital, "is" + capital, property)
        .flatMap(name -> Stream.of(type.getMethods()).filter(method -> gets(method, name)))
        .findFirst()
        .map(ParsedStatements::handle);
  }

  private static boolean gets(Method method, String name) {
    return method.getName().equals(name)
        && method.getParameterCount() == 0
        && method.getReturnType() != void.class
        && !Modifier.isStatic(method.getModifiers());
  }

  private static MethodHandle handle(Method method) {
    try {
      return MethodHandles.publicLookup()
          .unreflect(method)
          .asType(MethodType.methodType(Object.class, Object.class));
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
