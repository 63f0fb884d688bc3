package dev.herald.config;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;

/** Whether a private key and a certificate belong together. */
public final class KeyPairs {
  private KeyPairs() {}

  /**
   * With the wrong key every handshake would fail, with an alert that does not explain it.
   *
   * @throws IllegalArgumentException if the key belongs to another certificate
   */
  public static void check(PrivateKey key, PublicKey certified) throws GeneralSecurityException {
    Signature signature =
        Signature.getInstance(
            switch (key.getAlgorithm()) {
              case "RSA" -> "SHA256withRSA";
              case "EC" -> "SHA256withECDSA";
              default -> key.getAlgorithm();
            });
    signature.initSign(key);
    byte[] signed = signature.sign();
    signature.initVerify(certified);
    if (!signature.verify(signed)) {
      throw new IllegalArgumentException("the key belongs to another certificate");
    }
  }
}
