package dev.herald.dev;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.Herald;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The one command, {@code mvn -q test-compile exec:java}: Herald with a PostgreSQL, a Redis and a
 * webhook of its own, a lively pace and some messages; with {@code -Pkafka} also a Kafka, with
 * messages from it and events to it. What the environment sets goes before what this sets; {@code
 * -Dtraffic=false} sends no more than the first messages.
 */
public final class DevelopmentRun {
  private static final int SAMPLES = 10;
  private static final boolean TRAFFIC =
      !"false".equalsIgnoreCase(System.getProperty("traffic", System.getenv("TRAFFIC")));
  private static final long READY_MS = 60_000;
  private static final String INTAKE_TOPIC = "herald.messages";
  private static final String KAFKA_ROUTES =
      "examples/events/kafka.camel.yaml,examples/kafka/intake.camel.yaml,examples/kafka/dispatch.camel.yaml";

  private DevelopmentRun() {}

  public static void main(String[] arguments) throws Exception {
    say("Starting PostgreSQL and Redis (the first time takes some seconds) ...");
    LocalServers servers = new LocalServers();
    Properties properties = new Properties();
    set(properties, "server.host", "127.0.0.1");
    set(properties, "api.key", newKey());
    set(properties, "database.url", servers.newDatabase());
    set(properties, "database.username", "postgres");
    set(properties, "redis.url", servers.redisUrl().toString());
    set(properties, "dispatch.interval", "1s");
    set(properties, "routes.watch", "2s");
    Optional<SampleWebhook> webhook = webhook(properties);
    Optional<KafkaBroker> kafka = kafka(properties);

    Herald herald = Herald.forDevelopment(properties);
    Thread running = new Thread(herald::run, "herald");
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> stop(running, webhook, kafka, servers), "development-run-stop"));
    running.start();
    String url = "http://localhost:" + value(properties, "server.port", "8080");
    String key = value(properties, "api.key", null).split(",")[0].replaceFirst("^[^:]*:", "");
    if (awaitReady(running, url)) {
      enqueue(url, key);
      if (kafka.isPresent()) {
        enqueue(kafka.get());
      }
      welcome(url, key, properties, webhook, kafka);
      if (TRAFFIC && webhook.isPresent()) {
        new Traffic(url, key).start();
      }
    }
    running.join();
  }

  private static Optional<SampleWebhook> webhook(Properties properties) {
    if (System.getenv("WEBHOOK_URL") != null) {
      return Optional.empty();
    }
    SampleWebhook webhook = new SampleWebhook();
    if (TRAFFIC) {
      webhook.answer(post -> Traffic.answer(post, ThreadLocalRandom.current().nextInt(1_000)));
    }
    webhook.onPost(
        post ->
            say("webhook: to %s, \"%s\" (%s)", post.to(), post.content(), post.idempotencyKey()));
    properties.setProperty("webhook.url", webhook.url());
    return Optional.of(webhook);
  }

  private static Optional<KafkaBroker> kafka(Properties properties) throws IOException {
    if (!value(properties, "events.enabled", "false").equals("true")
        || given("events.kafka.brokers").isPresent()) {
      return Optional.empty();
    }
    say("Starting Kafka ...");
    KafkaBroker kafka = new KafkaBroker();
    kafka.createTopic(EventTopic.NAME, 3);
    kafka.createTopic(INTAKE_TOPIC, 3);
    kafka.createTopic(INTAKE_TOPIC + ".dead", 1);
    properties.setProperty("events.kafka.brokers", kafka.brokers());
    set(properties, "intake.kafka.brokers", kafka.brokers());
    set(properties, "routes.include", KAFKA_ROUTES);
    new EventTopic(
        kafka.brokers(),
        event ->
            say(
                "event: %s of %s at %s",
                event.path("type").asText(),
                event.at("/message/phoneNumber").asText(),
                event.path("at").asText()));
    return Optional.of(kafka);
  }

  private static boolean awaitReady(Thread running, String url) throws InterruptedException {
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/ready")).build();
    long end = System.currentTimeMillis() + READY_MS;
    while (running.isAlive() && System.currentTimeMillis() < end) {
      try {
        if (http.send(request, BodyHandlers.discarding()).statusCode() == 200) {
          return true;
        }
      } catch (IOException notYet) {
        // it is starting
      }
      Thread.sleep(100);
    }
    return false;
  }

  private static void enqueue(String url, String key) throws IOException, InterruptedException {
    List<Map<String, String>> samples = new ArrayList<>();
    for (int i = 1; i <= SAMPLES; i++) {
      samples.add(
          Map.of("phoneNumber", "+9055512345%02d".formatted(i), "content", "Sample message " + i));
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/api/v1/messages/batch"))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofByteArray(new ObjectMapper().writeValueAsBytes(samples)))
            .build();
    int status = HttpClient.newHttpClient().send(request, BodyHandlers.discarding()).statusCode();
    if (status != 201) {
      say("The sample messages were not taken: HTTP %d", status);
    }
  }

  private static void enqueue(KafkaBroker kafka) throws InterruptedException {
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.brokers()),
            new StringSerializer(),
            new StringSerializer())) {
      producer
          .send(
              new ProducerRecord<>(
                  INTAKE_TOPIC,
                  "{\"phoneNumber\": \"+905551234599\", \"content\": \"Sample message from Kafka\"}"))
          .get();
    } catch (ExecutionException e) {
      say("The sample message from Kafka was not taken: %s", e.getCause());
    }
  }

  private static void welcome(
      String url,
      String key,
      Properties properties,
      Optional<SampleWebhook> webhook,
      Optional<KafkaBroker> kafka) {
    String interval = value(properties, "dispatch.interval", "");
    String batch = value(properties, "dispatch.batch-size", "2");
    say(
        """

        Herald listens on %s; %d sample messages wait, and %s of them go out every %s.%s
          key          %s
          webhook      %s
          dashboard    %s/dashboard/
          try it       %s/swagger/
          management   http://localhost:%s/observe/health  /observe/metrics  /observe/jolokia
          PostgreSQL   %s
          Redis        %s%s

        Try:
          curl -s -H 'Authorization: Bearer %s' %s/api/v1/messages/stats
          curl -s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \\
            -d '{"phoneNumber": "+905551234567", "content": "Hello"}' %s/api/v1/messages
          curl -s -H 'Authorization: Bearer %s' -X POST %s/api/v1/scheduler/stop

        Ctrl-C stops everything.
        """,
        url,
        SAMPLES,
        batch,
        interval,
        TRAFFIC && webhook.isPresent()
            ? "\nEvery 2 seconds another one comes; one in 12 goes to %s, which always fails."
                .formatted(Traffic.DEAD_NUMBER)
            : "",
        key,
        webhook.map(SampleWebhook::url).orElse(System.getenv("WEBHOOK_URL")),
        url,
        url,
        value(properties, "management.port", "8081"),
        value(properties, "database.url", ""),
        value(properties, "redis.url", ""),
        kafka
            .map(
                broker ->
                    "\n  Kafka        %s  messages from %s, events to %s"
                        .formatted(broker.brokers(), INTAKE_TOPIC, EventTopic.NAME))
            .orElse(""),
        key,
        url,
        key,
        url,
        key,
        url);
  }

  private static void stop(
      Thread running,
      Optional<SampleWebhook> webhook,
      Optional<KafkaBroker> kafka,
      LocalServers servers) {
    try {
      running.join();
      webhook.ifPresent(SampleWebhook::close);
      if (kafka.isPresent()) {
        kafka.get().close();
      }
      servers.close();
      say("Stopped.");
    } catch (InterruptedException | IOException e) {
      say("Stopping: %s", e);
    }
  }

  /** Sets a property unless the environment or the command line does. */
  private static void set(Properties properties, String key, String value) {
    if (given(key).isEmpty()) {
      properties.setProperty(key, value);
    }
  }

  private static String value(Properties properties, String key, String otherwise) {
    return given(key).orElse(properties.getProperty(key, otherwise));
  }

  private static Optional<String> given(String key) {
    String variable = key.toUpperCase(java.util.Locale.ROOT).replace('.', '_').replace('-', '_');
    return Optional.ofNullable(System.getProperty(key, System.getenv(variable)));
  }

  private static String newKey() {
    byte[] bytes = new byte[12];
    new SecureRandom().nextBytes(bytes);
    return "dev-" + HexFormat.of().formatHex(bytes);
  }

  private static void say(String format, Object... arguments) {
    System.out.println(format.formatted(arguments));
  }
}
