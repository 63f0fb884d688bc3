package dev.herald.webhook;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.util.Base64;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.Message;
import org.apache.camel.Processor;

/**
 * Signs a POST by Standard Webhooks: sets the headers {@code webhook-id}, {@code webhook-timestamp}
 * and {@code webhook-signature}, over the exact bytes of the body. Does nothing without a secret.
 * Stateless.
 *
 * @see <a
 *     href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">the
 *     specification</a>
 */
public final class Signature implements Processor {
  private static final String ALGORITHM = "HmacSHA256";
  private final Optional<SecretKeySpec> key;
  private final Clock clock;

  /**
   * @param secret the result of {@link dev.herald.config.SigningSecret#parse}
   */
  public Signature(Optional<byte[]> secret, Clock clock) {
    this.key = secret.map(bytes -> new SecretKeySpec(bytes, ALGORITHM));
    this.clock = clock;
  }

  /** Makes the signed bytes the body, so that nothing else can be sent. */
  @Override
  public void process(Exchange exchange) throws InvalidPayloadException {
    if (key.isEmpty()) {
      return;
    }
    Message message = exchange.getMessage();
    byte[] body = message.getMandatoryBody(byte[].class);
    String id = message.getHeader("Idempotency-Key", String.class);
    long timestamp = clock.instant().getEpochSecond();
    message.setBody(body);
    message.setHeader("webhook-id", id);
    message.setHeader("webhook-timestamp", Long.toString(timestamp));
    message.setHeader("webhook-signature", "v1," + sign(key.get(), id, timestamp, body));
  }

  private static String sign(SecretKeySpec key, String id, long timestamp, byte[] body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(mac.doFinal(body));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
