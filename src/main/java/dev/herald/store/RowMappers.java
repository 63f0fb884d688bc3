package dev.herald.store;

import java.util.Map;
import org.apache.camel.component.sql.DefaultRowMapperFactory;
import org.springframework.jdbc.core.RowMapper;

/** Reads rows as the records that routes name with {@code outputClass}. */
public final class RowMappers extends DefaultRowMapperFactory {
  private final Map<Class<?>, RowMapper<?>> readers;

  /**
   * @param readers of each record
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
