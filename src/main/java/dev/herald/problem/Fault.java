package dev.herald.problem;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * Why files of a flow cannot run; schema {@code Fault} of the contract.
 *
 * @param file its name, such as {@code routes/deliver.camel.yaml}; null if no file is to blame
 * @param line where in the file, from 1; null if that is not known
 * @param detail what is wrong, and what would be right
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Fault(String file, Integer line, String detail) {
  public static Fault in(String file, int line, String detail) {
    return new Fault(file, line > 0 ? line : null, detail);
  }

  public static Fault of(String detail) {
    return new Fault(null, null, detail);
  }

  /** As a line of a log or a console. */
  @Override
  public String toString() {
    if (file == null) {
      return detail;
    }
    return (line == null ? file : file + ":" + line) + ": " + detail;
  }
}
