package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.ValidationMessage;
import dev.herald.problem.Problem.FieldError;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Puts a broken schema rule into words that say what would be right. */
final class RuleTexts {
  private RuleTexts() {}

  /**
   * @param parameter the name to show instead of a pointer into the body; null for a body
   */
  static FieldError explain(ValidationMessage message, String parameter) {
    String rule = message.getType();
    String pointer = parameter != null ? parameter : message.getInstanceLocation().toString();
    if (message.getProperty() != null) {
      pointer += "/" + message.getProperty().replace("~", "~0").replace("/", "~1");
    }
    return new FieldError(pointer.isEmpty() ? "/" : pointer, rule, detail(message, rule));
  }

  private static String detail(ValidationMessage message, String rule) {
    JsonNode limit = message.getSchemaNode();
    return switch (rule) {
      case "required" -> "is missing";
      case "additionalProperties" -> "is not a known field";
      case "type" -> "must be of type " + limit.asText();
      case "minLength" ->
          limit.asInt() == 1 ? "must not be empty" : "must have at least " + limit + " characters";
      case "maxLength" -> "must have at most " + limit + " characters";
      case "minItems" -> "must have at least " + limit + (limit.asInt() == 1 ? " item" : " items");
      case "maxItems" -> "must have at most " + limit + " items";
      case "minProperties" ->
          "must name at least " + limit + (limit.asInt() == 1 ? " field" : " fields");
      case "maxProperties" -> "must have at most " + limit + " entries";
      case "minimum" -> "must be at least " + limit;
      case "maximum" -> "must be at most " + limit;
      case "enum" -> "must be one of " + String.join(", ", texts(limit));
      case "format" ->
          switch (limit.asText()) {
            case "date-time" -> "must be a time like 2030-01-31T09:30:00Z (RFC 3339)";
            case "uuid" -> "must be a UUID like 01890a5d-ac96-774b-bcce-b302099a8057";
            default -> "must be a " + limit.asText();
          };
      case "pattern" -> unfit(message.getInstanceNode().asText(), limit.asText());
      default -> message.getMessage();
    };
  }

  /** The contract's patterns say which characters a text may have. */
  private static String unfit(String text, String pattern) {
    Pattern allowed = Pattern.compile(pattern);
    return text.codePoints()
        .filter(one -> !allowed.matcher(Character.toString(one)).matches())
        .mapToObj(
            one ->
                "must not contain the character U+%04X, %s".formatted(one, Character.getName(one)))
        .findFirst()
        .orElse("must match " + pattern);
  }

  private static List<String> texts(JsonNode values) {
    List<String> texts = new ArrayList<>();
    values.forEach(value -> texts.add(value.asText()));
    return texts;
  }
}
