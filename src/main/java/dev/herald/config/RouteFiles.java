package dev.herald.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The route files, {@code NAME.camel.yaml}: the names that Kaoto and the Camel tools expect. */
public final class RouteFiles {
  private static final String READ = ".camel.yaml";
  private static final String FILE = "file:";

  private RouteFiles() {}

  /**
   * The patterns that {@code routes.include} adds to the flow, as Camel takes them.
   *
   * @param include comma-separated; a path is of a file
   */
  public static List<String> included(String include) {
    return Stream.of(include.split(","))
        .map(String::strip)
        .filter(pattern -> !pattern.isEmpty())
        .map(pattern -> pattern.startsWith(FILE) ? pattern : FILE + pattern)
        .toList();
  }

  /**
   * Checks that no route file is left unread, so that nobody's edit is silently ignored.
   *
   * @throws ConfigurationException naming each file that would not be read
   */
  public static void check(Path folder) {
    if (!Files.isDirectory(folder)) {
      return; // Camel reports it
    }
    try (Stream<Path> files = Files.list(folder)) {
      List<String> problems =
          files
              .filter(file -> file.toString().matches(".*\\.ya?ml"))
              .filter(file -> !file.toString().endsWith(READ))
              .sorted()
              .map(
                  file ->
                      "%s is not read: route files are called NAME%s, so rename it to %s"
                          .formatted(
                              file,
                              READ,
                              file.getFileName().toString().replaceFirst("\\.ya?ml$", READ)))
              .toList();
      ConfigurationException.throwIfAny(problems);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
