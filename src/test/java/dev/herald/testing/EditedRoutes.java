package dev.herald.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A copy of {@code routes/}, edited as an operator does. */
public final class EditedRoutes {
  private static final String POST = "        - to:\n            id: http-send-message\n";

  private EditedRoutes() {}

  /**
   * Puts steps before the POST.
   *
   * @param folder for the copy
   * @param steps as YAML, each beginning with {@code - } in the first column
   * @return a value for {@code camel.main.routes-include-pattern}
   */
  public static String beforeThePost(Path folder, String steps) {
    try (Stream<Path> files = Files.list(Path.of("routes"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String text = Files.readString(file);
        if (file.endsWith("deliver.camel.yaml")) {
          if (!text.contains(POST)) {
            throw new IllegalStateException(
                "routes/deliver.camel.yaml has no step http-send-message");
          }
          text = text.replace(POST, steps.indent(8) + POST);
        }
        Files.writeString(folder.resolve(file.getFileName()), text);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "file:" + folder + "/*.yaml";
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
