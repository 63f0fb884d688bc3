package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Route files that nobody reads are told. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RouteFilesTest {
  @TempDir Path folder;

  @Test
  void should_name_each_file_that_would_not_be_read_and_what_to_call_it() throws IOException {
    Files.createFile(folder.resolve("deliver.yaml"));
    Files.createFile(folder.resolve("mine.yml"));
    Files.createFile(folder.resolve("record.camel.yaml"));
    assertThatThrownBy(() -> RouteFiles.check(folder))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("deliver.yaml is not read")
        .hasMessageContaining("rename it to deliver.camel.yaml")
        .hasMessageContaining("rename it to mine.camel.yaml")
        .hasMessageNotContaining("record.camel.yaml is not read");
  }

  @Test
  void should_take_route_files_and_notes() throws IOException {
    Files.createFile(folder.resolve("deliver.camel.yaml"));
    Files.createFile(folder.resolve("README.md"));
    assertThatCode(() -> RouteFiles.check(folder)).doesNotThrowAnyException();
    assertThatCode(() -> RouteFiles.check(folder.resolve("none"))).doesNotThrowAnyException();
  }
}
