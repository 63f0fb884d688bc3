package dev.herald.dispatch;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that deliver, {@code dispatch.concurrency} of them: each carries one message through
 * route {@code deliver-message} at a time, so a step of it may block. Virtual ones where the JDK
 * has them, from 21 on.
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

  /** One thread more: what waits is given back at once, though all others wait for a provider. */
  void hurry() {
    setMaximumPoolSize(getMaximumPoolSize() + 1);
    setCorePoolSize(getMaximumPoolSize());
  }

  /** By reflection, for Herald is compiled for a JDK that has no virtual threads. */
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
