package dev.herald.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;

/**
 * A file that holds the value of a key, as Docker, Kubernetes and systemd mount secrets. Each
 * {@link #read} reads it anew. No error repeats what it holds.
 *
 * @param key whose value it holds
 * @param path as it was written
 */
public record SecretFile(String key, String path) {
  /** The keys that may be, or hold, a secret. */
  public static final Set<String> KEYS =
      Set.of(
          "api.key",
          "database.url",
          "database.password",
          "events.database-url",
          "receipts.token",
          "redis.url",
          "webhook.url",
          "webhook.auth-value",
          "webhook.signing-secret",
          "webhook.proxy");

  private static final int MAX_BYTES = 64 * 1024;

  /** The key that names the file: {@code api.key-file} for {@code api.key}. */
  public static String nameOf(String key) {
    return key + "-file";
  }

  /**
   * Returns its text in UTF-8, without the white space and line breaks around it.
   *
   * @throws ConfigurationException if there is none, saying why and what to do
   */
  public String read() {
    try {
      Path file = Path.of(path);
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (attributes.isDirectory()) {
        throw wrong("is a folder; name the file in it");
      }
      if (!attributes.isRegularFile()) {
        throw wrong("is not a regular file; name one");
      }
      if (attributes.size() > MAX_BYTES) {
        throw wrong("is larger than 64 KB; name the file that has only the secret");
      }
      String text = Files.readString(file).strip();
      if (text.isEmpty()) {
        throw wrong("is empty; write the value into it");
      }
      return text;
    } catch (InvalidPathException e) {
      throw wrong("is not a path; name a file");
    } catch (NoSuchFileException e) {
      throw wrong("does not exist; create it, or correct the path");
    } catch (AccessDeniedException e) {
      throw wrong("may not be read by the user that runs Herald; give that user access");
    } catch (CharacterCodingException e) {
      throw wrong("is not encoded as UTF-8; save it as UTF-8");
    } catch (IOException e) {
      throw wrong("cannot be read; look at the file and its disk");
    }
  }

  private ConfigurationException wrong(String problem) {
    return new ConfigurationException("%s is '%s', which %s".formatted(nameOf(key), path, problem));
  }
}
