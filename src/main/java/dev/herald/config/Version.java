package dev.herald.config;

/** Which Herald this is: as the jar's manifest says, which Maven writes. */
public final class Version {
  /** Such as {@code 0.1.0}; {@code development} when it runs from classes and not from the jar. */
  public static final String TEXT = read();

  private Version() {}

  private static String read() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
