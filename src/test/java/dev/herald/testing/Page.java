package dev.herald.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** What a page of the documentation tells to paste. */
public record Page(Path file) {
  /** The YAML block that has these words. */
  public String yaml(String words) {
    return block("yaml", words);
  }

  /** The block in a language that has these words. */
  public String block(String language, String words) {
    try {
      return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
          .matcher(Files.readString(file))
          .results()
          .map(result -> result.group(1))
          .filter(block -> block.contains(words))
          .findFirst()
          .orElseThrow(() -> new AssertionError(file + " has no " + language + " with " + words));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
