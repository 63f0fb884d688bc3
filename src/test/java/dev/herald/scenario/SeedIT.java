package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.Seed;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class SeedIT {

  @Test
  void should_send_as_many_messages_as_asked_for() throws Exception {
    try (SampleWebhook webhook = new SampleWebhook();
        Node node =
            Node.on(Local.servers().newDatabase(), webhook.url())
                .with("dispatch.enabled", false)
                .start()) {
      Seed.main(new String[] {node.api().url() + "/", Node.KEY, "2345"});
      assertThat(node.api().count("PENDING")).isEqualTo(2_345);
      assertThatThrownBy(() -> Seed.main(new String[] {node.api().url(), "wrong", "1"}))
          .hasMessageContaining("HTTP 401");
    }
  }
}
