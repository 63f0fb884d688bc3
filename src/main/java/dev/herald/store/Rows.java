package dev.herald.store;

import dev.herald.control.SchedulerState;
import dev.herald.dispatch.OutcomeBatch;
import dev.herald.intake.Intake;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.Message;
import java.util.Map;
import org.apache.camel.component.sql.DefaultRowMapperFactory;
import org.springframework.jdbc.core.RowMapper;

/** Reads rows as the records that routes name with {@code outputClass}. */
public final class Rows extends DefaultRowMapperFactory {
  private static final Map<Class<?>, RowMapper<?>> READERS =
      Map.of(
          ClaimedMessage.class, (RowMapper<ClaimedMessage>) ClaimedMessage::read,
          Message.class, (RowMapper<Message>) Message::read,
          Message.Attempt.class, (RowMapper<Message.Attempt>) Message.Attempt::read,
          Intake.Made.class, (RowMapper<Intake.Made>) Intake.Made::read,
          OutcomeBatch.Written.class, (RowMapper<OutcomeBatch.Written>) OutcomeBatch.Written::read,
          SchedulerState.class, (RowMapper<SchedulerState>) SchedulerState::read);

  @Override
  public RowMapper<?> newBeanRowMapper(Class<?> type) {
    RowMapper<?> reader = READERS.get(type);
    return reader == null ? super.newBeanRowMapper(type) : reader;
  }
}
