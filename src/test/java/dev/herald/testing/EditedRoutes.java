package dev.herald.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A copy of {@code routes/}, edited as an operator does. */
public final class EditedRoutes {
  /** The file that most edits go into. */
  public static final String DELIVER = "deliver.camel.yaml";

  /** Steps of it, by their first lines. */
  public static final String FIRST = "- process:\n    description: Add Idempotency-Key";

  public static final String MARSHAL = "- marshal:\n";
  public static final String POST = "- to:\n    id: http-send-message\n";
  public static final String LAST = "- process:\n    description: Classify the response";

  private static final int STEPS = 8;

  private final Path folder;

  private EditedRoutes(Path folder) {
    this.folder = folder;
  }

  /**
   * @param folder for the copy
   */
  public static EditedRoutes in(Path folder) {
    return new EditedRoutes(folder).restore();
  }

  /** Takes back every edit. */
  public EditedRoutes restore() {
    try (Stream<Path> before = Files.list(folder);
        Stream<Path> files = Files.list(Path.of("routes"))) {
      for (Path file : (Iterable<Path>) before::iterator) {
        if (file.toString().endsWith(".yaml")) {
          Files.delete(file);
        }
      }
      for (Path file : (Iterable<Path>) files::iterator) {
        add(file.getFileName().toString(), Files.readString(file));
      }
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Puts steps before the POST.
   *
   * @param folder for the copy
   * @param steps as YAML, each beginning with {@code - } in the first column
   * @return a value for {@code camel.main.routes-include-pattern}
   */
  public static String beforeThePost(Path folder, String steps) {
    return in(folder).before(POST, steps.indent(STEPS)).pattern();
  }

  /** Puts steps of the delivery, indented as there, before one of its steps. */
  public EditedRoutes before(String step, String steps) {
    return before(DELIVER, step.indent(STEPS), steps);
  }

  /** Puts lines before other lines of a file. */
  public EditedRoutes before(String file, String there, String lines) {
    String text = read(file);
    return add(file, new StringBuilder(text).insert(find(file, text, there), lines).toString());
  }

  /** Puts steps of the delivery, indented as there, in the place of one of its steps. */
  public EditedRoutes insteadOf(String step, String steps) {
    String text = read(DELIVER);
    int from = find(DELIVER, text, step.indent(STEPS));
    int next = text.indexOf("\n" + " ".repeat(STEPS) + "- ", from);
    return add(DELIVER, text.substring(0, from) + steps + text.substring(next + 1));
  }

  /** Writes other words wherever a file has these. */
  public EditedRoutes replace(String file, String from, String to) {
    String text = read(file);
    find(file, text, from);
    return add(file, text.replace(from, to));
  }

  /** Ends a file before these words, as a save that broke off. */
  public EditedRoutes cut(String file, String from) {
    String text = read(file);
    return add(file, text.substring(0, find(file, text, from)));
  }

  /** Writes a file. */
  public EditedRoutes add(String file, String text) {
    try {
      Files.writeString(folder.resolve(file), text);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A value for {@code camel.main.routes-include-pattern}. */
  public String pattern() {
    return "file:" + folder + "/*.yaml";
  }

  private String read(String file) {
    try {
      return Files.readString(folder.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int find(String file, String text, String lines) {
    int at = text.indexOf(lines.stripTrailing());
    if (at < 0) {
      throw new IllegalStateException("routes/" + file + " has no " + lines);
    }
    return at;
  }

  /** Steps that set headers: a name, its value, the next name and so on. */
  public static String headers(String... namesAndValues) {
    StringBuilder steps = new StringBuilder();
    List<String> all = List.of(namesAndValues);
    for (int i = 0; i < all.size(); i += 2) {
      steps.append(
          "- setHeader:\n    name: %s\n    constant: \"%s\"\n"
              .formatted(all.get(i), all.get(i + 1)));
    }
    return steps.toString();
  }
}
