package dev.herald.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.testing.CapturedLog;
import dev.herald.testing.Certificate;
import dev.herald.testing.Configured;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** To whom a rediss URL gives its password. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RedisTlsTest {
  private final List<String> heard = new CopyOnWriteArrayList<>();
  private ServerSocket server;
  @TempDir Path folder;

  @AfterEach
  void close() throws IOException {
    server.close();
  }

  @Test
  void should_log_in_at_the_server_that_the_url_names() throws Exception {
    Certificate right = serve("dns:localhost");
    assertThat(reaches(right.trust())).isTrue();
    assertThat(heard).contains("AUTH", "someone", "s3cret:%", "SELECT", "3", "PING");
  }

  @Test
  void should_tell_nothing_to_a_server_whose_certificate_has_another_name() throws Exception {
    Certificate wrong = serve("dns:redis.example,ip:127.0.0.1");
    assertThat(reaches(wrong.trust())).isFalse();
    assertThat(heard).isEmpty();
  }

  @Test
  void should_tell_nothing_to_a_server_that_nobody_vouches_for() throws Exception {
    serve("dns:localhost");
    assertThat(reaches(SSLContext.getDefault())).isFalse();
    assertThat(heard).isEmpty();
  }

  private Certificate serve(String names) {
    Certificate certificate = Certificate.make(folder, "redis", names);
    server = certificate.listen(Optional.empty());
    Thread thread = new Thread(this::run, "redis-tls");
    thread.setDaemon(true);
    thread.start();
    return certificate;
  }

  private boolean reaches(SSLContext tls) {
    String url = "rediss://someone:s3cret%%3A%%25@localhost:%d/3".formatted(server.getLocalPort());
    try (CapturedLog log = new CapturedLog();
        RedisFeed feed =
            new RedisFeed(
                Configured.with("redis.url", url, "redis.timeout", "5s").redis(),
                tls.getSocketFactory())) {
      feed.ping();
      assertThat(log.lines()).noneMatch(line -> line.contains("s3cret"));
      return feed.up();
    }
  }

  /** Speaks as much of Redis as a login needs. */
  private void run() {
    while (!server.isClosed()) {
      try (Socket client = server.accept()) {
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8));
        for (String head = in.readLine(); head != null; head = in.readLine()) {
          String answer = "+OK\r\n";
          for (int words = Integer.parseInt(head.substring(1)); words > 0; words--) {
            in.readLine(); // the length of the word
            String word = in.readLine();
            heard.add(word);
            answer = word.equals("PING") ? "+PONG\r\n" : answer;
          }
          client.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
        }
      } catch (IOException refused) {
        // the next one may be more trusting
      }
    }
  }
}
