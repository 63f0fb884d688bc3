package dev.herald.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Prometheus' own checks. A test that uses them is skipped where promtool is not installed. */
public final class Promtool {
  private Promtool() {}

  /** Returns its exit code, and after that in lines of their own what it prints. */
  public static String run(String input, String... arguments) throws Exception {
    assumeTrue(installed(), "promtool is not on the PATH");
    List<String> command = new ArrayList<>(List.of("promtool"));
    command.addAll(List.of(arguments));
    Path file = Files.createTempFile("promtool", ".txt");
    try {
      Files.writeString(file, input);
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(file.toFile())
              .start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() + "\n" + output;
    } finally {
      Files.delete(file);
    }
  }

  private static boolean installed() {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "promtool")));
  }
}
