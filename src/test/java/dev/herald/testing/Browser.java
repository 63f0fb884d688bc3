package dev.herald.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebDriverException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * A headless Chromium, as a person uses it: by the names of buttons and fields. It is the machine's
 * own, with its driver, and reaches nothing but this machine.
 */
public final class Browser implements AutoCloseable {
  private static final List<String> BROWSERS =
      List.of("chromium", "chromium-browser", "google-chrome", "chrome");

  /** What a screen reader or a keyboard cannot use, in words. */
  private static final String AXE =
      """
      const done = arguments[arguments.length - 1];
      const only = arguments[0] && {runOnly: [arguments[0]]};
      axe.run(document, {resultTypes: ['violations'], ...only}).then(
        result => done(result.violations
          .filter(found => ['serious', 'critical'].includes(found.impact))
          .flatMap(found => found.nodes.map(node => `${found.id}: ${node.target} ${node.failureSummary}`))),
        error => done([String(error)]));
      """;

  private static final String PRESSABLE =
      """
      const [within, name] = arguments;
      return [...document.querySelectorAll(within)]
        .flatMap(part => [...part.querySelectorAll('button, a, label, summary, [role=button]')])
        .find(each => each.checkVisibility()
          && (each.getAttribute('aria-label') ?? each.innerText ?? each.textContent).trim().startsWith(name));
      """;

  private static final String FIELD =
      """
      return [...document.querySelectorAll('label')]
        .find(each => each.innerText.trim().startsWith(arguments[0]))?.control;
      """;

  private final ChromeDriver driver;

  private Browser(File browser, File driver) {
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options.setBinary(browser);
    options.setCapability("goog:loggingPrefs", logs);
    options.addArguments(
        "--headless=new",
        "--no-sandbox", // it does not start for root with one
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
    this.driver =
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(driver)
                .usingAnyFreePort()
                .build(),
            options);
  }

  /** Whether this machine has one, with its driver, on the PATH. */
  public static boolean isThere() {
    return BROWSERS.stream().anyMatch(name -> find(name).isPresent())
        && find("chromedriver").isPresent();
  }

  public static Browser start() {
    return new Browser(
        BROWSERS.stream().flatMap(name -> find(name).stream()).findFirst().orElseThrow(),
        find("chromedriver").orElseThrow());
  }

  private static Optional<File> find(String name) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .map(folder -> new File(folder, name))
        .filter(File::canExecute)
        .findFirst();
  }

  /**
   * @param scheme {@code light} or {@code dark}
   * @param width in the page's pixels; below 600 it is a phone, with twice as many
   */
  public void show(String scheme, int width, int height) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
  }

  /**
   * Loads a page anew, as one that had signed in before with a key; without one when it is null.
   */
  public void open(String url, String key) {
    driver.get(url.replaceFirst("(?<=[0-9])/.*", "/dashboard/icon.svg"));
    run(
        key == null
            ? "sessionStorage.clear()"
            : "sessionStorage.setItem('herald.key', '" + key + "')");
    driver.get(url);
  }

  /** Goes to another place of the page that is open. */
  public void go(String hash) {
    run("location.hash = '" + hash + "'");
  }

  public String address() {
    return driver.getCurrentUrl();
  }

  public String title() {
    return driver.getTitle();
  }

  /** Presses the button, link or box whose name begins so, in a part of the page. */
  public void press(String within, String name) {
    once(within + ": " + name, () -> find(PRESSABLE, within, name).click());
  }

  /** Writes into the field with this label. */
  public void write(String label, String text) {
    once("field " + label, () -> field(label).clear());
    field(label).sendKeys(text);
  }

  public void enter(String label) {
    field(label).sendKeys(Keys.ENTER);
  }

  private WebElement field(String label) {
    return find(FIELD, label);
  }

  private WebElement find(String script, Object... arguments) {
    if (run(script, arguments) instanceof WebElement found) {
      return found;
    }
    throw new WebDriverException("there is none");
  }

  /** Sends keys to what has the focus. */
  public void type(CharSequence keys) {
    driver.switchTo().activeElement().sendKeys(keys);
  }

  /** The text of a part of the page; empty if it is not there. */
  public String text(String css) {
    return String.valueOf(run("return document.querySelector(arguments[0])?.innerText ?? ''", css));
  }

  /** Waits until a part of the page has a text. */
  public void awaitText(String css, String text) {
    await()
        .ignoreExceptionsInstanceOf(WebDriverException.class)
        .untilAsserted(() -> assertThat(text(css)).as(css).contains(text));
  }

  /** Runs a script in the page. */
  public Object run(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  /** Takes the network away, or gives it back. */
  public void online(boolean online) {
    driver.executeCdpCommand("Network.enable", Map.of());
    driver.executeCdpCommand(
        "Network.emulateNetworkConditions",
        Map.of("offline", !online, "latency", 0, "downloadThroughput", -1, "uploadThroughput", -1));
  }

  /**
   * What is hard or impossible to use, of what axe calls serious or critical.
   *
   * @param rule of axe that alone is checked; all when it is null
   */
  public List<?> violations(String rule) {
    if (!Boolean.TRUE.equals(run("return 'axe' in window"))) {
      try (InputStream axe = Browser.class.getResourceAsStream("/axe.min.js")) {
        run(new String(axe.readAllBytes(), StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return (List<?>) driver.executeAsyncScript(AXE, rule);
  }

  /** What the page wrote to the console since this was last asked. */
  public List<String> console() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .map(LogEntry::getMessage)
        .toList();
  }

  public void screenshot(Path file) {
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Tries until it works: what is drawn anew meanwhile is looked up again. */
  private static void once(String what, Runnable action) {
    await()
        .alias(what)
        .pollInterval(Duration.ofMillis(50))
        .ignoreExceptionsInstanceOf(WebDriverException.class)
        .until(
            () -> {
              action.run();
              return true;
            });
  }

  @Override
  public void close() {
    driver.quit();
  }
}
