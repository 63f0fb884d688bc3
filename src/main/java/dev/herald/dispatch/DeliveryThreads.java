package dev.herald.dispatch;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The {@code dispatch.concurrency} delivery threads. Each takes one message at a time through the
 * route {@code deliver-message}, so its steps may block. They are virtual threads from JDK 21 on.
 */
public final class DeliveryThreads extends ThreadPoolExecutor {
  private static final int IDLE_SECONDS = 10;

  public DeliveryThreads(int concurrency) {
    super(
        concurrency,
        concurrency,
        IDLE_SECONDS,
        TimeUnit.SECONDS,
        new LinkedBlockingQueue<>(),
        factory());
    allowCoreThreadTimeOut(true);
  }

  /** Adds a thread, so that waiting messages are given back at once even if all others are busy. */
  void hurry() {
    setMaximumPoolSize(getMaximumPoolSize() + 1);
    setCorePoolSize(getMaximumPoolSize());
  }

  /** By reflection, because Herald is compiled for a JDK without virtual threads. */
  private static ThreadFactory factory() {
    try {
      Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
      Class<?> type = Class.forName("java.lang.Thread$Builder");
      Object named =
          type.getMethod("name", String.class, long.class).invoke(builder, "herald-deliver-", 0L);
      return (ThreadFactory) type.getMethod("factory").invoke(named);
    } catch (ReflectiveOperationException none) {
      AtomicInteger number = new AtomicInteger();
      return task -> {
        Thread thread = new Thread(task, "herald-deliver-" + number.getAndIncrement());
        thread.setDaemon(true);
        return thread;
      };
    }
  }
}
