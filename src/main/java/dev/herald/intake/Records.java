package dev.herald.intake;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.problem.Problem;
import dev.herald.problem.ProblemException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Variable;

/**
 * Accepts messages that come in batches from elsewhere than the API, such as from a topic: a list
 * of exchanges as one of Camel's batching consumers makes it, each with a body as {@code POST
 * /messages} takes it. Thread-safe.
 */
public final class Records {
  /** The header that tells why a record was refused. */
  static final String REASON = "herald-reason";

  /** In characters: a record with many faults must still fit where it is written. */
  private static final int MAX_REASON = 1_000;

  private final Function<byte[], JsonNode> contract;
  private final NewMessages newMessages;
  private final Intake intake;
  private final LongAdder taken = new LongAdder();
  private final LongAdder refused = new LongAdder();

  /**
   * @param contract reads a body; throws a {@link ProblemException} for one that is not as the API
   *     takes it
   */
  public Records(Function<byte[], JsonNode> contract, NewMessages newMessages, Intake intake) {
    this.contract = contract;
    this.newMessages = newMessages;
    this.intake = intake;
  }

  /**
   * Stores each record's message once, however often the record comes within {@code
   * api.idempotency-ttl}, and waits for the commit.
   *
   * @param owner whose the records are; stands where the name of an API key stands otherwise
   * @param source names of the headers that tell where a record comes from, comma-separated
   * @param position the name of the header that tells its position there; with the source it is the
   *     record's Idempotency-Key
   * @return the records that can never be stored, with the reason as header {@value #REASON}
   * @throws RuntimeException when PostgreSQL does not store them, or this node is shutting down;
   *     give all of them again
   */
  public List<Message> accept(
      @Body List<Exchange> records,
      @Variable("key") String owner,
      @Variable("source") String source,
      @Variable("position") String position)
      throws InterruptedException {
    List<Message> refused = new ArrayList<>();
    List<Message> read = new ArrayList<>(records.size());
    List<Intake.Submission> submissions = new ArrayList<>(records.size());
    for (Exchange record : records) {
      Message message = record.getMessage();
      String id = text(message, source + "," + position);
      try {
        byte[] body = message.getBody(byte[].class);
        NewMessages.Checked checked =
            newMessages.of(contract.apply(body == null ? new byte[0] : body));
        submissions.add(new Intake.Submission(checked, owner, id, id));
        read.add(message);
      } catch (ProblemException e) {
        refused.add(because(message, e.problem()));
      }
    }
    List<Optional<Problem>> refusals = intake.acceptEach(submissions);
    for (int i = 0; i < read.size(); i++) {
      Message message = read.get(i);
      refusals.get(i).ifPresent(problem -> refused.add(because(message, problem)));
    }
    taken.add(records.size() - refused.size());
    this.refused.add(refused.size());
    return refused;
  }

  /** Records whose message is stored, whether by this or before. */
  public long taken() {
    return taken.sum();
  }

  /** Records that were refused for good. */
  public long refused() {
    return refused.sum();
  }

  /** Returns the last record of each source. */
  public List<Message> lastOfEach(
      @Variable("records") List<Exchange> records, @Variable("source") String source) {
    Map<String, Message> last = new LinkedHashMap<>();
    records.forEach(record -> last.put(text(record.getMessage(), source), record.getMessage()));
    return List.copyOf(last.values());
  }

  private static String text(Message message, String headers) {
    return Stream.of(headers.split(","))
        .map(
            name ->
                Objects.requireNonNull(
                        message.getHeader(name), () -> "a record has no header " + name)
                    .toString())
        .collect(Collectors.joining("-"));
  }

  private static Message because(Message message, Problem problem) {
    String reason =
        problem.errors() == null
            ? problem.detail()
            : problem.errors().stream()
                .map(error -> error.pointer() + " " + error.detail())
                .collect(Collectors.joining("; "));
    message.setHeader(REASON, reason.substring(0, Math.min(reason.length(), MAX_REASON)));
    return message;
  }
}
