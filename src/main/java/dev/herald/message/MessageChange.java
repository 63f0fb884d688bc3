package dev.herald.message;

import dev.herald.problem.Problem.FieldError;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a request changes in a pending message; the parameters of {@code sql/update-message.sql}. It
 * changes what it names.
 *
 * @param whole whether it replaces the message: then it names all but the times that the request
 *     left out
 * @param given the fields that the request has
 * @param phoneNumber E.164; null where it is not given
 * @param content null where it is not given
 */
public record MessageChange(
    boolean whole,
    List<String> given,
    String phoneNumber,
    String content,
    Instant sendAt,
    Instant expiresAt,
    String reference,
    Map<String, String> metadata) {

  /** The fields that it sets. */
  public String[] getNames() {
    List<String> names = new ArrayList<>(given);
    if (whole) {
      names.addAll(List.of("reference", "metadata"));
    }
    return names.toArray(String[]::new);
  }

  /** As a statement takes it: the driver does not know an Instant. */
  public String getSendAtText() {
    return sendAt == null ? null : sendAt.toString();
  }

  /** The same. */
  public String getExpiresAtText() {
    return expiresAt == null ? null : expiresAt.toString();
  }

  /** The metadata as it is stored; null without any. */
  public String getMetadataJson() {
    return Metadata.write(metadata);
  }

  /** Why the statement does not make this change of a message that may be changed. */
  List<FieldError> faults(Message message) {
    List<FieldError> faults = new ArrayList<>();
    if (whole) {
      unnamed("sendAt", message.sendAt(), faults);
      unnamed("expiresAt", message.expiresAt(), faults);
    }
    Instant from = given.contains("sendAt") ? sendAt : message.sendAt();
    Instant to = given.contains("expiresAt") ? expiresAt : message.expiresAt();
    if (faults.isEmpty() && from != null && to != null && !to.isAfter(from)) {
      faults.add(
          given.contains("expiresAt")
              ? new FieldError("/expiresAt", "order", "must be after the message's sendAt, " + from)
              : new FieldError(
                  "/sendAt", "order", "must be before the message's expiresAt, " + to));
    }
    return faults;
  }

  private void unnamed(String name, Instant time, List<FieldError> faults) {
    if (time != null && !given.contains(name)) {
      faults.add(
          new FieldError(
              "/" + name,
              "required",
              "is missing, and the message would lose its %s, %s; give a time, or null for none, or use PATCH, which changes only what it names"
                  .formatted(name, time)));
    }
  }
}
