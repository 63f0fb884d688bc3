package dev.herald.store;

import java.util.Map;
import org.apache.camel.component.sql.DefaultRowMapperFactory;
import org.springframework.jdbc.core.RowMapper;

/** Reads rows into the records that routes name in {@code outputClass}. */
public final class RowMappers extends DefaultRowMapperFactory {
  private final Map<Class<?>, RowMapper<?>> readers;

  /**
   * @param readers one for each record class
   */
  public RowMappers(Map<Class<?>, RowMapper<?>> readers) {
    this.readers = Map.copyOf(readers);
  }

  @Override
  public RowMapper<?> newBeanRowMapper(Class<?> type) {
    RowMapper<?> reader = readers.get(type);
    return reader == null ? super.newBeanRowMapper(type) : reader;
  }
}
