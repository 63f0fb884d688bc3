package dev.herald.webhook;

import static dev.herald.webhook.Calls.ACCEPTED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.ClientTls;
import dev.herald.dev.LocalServers;
import dev.herald.testing.FullServer;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Connection;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** A name with several addresses, of which some or all are dead. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ConnectorTest {
  private static final Duration AGES = Duration.ofHours(1);

  /** Of what is to take too long. */
  private static final Duration SHORT = Duration.ofMillis(100);

  private static final InetAddress FIRST = address("127.0.0.1");
  private static final InetAddress SECOND = address("127.0.0.2");
  private static final InetAddress THIRD = address("127.0.0.3");

  private static InetAddress address(String text) {
    try {
      return InetAddress.getByName(text);
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Calls calls(Duration timeout, Duration connectTimeout, Connector.Names names) {
    return new Calls(
        timeout,
        connectTimeout,
        Optional.empty(),
        ClientTls.context(Optional.empty(), Optional.empty()),
        names);
  }

  private static Calls calls(InetAddress... addresses) {
    return calls(Calls.TIMEOUT, Calls.CONNECT_TIMEOUT, host -> addresses.clone());
  }

  private static String url(int port) {
    return "http://provider.example:" + port + "/webhook";
  }

  /** One answer a connection, so that each call needs a new one. */
  private static void once(Connection connection) throws IOException {
    connection.read();
    connection.write(ACCEPTED.replace("Content", "Connection: close\r\nContent")).closeFirst();
  }

  private static RawProvider on(InetAddress address, int port) throws IOException {
    return new RawProvider(new ServerSocket(port, 50, address), ConnectorTest::once);
  }

  @Test
  void should_reach_the_address_that_answers_when_another_refuses() throws Exception {
    try (RawProvider provider = on(FIRST, 0);
        Calls calls = calls(SECOND, FIRST)) {
      for (int call = 1; call <= 20; call++) {
        assertThat(calls.post(url(provider.port())).status()).isEqualTo(202);
      }
      assertThat(provider.requests())
          .hasSize(20)
          .allSatisfy(
              request ->
                  assertThat(request.head())
                      .contains("\r\nHost: provider.example:" + provider.port() + "\r\n"));
    }
  }

  @Test
  void should_reach_the_address_that_answers_when_another_is_silent_and_then_try_it_first()
      throws Exception {
    try (Calls calls = calls(SECOND, FIRST)) {
      RawProvider provider = on(FIRST, 0);
      String url = url(provider.port());
      try (FullServer silent = new FullServer(SECOND, provider.port())) {
        assertThat(calls.post(url(silent.port())).status()).isEqualTo(202);
      }
      try (RawProvider backAgain = on(SECOND, provider.port())) {
        for (int call = 1; call <= 5; call++) {
          assertThat(calls.post(url).status()).isEqualTo(202);
        }
        assertThat(backAgain.connections()).as("connections to what was dead").isZero();

        provider.close();
        assertThat(calls.post(url).status()).isEqualTo(202);
        assertThat(backAgain.connections()).as("when nothing else is left").isEqualTo(1);
      }
    }
  }

  @Test
  void should_try_an_address_in_its_place_again_after_a_while() throws Exception {
    AtomicLong nanoTime = new AtomicLong();
    try (RawProvider provider = on(FIRST, 0);
        Calls calls =
            new Calls(
                Calls.TIMEOUT,
                Calls.CONNECT_TIMEOUT,
                Optional.empty(),
                ClientTls.context(Optional.empty(), Optional.empty()),
                host -> new InetAddress[] {SECOND, FIRST},
                nanoTime::get)) {
      assertThat(calls.post(url(provider.port())).status()).isEqualTo(202);
      try (RawProvider backAgain = on(SECOND, provider.port())) {
        nanoTime.addAndGet(Duration.ofSeconds(30).toNanos());
        assertThat(calls.post(url(provider.port())).status()).isEqualTo(202);
        assertThat(backAgain.connections()).isZero();
        nanoTime.incrementAndGet();
        assertThat(calls.post(url(provider.port())).status()).isEqualTo(202);
        assertThat(backAgain.connections()).isEqualTo(1);
      }
    }
  }

  @Test
  void should_give_each_of_several_silent_addresses_its_share_of_the_time() throws Exception {
    try (RawProvider provider = on(FIRST, 0);
        FullServer silent = new FullServer(SECOND, provider.port());
        FullServer silentToo = new FullServer(THIRD, provider.port());
        Calls calls = calls(Duration.ofMillis(900), AGES, host -> addresses())) {
      assertThat(silent.port()).isEqualTo(silentToo.port());
      assertThat(calls.post(url(provider.port())).status()).isEqualTo(202);
    }
  }

  private static InetAddress[] addresses() {
    return new InetAddress[] {SECOND, THIRD, FIRST};
  }

  @Test
  void should_know_that_nothing_was_sent_when_every_address_refuses() {
    try (Calls calls = calls(SECOND, THIRD)) {
      assertThat(calls.post(url(LocalServers.freePort())).notSent())
          .startsWith("no connection: Connect to http://provider.example");
    }
  }

  @Test
  void should_give_up_at_the_deadline_when_every_address_is_silent() throws Exception {
    try (FullServer silent = new FullServer(SECOND, 0);
        FullServer silentToo = new FullServer(THIRD, silent.port());
        Calls calls = calls(SHORT, AGES, host -> new InetAddress[] {SECOND, THIRD})) {
      assertThat(calls.post(url(silentToo.port())).notSent()).startsWith("no connection");
    }
  }

  @Test
  void should_not_wait_for_a_look_up_longer_than_for_a_connection() {
    assertLookUpEnds(AGES, SHORT);
  }

  @Test
  void should_not_wait_for_a_look_up_longer_than_the_call_may_take() {
    assertLookUpEnds(SHORT, AGES);
  }

  private static void assertLookUpEnds(Duration timeout, Duration connectTimeout) {
    CountDownLatch never = new CountDownLatch(1);
    AtomicInteger lookUps = new AtomicInteger();
    Connector.Names hanging =
        host -> {
          lookUps.incrementAndGet();
          try {
            never.await();
          } catch (InterruptedException theClientEnds) {
            Thread.currentThread().interrupt();
          }
          return new InetAddress[0];
        };
    try (Calls calls = calls(timeout, connectTimeout, hanging)) {
      for (int call = 1; call <= 3; call++) {
        assertThat(calls.post(url(80)).notSent()).startsWith("no connection");
      }
      assertThat(lookUps).as("look-ups that hang").hasValue(1);
    }
  }

  @Test
  void should_look_a_name_up_for_each_connection() throws Exception {
    AtomicInteger lookUps = new AtomicInteger();
    try (RawProvider provider = on(FIRST, 0);
        Calls calls =
            calls(
                Calls.TIMEOUT,
                Calls.CONNECT_TIMEOUT,
                host ->
                    lookUps.incrementAndGet() == 1
                        ? new InetAddress[0]
                        : new InetAddress[] {FIRST})) {
      assertThat(calls.post(url(provider.port())).notSent())
          .isEqualTo("no connection: the host name provider.example has no address");
      assertThat(calls.post(url(provider.port())).status()).isEqualTo(202);
    }
  }
}
