package dev.herald.testing;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.apache.logging.log4j.core.layout.PatternLayout;

/** All that is logged at INFO and above until it is closed, with stack traces. */
public final class CapturedLog extends AbstractAppender implements AutoCloseable {
  private static final Logger ROOT = (Logger) LogManager.getRootLogger();
  private static final PatternLayout LAYOUT =
      PatternLayout.newBuilder().withPattern("%level %c{1} %X{correlationId} %m%n%xEx").build();

  private final List<String> lines = new CopyOnWriteArrayList<>();

  public CapturedLog() {
    super("captured", null, null, true, Property.EMPTY_ARRAY);
    start();
    ROOT.addAppender(this);
  }

  @Override
  public void append(LogEvent event) {
    if (event.getLevel().isMoreSpecificThan(Level.INFO)) {
      lines.add(LAYOUT.toSerializable(event));
    }
  }

  public List<String> lines() {
    return lines;
  }

  @Override
  public void close() {
    ROOT.removeAppender(this);
    stop();
  }
}
