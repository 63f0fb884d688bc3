package dev.herald.dispatch;

import java.util.ArrayDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * The {@code dispatch.concurrency} delivery threads. Each takes one message at a time through the
 * route {@code deliver-message}, so its steps may block. They are virtual threads from JDK 21 on.
 *
 * <p>Two things keep a message in one core's cache. The thread that waited last gets the next task,
 * so that a quick provider keeps a few threads busy and not all in turn. And of the two tasks that
 * Camel's split submits for each message, to deliver it and to make the next one, the thread that
 * made a message runs the first itself. So a task must not wait for another one of these threads.
 */
public final class DeliveryThreads extends ThreadPoolExecutor {
  private final ThreadLocal<Own> own = new ThreadLocal<>();

  public DeliveryThreads(int concurrency) {
    super(concurrency, concurrency, 0, TimeUnit.SECONDS, new LastFirst(), factory());
  }

  /** The task that a thread keeps for itself. */
  private static final class Own {
    private boolean open;
    private Runnable task;
  }

  @Override
  public void execute(Runnable task) {
    Own mine = own.get();
    if (mine != null && mine.open) {
      mine.open = false;
      mine.task = task;
    } else {
      super.execute(task);
    }
  }

  @Override
  protected void beforeExecute(Thread thread, Runnable task) {
    Own mine = own.get();
    if (mine == null) {
      mine = new Own();
      own.set(mine);
    }
    mine.open = true;
  }

  @Override
  protected void afterExecute(Runnable task, Throwable failure) {
    Own mine = own.get();
    mine.open = false;
    Runnable next = mine.task;
    if (next != null) {
      mine.task = null;
      next.run();
    }
  }

  /** Adds a thread, so that waiting messages are given back at once even if all others are busy. */
  void hurry() {
    setMaximumPoolSize(getMaximumPoolSize() + 1);
    setCorePoolSize(getMaximumPoolSize());
  }

  /** A queue that hands a task to the thread that has waited for the shortest time. */
  private static final class LastFirst extends LinkedBlockingQueue<Runnable> {
    private static final long serialVersionUID = 1L;

    private static final class Waiter {
      private final Thread thread = Thread.currentThread();
      private final AtomicReference<Runnable> task = new AtomicReference<>();
    }

    private final transient ArrayDeque<Waiter> waiters = new ArrayDeque<>();

    @Override
    public boolean offer(Runnable task) {
      Waiter waiter;
      synchronized (waiters) {
        waiter = waiters.pollLast();
        if (waiter == null) {
          return super.offer(task);
        }
      }
      waiter.task.set(task);
      LockSupport.unpark(waiter.thread);
      return true;
    }

    @Override
    public Runnable take() throws InterruptedException {
      Waiter me;
      synchronized (waiters) {
        Runnable task = super.poll();
        if (task != null) {
          return task;
        }
        me = new Waiter();
        waiters.addLast(me);
      }
      while (true) {
        Runnable task = me.task.get();
        if (task != null) {
          return task;
        }
        LockSupport.park(this);
        if (Thread.interrupted()) {
          synchronized (waiters) {
            if (waiters.remove(me)) {
              throw new InterruptedException();
            }
          }
        }
      }
    }
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
