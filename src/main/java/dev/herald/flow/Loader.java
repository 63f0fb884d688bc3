package dev.herald.flow;

import org.apache.camel.impl.engine.DefaultResourceResolvers;
import org.apache.camel.spi.Resource;

/**
 * What {@code file:} leads to: the statements of the flow as they were read with its routes, and
 * the disk for everything else. Thread-safe.
 */
final class Loader extends DefaultResourceResolvers.FileResolver {
  /** The name under which Camel looks it up. */
  static final String NAME = "resource-loader-file";

  private volatile FlowFiles files;

  Loader(FlowFiles files) {
    this.files = files;
  }

  void use(FlowFiles files) {
    this.files = files;
  }

  @Override
  public Resource createResource(String location, String remaining) {
    String name = FlowFiles.name(location);
    return files.has(name) ? files.resource(name) : super.createResource(location, remaining);
  }
}
