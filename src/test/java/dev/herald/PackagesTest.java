package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Which package may know which: a bean can be found, and a part can be changed by itself. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class PackagesTest {
  private static final Path SOURCES = Path.of("src/main/java/dev/herald");
  private static final Pattern IMPORT =
      Pattern.compile("^import (?:static )?dev\\.herald\\.([a-z]+)\\.", Pattern.MULTILINE);

  /** The ground: they know no other. */
  private static final Set<String> GROUND = Set.of("config", "problem");

  @Test
  void should_let_the_ground_know_nobody() {
    knows()
        .forEach((name, known) -> assertThat(GROUND.contains(name) ? known : Set.of()).isEmpty());
  }

  @Test
  void should_let_nobody_know_the_wiring() {
    knows().forEach((name, known) -> assertThat(known).as(name).doesNotContain("wiring"));
  }

  @Test
  void should_have_no_cycle() {
    Map<String, Set<String>> left = new TreeMap<>(knows());
    while (!left.isEmpty()) {
      Set<String> free = new HashSet<>();
      left.forEach(
          (name, known) -> {
            if (known.stream().noneMatch(left::containsKey)) {
              free.add(name);
            }
          });
      assertThat(free).as("packages that know each other in a circle: %s", left).isNotEmpty();
      left.keySet().removeAll(free);
    }
  }

  private static Map<String, Set<String>> knows() {
    Map<String, Set<String>> knows = new TreeMap<>();
    try (Stream<Path> files = Files.walk(SOURCES, 2)) {
      files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.getParent().equals(SOURCES))
          .forEach(
              file -> {
                String name = file.getParent().getFileName().toString();
                Set<String> known = knows.computeIfAbsent(name, any -> new TreeSet<>());
                Matcher other = IMPORT.matcher(read(file));
                while (other.find()) {
                  known.add(other.group(1));
                }
                known.remove(name);
              });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(knows).containsKeys("api", "config", "dispatch", "wiring");
    return knows;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
