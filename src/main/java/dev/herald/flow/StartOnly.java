package dev.herald.flow;

import dev.herald.problem.Fault;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * What only a start can take up: files that it alone reads, and route files with more than routes.
 * Thread-safe.
 */
final class StartOnly {
  /** The files that only a start reads, by the digest that they had then. */
  private final Map<Path, String> files = new TreeMap<>();

  private volatile Map<String, String> routeFiles = Map.of();

  StartOnly(List<Path> files) {
    files.forEach(file -> this.files.put(file, digest(file)));
  }

  /**
   * @param routeFiles those with more than routes, and what they have, as the start read them
   */
  void routeFiles(Map<String, String> routeFiles) {
    this.routeFiles = routeFiles;
  }

  /** Changes whenever one of the files does. */
  String onDisk() {
    StringBuilder all = new StringBuilder();
    files.keySet().forEach(file -> all.append(' ').append(digest(file)));
    return all.toString();
  }

  /** Whether one of the files has another content than at the start. */
  boolean changed() {
    return !faults(List.of(), Map.of(), List.of()).isEmpty();
  }

  /**
   * What a reload cannot do.
   *
   * @param changed names of files of the flow
   * @param nowInRouteFiles what route files on disk have besides routes
   * @param known faults of files about which nothing more needs to be said
   */
  List<Fault> faults(List<String> changed, Map<String, String> nowInRouteFiles, List<Fault> known) {
    List<Fault> faults = new ArrayList<>();
    for (String file : changed) {
      boolean faulty = known.stream().anyMatch(fault -> file.equals(fault.file()));
      String why = routeFiles.getOrDefault(file, nowInRouteFiles.get(file));
      if (!faulty && why != null) {
        faults.add(
            Fault.in(
                file,
                0,
                "has %s, which cannot be swapped while it runs; restart this node".formatted(why)));
      }
    }
    files.forEach(
        (file, digest) -> {
          if (!digest.equals(digest(file))) {
            faults.add(
                Fault.in(
                    file.toString(),
                    0,
                    "was changed since this node started, and is read only at a start; restart this node"));
          }
        });
    return faults;
  }

  /** Of the values, if it is a .properties file: a comment is no change. */
  private static String digest(Path file) {
    try {
      byte[] content = Files.readAllBytes(file);
      if (file.toString().endsWith(".properties")) {
        Properties values = new Properties();
        values.load(new StringReader(new String(content, StandardCharsets.UTF_8)));
        content = new TreeMap<>(values).toString().getBytes(StandardCharsets.UTF_8);
      }
      return FlowFiles.digest(content);
    } catch (IOException | IllegalArgumentException e) {
      return "unreadable";
    }
  }
}
