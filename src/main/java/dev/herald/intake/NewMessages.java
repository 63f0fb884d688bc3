package dev.herald.intake;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.NoArgGenerator;
import dev.herald.message.MessageChange;
import dev.herald.message.PhoneNumbers;
import dev.herald.message.Times;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.camel.Body;

/**
 * Turns bodies that match the contract's schema into messages, and checks the rules that a schema
 * cannot express. Thread-safe.
 */
public final class NewMessages {
  /** The rule that a request which was right may break when it is repeated. */
  private static final String FUTURE = "future";

  /** Of an entry of metadata: the characters that the contract allows in a line. */
  private static final Pattern NAME =
      Pattern.compile(
          "[^\\x{0}-\\x{1f}\\x{7f}-\\x{9f}\\x{2028}\\x{2029}\\x{d800}-\\x{dfff}]{1,64}");

  private final NoArgGenerator ids = Generators.timeBasedEpochGenerator();
  private final PhoneNumbers phoneNumbers;
  private final Clock clock;

  /**
   * Messages whose fields are right.
   *
   * @param expired what is wrong when this is a new request: an {@code expiresAt} that is past.
   *     When it repeats an earlier one, nothing is
   */
  public record Checked(List<NewMessage> messages, Optional<Problem> expired) {}

  public NewMessages(PhoneNumbers phoneNumbers, Clock clock) {
    this.phoneNumbers = phoneNumbers;
    this.clock = clock;
  }

  /**
   * @throws ProblemException naming each bad field, with its index where the body is an array
   */
  public Checked of(@Body JsonNode body) {
    List<FieldError> errors = new ArrayList<>();
    List<NewMessage> messages = read(body, errors);
    if (errors.isEmpty()) {
      return new Checked(messages, Optional.empty());
    }
    Problem problem = Problem.of(Type.INVALID, errors);
    if (errors.stream().allMatch(error -> error.rule().equals(FUTURE))) {
      return new Checked(messages, Optional.of(problem));
    }
    throw new ProblemException(problem);
  }

  /**
   * The same faults, of a body that may break the contract's schema, too: a field that is missing
   * or of another type is left to the schema.
   */
  public List<FieldError> faults(JsonNode body) {
    List<FieldError> errors = new ArrayList<>();
    read(body, errors);
    return errors;
  }

  /** What replaces a message: all that it has, but for a time that the body does not name. */
  public MessageChange replacement(@Body JsonNode body) {
    return change(body, true);
  }

  /** What changes a message: only what the body names. */
  public MessageChange patch(@Body JsonNode body) {
    return change(body, false);
  }

  private MessageChange change(JsonNode body, boolean whole) {
    List<String> names = new ArrayList<>();
    body.fieldNames().forEachRemaining(names::add);
    NewMessage message = one(body);
    return new MessageChange(
        whole,
        names,
        message.phoneNumber(),
        message.content(),
        message.sendAt(),
        message.expiresAt(),
        message.reference(),
        message.metadata());
  }

  /** The same for a body that is one message. */
  public NewMessage one(@Body JsonNode body) {
    Checked checked = of(body);
    checked
        .expired()
        .ifPresent(
            problem -> {
              throw new ProblemException(problem);
            });
    return checked.messages().get(0);
  }

  private List<NewMessage> read(JsonNode body, List<FieldError> errors) {
    List<NewMessage> messages = new ArrayList<>(Math.max(1, body.size()));
    if (body.isArray()) {
      for (int i = 0; i < body.size(); i++) {
        messages.add(read(body.get(i), "/" + i, errors));
      }
    } else {
      messages.add(read(body, "", errors));
    }
    return messages;
  }

  private NewMessage read(JsonNode body, String pointer, List<FieldError> errors) {
    UUID id = ids.generate();
    String written = body.path("phoneNumber").textValue();
    String phoneNumber = written == null ? null : phoneNumbers.normalize(written).orElse(null);
    if (written != null && phoneNumber == null) {
      errors.add(
          new FieldError(
              pointer + "/phoneNumber",
              "phone-number",
              "is not a valid phone number; " + phoneNumbers.example()));
    }
    String content = body.path("content").textValue();
    if (content != null && content.isBlank()) {
      errors.add(new FieldError(pointer + "/content", "text", "must not be blank"));
    }
    Instant sendAt = time(body.path("sendAt"), pointer + "/sendAt", errors);
    Instant expiresAt = time(body.path("expiresAt"), pointer + "/expiresAt", errors);
    if (expiresAt != null && !expiresAt.isAfter(clock.instant())) {
      errors.add(new FieldError(pointer + "/expiresAt", FUTURE, "must be in the future"));
    } else if (expiresAt != null && sendAt != null && !expiresAt.isAfter(sendAt)) {
      errors.add(new FieldError(pointer + "/expiresAt", "order", "must be after sendAt"));
    }
    String reference = body.path("reference").textValue();
    if (reference != null && reference.isBlank()) {
      errors.add(new FieldError(pointer + "/reference", "text", "must not be blank"));
    }
    Map<String, String> metadata = metadata(body.path("metadata"), pointer + "/metadata", errors);
    return new NewMessage(id, phoneNumber, content, sendAt, expiresAt, reference, metadata);
  }

  /** OpenAPI 3.0 has no rule for names. An empty object is the same as none. */
  private static Map<String, String> metadata(
      JsonNode value, String pointer, List<FieldError> errors) {
    if (value.isEmpty()) {
      return null;
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : value.properties()) {
      String name = entry.getKey();
      if (!NAME.matcher(name).matches()) {
        errors.add(
            new FieldError(
                pointer + "/" + name.replace("~", "~0").replace("/", "~1"),
                "propertyNames",
                "the name must have 1 to 64 characters, on one line"));
      }
      metadata.put(name, entry.getValue().textValue());
    }
    return metadata;
  }

  private static Instant time(JsonNode value, String pointer, List<FieldError> errors) {
    if (!value.isTextual()) {
      return null;
    }
    try {
      return Times.parse(value.textValue());
    } catch (java.time.DateTimeException e) {
      errors.add(
          new FieldError(pointer, "format", "must be a time like 2030-01-31T09:30:00Z (RFC 3339)"));
      return null;
    }
  }
}
