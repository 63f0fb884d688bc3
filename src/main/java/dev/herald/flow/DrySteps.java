package dev.herald.flow;

import dev.herald.message.ClaimedMessage;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.camel.AsyncCallback;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.MessageHistory;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.model.BeanDefinition;
import org.apache.camel.model.ProcessDefinition;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;
import org.apache.camel.support.processor.DelegateAsyncProcessor;

/**
 * Steps over the beans of Herald that act, such as the one that records; stands for the gate, and
 * notes how each message ended that passed it; and ends what does not end by itself. Thread-safe.
 */
final class DrySteps implements InterceptStrategy {
  private static final String GATE = "gate";
  private static final Set<String> ACTING =
      Set.of(
          "auditLog",
          "claimPlanner",
          "flow",
          "intake",
          "recorder",
          "records",
          "redisFeed",
          "routes",
          "statsSnapshot");

  private final List<Ended> ended = new CopyOnWriteArrayList<>();
  private volatile long deadline;
  private volatile NamedNode current;

  /**
   * How a message ended that had passed the gate.
   *
   * @param body at the end
   * @param failure that ended it, or null
   * @param last the step that began last, or null
   */
  record Ended(Object body, Exception failure, ProcessorDefinition<?> last) {}

  /** A step began after the time was over. */
  private static final class Overdue extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Overdue() {
      super("it did not end", null, false, false);
    }
  }

  /**
   * Begins anew.
   *
   * @param until as {@link System#nanoTime()}
   */
  void begin(long until) {
    ended.clear();
    current = null;
    deadline = until;
  }

  /** The step that began last, of any message; null before the first. */
  NamedNode current() {
    return current;
  }

  /** The messages that passed the gate and ended. */
  List<Ended> ended() {
    return List.copyOf(ended);
  }

  @Override
  public Processor wrapProcessorInInterceptors(
      CamelContext camel, NamedNode step, Processor target, Processor next) {
    if (step instanceof ProcessDefinition process && GATE.equals(process.getRef())) {
      return new Gate(process);
    }
    if (step instanceof BeanDefinition bean && ACTING.contains(String.valueOf(bean.getRef()))) {
      return new Acting("claimPlanner".equals(bean.getRef()) && "claimed".equals(bean.getMethod()));
    }
    return new InTime(step, target);
  }

  private final class InTime extends DelegateAsyncProcessor {
    private final NamedNode step;

    InTime(NamedNode step, Processor target) {
      super(target);
      this.step = step;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
      if (System.nanoTime() - deadline > 0) {
        exchange.setException(new Overdue());
        callback.done(true);
        return true;
      }
      current = step;
      return super.process(exchange, callback);
    }
  }

  private static final class Acting extends AsyncProcessorSupport {
    private final boolean needsClaimed;

    Acting(boolean needsClaimed) {
      this.needsClaimed = needsClaimed;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
      if (needsClaimed
          && !(exchange.getMessage().getBody() instanceof List<?> claimed
              && claimed.stream().allMatch(ClaimedMessage.class::isInstance))) {
        exchange.setException(
            new IllegalStateException(
                "bean claimPlanner, method claimed, must come right after the claim's statement, whose outputClass is "
                    + ClaimedMessage.class.getName()));
      }
      callback.done(true);
      return true;
    }
  }

  private final class Gate extends AsyncProcessorSupport {
    private final ProcessDefinition step;

    Gate(ProcessDefinition step) {
      this.step = step;
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
      if (!(exchange.getMessage().getBody() instanceof ClaimedMessage message)) {
        ended.add(
            new Ended(
                null,
                new IllegalStateException(
                    "the step gate must get each claimed message by itself: after the split, and before direct:deliver-message"),
                step));
        callback.done(true);
        return true;
      }
      exchange.setVariable("message", message);
      exchange
          .getExchangeExtension()
          .addOnCompletion(
              new SynchronizationAdapter() {
                @Override
                public void onDone(Exchange done) {
                  ended.add(
                      new Ended(done.getMessage().getBody(), done.getException(), last(done)));
                }
              });
      callback.done(true);
      return true;
    }
  }

  private static ProcessorDefinition<?> last(Exchange exchange) {
    List<?> history = exchange.getProperty(Exchange.MESSAGE_HISTORY, List.class);
    return history != null
            && !history.isEmpty()
            && history.get(history.size() - 1) instanceof MessageHistory step
            && step.getNode() instanceof ProcessorDefinition<?> node
        ? node
        : null;
  }
}
