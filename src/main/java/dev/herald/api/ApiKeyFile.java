package dev.herald.api;

import dev.herald.config.ApiKey;
import dev.herald.config.ConfigurationException;
import dev.herald.config.Role;
import dev.herald.config.SecretFile;
import dev.herald.problem.FailStop;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that {@code api.key-file} names, read again while Herald runs, so that keys can be
 * rotated without a restart. It looks at what the file holds, not at times, so that it sees links
 * that point elsewhere, as those of a Secret do; and it waits until a look finds the same as the
 * one before, so that a save in progress is not taken for an edit. A file that cannot be used
 * changes nothing. Used by one thread at a time.
 */
public final class ApiKeyFile {
  private static final Logger LOG = LoggerFactory.getLogger(ApiKeyFile.class);

  /** How often it is read. */
  private static final long LOOK_MS = 1_000;

  private final SecretFile file;
  private final boolean samplesToo;
  private final ApiKeys accepted;
  private List<ApiKey> keys;
  private Content seen;
  private Content done;

  /** What it holds, or why that cannot be used; the other is empty. */
  private record Content(List<ApiKey> keys, String fault) {}

  /**
   * @param keys that it had at start
   * @param accepted takes those that it has later
   * @param samplesToo whether sample keys are accepted
   */
  public ApiKeyFile(SecretFile file, List<ApiKey> keys, ApiKeys accepted, boolean samplesToo) {
    this.file = file;
    this.keys = keys;
    this.accepted = accepted;
    this.samplesToo = samplesToo;
    this.done = new Content(keys, "");
  }

  /** From now on what changes in it counts. */
  void watch(Vertx vertx) {
    vertx.setTimer(
        LOOK_MS,
        timer ->
            vertx
                .executeBlocking(
                    () -> {
                      look();
                      return null;
                    })
                .onFailure(
                    failure -> {
                      LOG.warn("{} could not be looked at", file.path(), failure);
                      FailStop.passOn(failure);
                    })
                // Not at a fixed rate: a read of a disk that hangs must not queue up others.
                .onComplete(looked -> watch(vertx)));
  }

  void look() {
    Content now = read();
    if (!now.equals(seen)) {
      seen = now;
    } else if (!now.equals(done)) {
      done = now;
      if (now.fault().isEmpty()) {
        take(now.keys());
      } else {
        LOG.warn("The API keys stay as they are: {}", now.fault());
      }
    }
  }

  private Content read() {
    try {
      return new Content(ApiKey.read(file, samplesToo), "");
    } catch (ConfigurationException e) {
      return new Content(List.of(), e.getMessage());
    }
  }

  private void take(List<ApiKey> next) {
    List<String> changes = new ArrayList<>();
    List<ApiKey> added = without(next, keys::contains);
    List<ApiKey> removed = without(keys, next::contains);
    if (!added.isEmpty()) {
      changes.add("added " + names(added));
    }
    if (!removed.isEmpty()) {
      changes.add("removed " + names(removed));
    }
    accepted.replace(next);
    keys = next;
    LOG.info(
        "{} was read again; API keys: {}",
        file.path(),
        changes.isEmpty() ? "the same as before" : String.join(", ", changes));
    ApiKeys.warnOfShort(added);
  }

  private static List<ApiKey> without(List<ApiKey> all, Predicate<ApiKey> others) {
    return all.stream().filter(others.negate()).toList();
  }

  private static String names(List<ApiKey> some) {
    return some.stream()
        .map(key -> "%s with %s".formatted(ApiKeys.caller(key), Role.join(key.roles())))
        .collect(Collectors.joining(", "));
  }
}
