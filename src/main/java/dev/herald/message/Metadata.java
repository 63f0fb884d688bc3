package dev.herald.message;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;

/** The client's own names and values of a message, as the database holds them: a JSON object. */
public final class Metadata {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<Map<String, String>> TEXTS = new TypeReference<>() {};

  private Metadata() {}

  /**
   * @param metadata in the client's order; may be null
   * @return null for null
   */
  public static String write(Map<String, String> metadata) {
    try {
      return metadata == null ? null : JSON.writeValueAsString(metadata);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * @param column of a row; may be null
   * @return null for null
   */
  public static Map<String, String> read(String column) {
    try {
      return column == null ? null : JSON.readValue(column, TEXTS);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("column metadata of table message is no object of texts", e);
    }
  }
}
