package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import dev.herald.testing.RawProvider.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each delivery has a thread of its own. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class DeliveryThreadsIT {
  private static final int CONCURRENCY = 50;
  private static final int VIRTUAL_FROM = 21;

  /** The provider answers none of them before it has all. */
  private static final CountDownLatch UNDER_WAY = new CountDownLatch(CONCURRENCY);

  @TempDir Path routes;

  private static void answerWhenAllAreThere(Connection connection) throws IOException {
    while (connection.read() != null) {
      UNDER_WAY.countDown();
      try {
        UNDER_WAY.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      connection.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    }
  }

  @Test
  void should_have_as_many_posts_under_way_as_it_is_told_each_on_a_thread_of_its_own()
      throws IOException {
    String thread =
        """
        - setHeader:
            name: X-Thread
            simple: "${bean:type:java.lang.Thread?method=currentThread}"
        """;
    try (RawProvider provider = new RawProvider(DeliveryThreadsIT::answerWhenAllAreThere);
        Node node =
            Node.on(Local.servers().newDatabase(), provider.url())
                .with(
                    "camel.main.routes-include-pattern", EditedRoutes.beforeThePost(routes, thread))
                .with("dispatch.concurrency", CONCURRENCY)
                .with("webhook.timeout", "20s")
                .with("webhook.connect-timeout", "20s")
                .start()) {
      node.api().createMany(CONCURRENCY);
      await().until(() -> node.api().count("SENT") == CONCURRENCY);

      assertThat(provider.requests()).hasSize(CONCURRENCY);
      assertThat(provider.requests().stream().map(DeliveryThreadsIT::thread))
          .doesNotHaveDuplicates()
          .allSatisfy(
              text ->
                  assertThat(text)
                      .contains("herald-deliver-")
                      .startsWith(
                          Runtime.version().feature() < VIRTUAL_FROM
                              ? "Thread["
                              : "VirtualThread["));
    }
  }

  private static String thread(Request request) {
    return request
        .head()
        .lines()
        .filter(line -> line.startsWith("X-Thread: "))
        .findFirst()
        .orElseThrow()
        .substring("X-Thread: ".length());
  }
}
