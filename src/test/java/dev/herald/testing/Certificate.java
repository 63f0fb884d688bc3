package dev.herald.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.time.temporal.ChronoUnit.DAYS;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * A certificate that vouches for itself, made here, and its key.
 *
 * @param name its subject's common name
 * @param pem the certificate as a file
 * @param key its private key as a file, PKCS#8
 */
public record Certificate(String name, KeyStore keys, Path pem, Path key) {
  private static final char[] PASSWORD = "for-this-store-only".toCharArray();

  // DER, as RFC 5280 needs it: what is made of parts, and what is not.
  private static final int SEQUENCE = 0x30;
  private static final int SET = 0x31;
  private static final int INTEGER = 0x02;
  private static final int BIT_STRING = 0x03;
  private static final int OCTET_STRING = 0x04;
  private static final int UTF8_STRING = 0x0c;
  private static final int GENERALIZED_TIME = 0x18;
  private static final int VERSION = 0xa0;
  private static final int EXTENSIONS = 0xa3;
  private static final int DNS_NAME = 0x82;
  private static final int IP_ADDRESS = 0x87;
  private static final byte[] ECDSA_WITH_SHA256 = oid("06082a8648ce3d040302");
  private static final byte[] COMMON_NAME = oid("0603550403");
  private static final byte[] SUBJECT_ALTERNATIVE_NAME = oid("0603551d11");

  /**
   * @param folder for its files
   * @param alternative whom it is for, like {@code ip:127.0.0.1} or {@code dns:localhost},
   *     comma-separated
   */
  public static Certificate make(Path folder, String name, String alternative) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      KeyPair pair = generator.generateKeyPair();
      byte[] encoded = encode(name, alternative, pair);
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(null, null);
      keys.setKeyEntry(
          name,
          pair.getPrivate(),
          PASSWORD,
          new java.security.cert.Certificate[] {
            CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(encoded))
          });
      Path pem = folder.resolve(name + ".crt");
      Path key = folder.resolve(name + ".key");
      write(key, "PRIVATE KEY", pair.getPrivate().getEncoded());
      write(pem, "CERTIFICATE", encoded);
      return new Certificate(name, keys, pem, key);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Good for two days. */
  private static byte[] encode(String name, String alternative, KeyPair pair)
      throws IOException, GeneralSecurityException {
    byte[] algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
    byte[] subject =
        der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, name.getBytes(UTF_8)))));
    Instant now = Instant.now();
    byte[] names = {};
    for (String one : alternative.split(",")) {
      String value = one.substring(one.indexOf(':') + 1);
      names =
          joined(
              names,
              one.startsWith("ip:")
                  ? der(IP_ADDRESS, InetAddress.getByName(value).getAddress())
                  : der(DNS_NAME, value.getBytes(UTF_8)));
    }
    byte[] toSign =
        der(
            SEQUENCE,
            der(VERSION, der(INTEGER, new byte[] {2})),
            der(INTEGER, BigInteger.valueOf(now.toEpochMilli()).toByteArray()),
            algorithm,
            subject,
            der(SEQUENCE, time(now.minus(1, DAYS)), time(now.plus(1, DAYS))),
            subject,
            pair.getPublic().getEncoded(),
            der(
                EXTENSIONS,
                der(
                    SEQUENCE,
                    der(
                        SEQUENCE,
                        SUBJECT_ALTERNATIVE_NAME,
                        der(OCTET_STRING, der(SEQUENCE, names))))));
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(pair.getPrivate());
    signature.update(toSign);
    return der(
        SEQUENCE, toSign, algorithm, der(BIT_STRING, joined(new byte[] {0}, signature.sign())));
  }

  private static byte[] time(Instant at) {
    return der(
        GENERALIZED_TIME,
        DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'")
            .withZone(ZoneOffset.UTC)
            .format(at)
            .getBytes(UTF_8));
  }

  private static byte[] der(int tag, byte[]... parts) {
    byte[] content = joined(parts);
    byte[] length =
        content.length < 128
            ? new byte[] {(byte) content.length}
            : new byte[] {(byte) 0x82, (byte) (content.length >> 8), (byte) content.length};
    return joined(new byte[] {(byte) tag}, length, content);
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] oid(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  /** What trusts it. */
  public SSLContext trust() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Listens on loopback and shows it to whoever connects.
   *
   * @param client whose certificate a client must have; nobody's when empty
   * @param protocols TLS versions; none for Java's
   */
  public ServerSocket listen(Optional<Certificate> client, String... protocols) {
    try {
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(keys, PASSWORD);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          managers.getKeyManagers(), client.map(Certificate::trustManagers).orElse(null), null);
      SSLServerSocket server =
          (SSLServerSocket)
              context
                  .getServerSocketFactory()
                  .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
      server.setNeedClientAuth(client.isPresent());
      if (protocols.length > 0) {
        server.setEnabledProtocols(protocols);
      }
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private TrustManager[] trustManagers() {
    try {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      trusted.setCertificateEntry(name, keys.getCertificate(name));
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      return trust.getTrustManagers();
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void write(Path file, String type, byte[] content) throws IOException {
    Files.writeString(
        file,
        "-----BEGIN %s-----%n%s%n-----END %s-----%n"
            .formatted(type, Base64.getMimeEncoder().encodeToString(content), type));
  }
}
