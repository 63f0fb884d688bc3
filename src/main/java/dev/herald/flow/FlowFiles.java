package dev.herald.flow;

import dev.herald.store.Statements;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/**
 * The files of a flow as they were at one moment: what is checked is what runs, however the disk
 * changes meanwhile. Immutable.
 */
final class FlowFiles {
  private static final Path STATEMENTS = Path.of("sql");
  private static final Pattern STATEMENT = Pattern.compile("sql:file:([^\"'\\s?#{}]+)");

  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([\\w.-]+)");

  /** Contents by name: a path as routes write it, such as {@code routes/deliver.camel.yaml}. */
  private final SortedMap<String, byte[]> routes;

  /** Each with its parts in place, so that a part that differs makes another statement. */
  private final SortedMap<String, byte[]> statements;

  /** The files of the parts of each statement. */
  private final Map<String, Set<String>> parts = new TreeMap<>();

  /** Patterns that find no file. */
  private final List<String> findNothing;

  /** Files that more than one pattern finds. */
  private final Set<String> twice;

  private final SortedMap<String, String> digests = new TreeMap<>();

  private FlowFiles(
      SortedMap<String, byte[]> routes,
      SortedMap<String, byte[]> statements,
      List<String> findNothing,
      Set<String> twice) {
    this.routes = routes;
    this.statements = new TreeMap<>();
    this.findNothing = findNothing;
    this.twice = twice;
    routes.forEach((name, content) -> digests.put(name, digest(content)));
    statements.forEach(
        (name, content) -> {
          String text = new String(content, StandardCharsets.UTF_8);
          parts.put(name, Statements.parts(text));
          this.statements.put(
              name,
              parts.get(name).isEmpty()
                  ? content
                  : composed(text, statements).getBytes(StandardCharsets.UTF_8));
        });
    this.statements.forEach((name, content) -> digests.put(name, digest(content)));
  }

  private static String composed(String text, Map<String, byte[]> statements) {
    return Statements.compose(
        text,
        part ->
            statements.containsKey(part)
                ? new String(statements.get(part), StandardCharsets.UTF_8)
                : null);
  }

  /**
   * Reads the route files, everything in {@code sql/}, and the statements elsewhere that routes
   * name.
   *
   * @param patterns of the route files
   */
  static FlowFiles read(CamelContext camel, List<String> patterns) throws IOException {
    SortedMap<String, byte[]> routes = new TreeMap<>();
    List<String> findNothing = new ArrayList<>();
    Set<String> twice = new TreeSet<>();
    for (String pattern : patterns) {
      boolean found = false;
      for (Resource resource : find(camel, pattern)) {
        Optional<byte[]> content = content(resource);
        String name = name(resource.getLocation());
        if (content.isPresent() && routes.put(name, content.get()) != null) {
          twice.add(name);
        }
        found |= content.isPresent();
      }
      if (!found) {
        findNothing.add(pattern);
      }
    }
    TreeSet<String> names = new TreeSet<>();
    if (Files.isDirectory(STATEMENTS)) {
      try (Stream<Path> files = Files.list(STATEMENTS)) {
        files
            .filter(file -> file.toString().endsWith(".sql") && Files.isRegularFile(file))
            .forEach(file -> names.add(file.toString().replace('\\', '/')));
      }
    }
    routes.values().forEach(content -> names.addAll(statementsIn(content)));
    SortedMap<String, byte[]> statements = new TreeMap<>();
    for (String name : names) {
      content(Path.of(name)).ifPresent(bytes -> statements.put(name, bytes));
    }
    for (byte[] statement : List.copyOf(statements.values())) {
      for (String part : Statements.parts(new String(statement, StandardCharsets.UTF_8))) {
        if (!statements.containsKey(part)) {
          content(Path.of(part)).ifPresent(bytes -> statements.put(part, bytes));
        }
      }
    }
    return new FlowFiles(routes, statements, findNothing, twice);
  }

  private static List<Resource> find(CamelContext camel, String pattern) throws IOException {
    try {
      return List.copyOf(PluginHelper.getPackageScanResourceResolver(camel).findResources(pattern));
    } catch (NoSuchFileException e) {
      return List.of(); // the folder is gone; the check says so
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    }
  }

  /** Reads the disk itself: the context may still have the earlier content. */
  private static Optional<byte[]> content(Resource resource) throws IOException {
    if (resource.getLocation().startsWith("file:")) {
      return content(Path.of(name(resource.getLocation())));
    }
    try (InputStream in = resource.getInputStream()) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    }
  }

  private static Optional<byte[]> content(Path file) throws IOException {
    try {
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty(); // deleted since it was listed
    } catch (IOException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /** The name of a file in faults and answers: its location without the scheme. */
  static String name(String location) {
    String path = location.startsWith("file:") ? location.substring("file:".length()) : location;
    return path.replace('\\', '/');
  }

  /** Patterns that find no file. */
  List<String> findNothing() {
    return findNothing;
  }

  /** The names of route files that more than one pattern finds. */
  Set<String> twice() {
    return twice;
  }

  /** The names of the route files. */
  Set<String> routeFiles() {
    return routes.keySet();
  }

  Resource resource(String name) {
    byte[] content = routes.containsKey(name) ? routes.get(name) : statements.get(name);
    return ResourceHelper.fromBytes("file:" + name, content);
  }

  /** The files of the statements that a route file names. */
  Set<String> statementsIn(String routeFile) {
    return statementsIn(routes.get(routeFile));
  }

  private static Set<String> statementsIn(byte[] content) {
    return STATEMENT
        .matcher(new String(content, StandardCharsets.UTF_8))
        .results()
        .map(statement -> statement.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The keys that they name in double braces. */
  Set<String> placeholders() {
    Set<String> keys = new TreeSet<>();
    routes
        .keySet()
        .forEach(
            name ->
                PLACEHOLDER.matcher(text(name)).results().forEach(key -> keys.add(key.group(1))));
    return keys;
  }

  boolean has(String name) {
    return digests.containsKey(name);
  }

  boolean isRoutes(String name) {
    return routes.containsKey(name);
  }

  int size(String routeFile) {
    return routes.get(routeFile).length;
  }

  boolean isUtf8(String routeFile) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(routes.get(routeFile)));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  String text(String routeFile) {
    return new String(routes.get(routeFile), StandardCharsets.UTF_8);
  }

  /** What the files say. */
  Stream<String> texts() {
    return Stream.concat(
        routes.keySet().stream().map(this::text),
        statements.keySet().stream().flatMap(name -> statement(name).stream()));
  }

  Optional<String> statement(String name) {
    return Optional.ofNullable(statements.get(name))
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  /** The files of the parts of a statement, those that cannot be read, too. */
  Set<String> partsOf(String statement) {
    return parts.getOrDefault(statement, Set.of());
  }

  /** SHA-256 by name, in hexadecimal. */
  SortedMap<String, String> digests() {
    return digests;
  }

  /** One digest of all of them: nodes with the same one have the same flow. */
  String digest() {
    StringBuilder all = new StringBuilder();
    digests.forEach((name, digest) -> all.append(digest).append("  ").append(name).append('\n'));
    return digest(all.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The names of the files that the other has differently, or that only one of them has. */
  List<String> changes(FlowFiles other) {
    TreeSet<String> names = new TreeSet<>(digests.keySet());
    names.addAll(other.digests.keySet());
    return names.stream().filter(name -> differs(digests, other.digests, name)).toList();
  }

  private static boolean differs(Map<String, String> some, Map<String, String> others, String of) {
    return !Objects.equals(some.get(of), others.get(of));
  }

  static String digest(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
