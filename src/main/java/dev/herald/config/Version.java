package dev.herald.config;

/** Which Herald this is: as the jar's manifest says, which Maven writes. */
public final class Version {
  /** Such as {@code 0.1.0}; {@code development} when it runs from classes and not from the jar. */
  public static final String TEXT = of(Version.class);

  private Version() {}

  /** The version of the jar that has a class. */
  public static String of(Class<?> type) {
    String version = type.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
