package dev.herald.message;

import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.util.List;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Variable;

/** The API's responses about messages, and its reasons for refusals. Stateless. */
public final class MessageAnswers {

  /** Schema {@code Accepted} of the contract. */
  public record Accepted(int accepted, List<UUID> ids) {}

  /** What a request stored, in its order. */
  public Accepted accepted(@Body List<Message> messages) {
    return new Accepted(messages.size(), messages.stream().map(Message::id).toList());
  }

  /** Answers with the one message that a request stored, and where it is. */
  public void created(Exchange exchange) {
    org.apache.camel.Message answer = exchange.getMessage();
    Message message = (Message) answer.getBody(List.class).get(0);
    answer.setHeader(Exchange.HTTP_RESPONSE_CODE, 201);
    answer.setHeader("Location", "/api/v1/messages/" + message.id());
    answer.setBody(message);
  }

  /**
   * The message, which must be there.
   *
   * @throws ProblemException NOT_FOUND
   */
  public Message found(@Body Message message, @Variable("id") String id) {
    if (message == null) {
      throw new ProblemException(Type.NOT_FOUND, "there is no message " + id);
    }
    return message;
  }

  public Message withFailedAttempts(
      @Variable("message") Message message, @Body List<Message.Attempt> attempts) {
    return message.withFailedAttempts(attempts);
  }

  /**
   * Says why a message could not be changed.
   *
   * @throws ProblemException always
   */
  public void notChanged(
      @Body Message message, @Variable("id") String id, @Variable("change") MessageChange change) {
    found(message, id);
    if ("PENDING".equals(message.status())) {
      List<FieldError> faults = change.faults(message);
      if (!faults.isEmpty()) {
        throw new ProblemException(Problem.of(Type.INVALID, faults));
      }
    }
    notPending(message, id);
  }

  /**
   * Says why a message could not be cancelled.
   *
   * @throws ProblemException always
   */
  public void notPending(@Body Message message, @Variable("id") String id) {
    found(message, id);
    throw new ProblemException(
        Type.CONFLICT,
        "PENDING".equals(message.status())
            ? "the message may have been sent, so it can no longer be changed"
            : "the message is " + message.status() + "; only a PENDING one can be changed");
  }

  /**
   * Says why a message could not be sent again.
   *
   * @throws ProblemException always
   */
  public void notOver(@Body Message message, @Variable("id") String id) {
    found(message, id);
    boolean over = "FAILED".equals(message.status()) || "UNKNOWN".equals(message.status());
    throw new ProblemException(
        Type.CONFLICT,
        over
            ? "the message expired at " + message.expiresAt()
            : "the message is "
                + message.status()
                + "; only a FAILED or UNKNOWN one can be sent again");
  }
}
