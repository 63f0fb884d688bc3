package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An edit breaks the claim or the record: it shows, and no message is lost or sent twice. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class BrokenEditsIT {
  private static final String RECORD = "record.camel.yaml";

  private static final String A_ROUTE_OF_ITS_OWN =
      """
              - to: {uri: direct:write-outcomes}
      - route:
          id: write-outcomes
          description: The default route configuration handles its failures
          from:
            uri: direct:write-outcomes
            steps:
      """;

  private final SampleWebhook webhook = new SampleWebhook();
  private final String database = Local.servers().newDatabase();
  private final Sql sql = new Sql(database);
  private final CapturedLog log = new CapturedLog();
  private @TempDir Path folder;

  @AfterEach
  void stop() {
    log.close();
    webhook.close();
  }

  @Test
  void should_keep_outcomes_though_the_route_handles_the_failure_of_their_record()
      throws IOException {
    EditedRoutes routes =
        EditedRoutes.in(folder)
            .before(
                RECORD, "        - to:\n            id: sql-record-outcomes", A_ROUTE_OF_ITS_OWN);
    webhook.answer(post -> Answer.accepted().after(600));
    try (TcpProxy cable = TcpProxy.of(database);
        Node node =
            Node.on(cable.by(database), webhook.url())
                .with("camel.main.routes-include-pattern", routes.pattern())
                .with("webhook.timeout", "900ms")
                .with("webhook.connect-timeout", "500ms")
                .with("dispatch.lease", "3s")
                .with("database.timeout", "1s")
                .start()) {
      List<String> ids = node.api().createMany(10);
      await().until(() -> webhook.posts().size() == 10);
      cable.refuse();
      await()
          .until(() -> sql.number("SELECT count(*) FROM message WHERE lease_until <= now()") == 10);
      cable.restore();
      await().until(() -> sql.number("SELECT count(*) FROM message WHERE status = 'SENT'") == 10);
      assertThat(webhook.posts().stream().map(Post::idempotencyKey))
          .containsExactlyInAnyOrderElementsOf(ids);
      assertThat(log.lines())
          .filteredOn(line -> line.contains("Route record-outcomes ended without calling bean"))
          .hasSize(1);
    }
  }
}
