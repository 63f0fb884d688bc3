package dev.herald.testing;

import dev.herald.testing.RawProvider.Behaviour;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rows of {@code odd-answers.txt}, which says how it is written. */
public final class OddAnswers {
  private static final Path FILE = Path.of("src/test/resources/odd-answers.txt");
  private static final int COLUMNS = 6;

  /** The innermost one: others are repeated afterwards. */
  private static final Pattern REPEAT = Pattern.compile("\\{(\\d+)\\*([^{}]*)}");

  private static final Pattern ESCAPE =
      Pattern.compile("\\\\(?:x([0-9a-f]{2})|([rnt0\\\\]))|(\\{pause})");
  private static final int PAUSE_MS = 100;

  /**
   * @param failure class of the failed attempt; empty where the message was sent
   */
  public record Row(String name, Behaviour behaviour, String status, String failure, String error) {
    @Override
    public String toString() {
      return name;
    }
  }

  private OddAnswers() {}

  public static List<Row> read() {
    try {
      return Files.readAllLines(FILE).stream()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .map(OddAnswers::row)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Row row(String line) {
    String[] cells = Arrays.stream(line.split("\\|", -1)).map(String::strip).toArray(String[]::new);
    if (cells.length != COLUMNS) {
      throw new IllegalArgumentException(
          FILE + ": a row has " + COLUMNS + " cells, and this one " + cells.length + ": " + line);
    }
    return new Row(cells[0], behaviour(cells[1], cells[2]), cells[3], cells[4], cells[5]);
  }

  private static Behaviour behaviour(String written, String then) {
    return connection -> {
      write(connection, written);
      switch (then.split(" ", 2)[0]) {
        case "keep" -> {}
        case "close" -> connection.closeFirst();
        case "reset" -> connection.reset();
        case "hang" -> connection.hang();
        case "drip" -> connection.drip(unescaped(then.split(" ", 2)[1]));
        default -> throw new IllegalArgumentException(FILE + ": nothing is called " + then);
      }
    };
  }

  private static void write(RawProvider.Connection connection, String text) throws IOException {
    String all = text;
    for (Matcher next = REPEAT.matcher(all); next.find(); next = REPEAT.matcher(all)) {
      String repeated = next.group(2).repeat(Integer.parseInt(next.group(1)));
      all = all.substring(0, next.start()) + repeated + all.substring(next.end());
    }
    String[] parts = all.split("(?<=\\{pause})");
    for (String part : parts) {
      connection.write(unescaped(part).getBytes(StandardCharsets.ISO_8859_1));
      if (part.endsWith("{pause}")) {
        connection.idle(PAUSE_MS);
      }
    }
  }

  private static String unescaped(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Matcher escape = ESCAPE.matcher(text);
    int from = 0;
    while (escape.find()) {
      bytes.writeBytes(text.substring(from, escape.start()).getBytes(StandardCharsets.UTF_8));
      if (escape.group(1) != null) {
        bytes.write(Integer.parseInt(escape.group(1), 16));
      } else if (escape.group(2) != null) {
        bytes.write("\r\n\t\0\\".charAt("rnt0\\".indexOf(escape.group(2))));
      }
      from = escape.end();
    }
    bytes.writeBytes(text.substring(from).getBytes(StandardCharsets.UTF_8));
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }
}
