package dev.herald.flow;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.herald.config.ConfigurationException;
import dev.herald.config.RouteFiles;
import dev.herald.control.AuditLog;
import dev.herald.intake.NewMessage;
import dev.herald.problem.Fault;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import dev.herald.webhook.DryClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.Variable;
import org.apache.camel.model.Model;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The flow of this node, as files: what runs, whether the files on disk could run, what they would
 * send, and the change from the one to the other. Thread-safe; a check, a try and a reload exclude
 * each other.
 */
public final class Flow {
  private static final Logger LOG = LoggerFactory.getLogger(Flow.class);

  private static final long WAIT_SECONDS = 10;

  /** Digits of a digest that tell flows apart, for logs and metrics. */
  public static final int SHOWN = 12;

  private final Surroundings around;
  private final List<String> patterns;
  private final List<String> included;
  private final Api api;
  private final Optional<Samples> samples;
  private final Loader loader;
  private final Swap swap;
  private final ReentrantLock one = new ReentrantLock();

  private final Map<String, Instant> loadedAt = new TreeMap<>();
  private final StartOnly startOnly;
  private volatile FlowFiles running;
  private volatile List<FileView> view = List.of();
  private volatile Map<String, List<String>> calls = Map.of();
  private String summary = "";
  private volatile String broken;
  private volatile boolean refused;
  private volatile Reload lastReload;
  private volatile Runnable whenLoaded = () -> {};

  /**
   * What the flow serves: the contract, and the events.
   *
   * @param operations those that routes answer, by id
   * @param has whether it has a path, so that no other route can
   * @param events whether changes of messages go to a route
   */
  public record Api(Collection<String> operations, Predicate<String> has, boolean events) {}

  /** Schema {@code FlowFile} of the contract. */
  public record FileView(String file, String digest, Instant loadedAt, List<String> routes) {}

  /** Schema {@code Flow} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record View(String digest, List<FileView> files, Reload lastReload) {}

  /**
   * Schema {@code LastReload} of the contract.
   *
   * @param by who asked for it, as the log says it
   * @param faults why it was refused; null when it was not
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Reload(
      Instant at, String by, boolean done, List<String> changed, List<Fault> faults) {}

  /** Schema {@code FlowChange} of the contract. */
  public record Change(List<String> changed) {}

  /** Schema {@code TriedPost} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record TriedPost(
      String method,
      String url,
      Map<String, String> headers,
      String body,
      List<String> notCalled) {}

  /**
   * @param around what a flow finds around it
   * @param patterns of the route files, as {@code camel.main.routes-include-pattern} has them
   * @param included those among them that {@code routes.include} adds
   * @param api the contract
   * @param samples for the statements; nothing without a database to ask
   * @param readAtStart files that only a start reads
   * @param quiet how routes are made quiet
   * @throws ConfigurationException if the files cannot be read
   */
  public Flow(
      Surroundings around,
      List<String> patterns,
      List<String> included,
      Api api,
      Optional<Samples> samples,
      List<Path> readAtStart,
      Swap.Quiet quiet) {
    this.around = around;
    this.patterns = patterns;
    this.included = included;
    this.api = api;
    this.samples = samples;
    startOnly = new StartOnly(readAtStart);
    running = read();
    loader = new Loader(running);
    around.live().getRegistry().bind(Loader.NAME, loader);
    model().addModelLifecycleStrategy(new StepLines());
    swap = new Swap(around.live(), loader, quiet);
  }

  /**
   * What the files of a flow say, whether it can run or not.
   *
   * @param patterns of the route files
   * @throws IOException if they cannot be read
   */
  public static Stream<String> texts(CamelContext camel, List<String> patterns) throws IOException {
    return FlowFiles.read(camel, patterns).texts();
  }

  /**
   * Checks the files that this start is about to load.
   *
   * @throws ConfigurationException naming every fault
   */
  public void checkStart() {
    long start = System.nanoTime();
    Checked checked = check(running);
    LOG.debug(
        "The flow was checked in {} ms", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
    startOnly.routeFiles(checked.fixed());
    summary = checked.summary();
    ConfigurationException.throwIfAny(checked.faults().stream().map(Fault::toString).toList());
  }

  /** What a start has checked: how many files, routes and statements. */
  public String summary() {
    return summary;
  }

  /** To be called when the routes are there. */
  public void started() {
    noteLoaded(running.digests().keySet());
  }

  /** What runs. */
  public View view() {
    return new View(running.digest(), view, lastReload);
  }

  /** The files that run, for metrics. */
  public List<FileView> files() {
    return view;
  }

  /** The routes that each route sends to, by their ids. */
  public Map<String, List<String>> calls() {
    return calls;
  }

  /** Calls this each time when {@link #files} has changed. */
  public void whenLoaded(Runnable loaded) {
    this.whenLoaded = loaded;
  }

  /** Why this node has no whole flow; nothing if it has. */
  public Optional<String> broken() {
    return Optional.ofNullable(broken);
  }

  /**
   * Whether the last reload was refused, so that the disk has another flow than the one that runs.
   */
  public boolean refused() {
    return refused;
  }

  /**
   * Checks the files on disk. Changes nothing.
   *
   * @throws ProblemException with every fault
   */
  public Change check() {
    return alone(
        () -> {
          FlowFiles next = read();
          refuse(faults(next));
          return new Change(next.changes(running));
        });
  }

  /**
   * Shows the POST that the files on disk would make.
   *
   * @throws ProblemException with every fault, also if the message makes none
   */
  public TriedPost tryMessage(@Variable("draft") NewMessage draft) {
    return alone(
        () -> {
          FlowFiles next = read();
          try (Rehearsal flow = Rehearsal.of(next, around, true)) {
            refuse(FlowCheck.check(flow, next, api, samples));
            Rehearsal.Run run =
                flow.run(
                    Verdict.sample(
                        draft.phoneNumber(),
                        draft.content(),
                        draft.reference(),
                        draft.metadata() == null ? Map.of() : draft.metadata()));
            refuse(new Verdict(flow, run, "the message").fault(false).stream().toList());
            return show(run.posts().get(0), run.skipped(), around.secrets(next));
          }
        });
  }

  private static TriedPost show(DryClient.Request post, List<String> notCalled, Secrets secrets) {
    Map<String, String> headers = new LinkedHashMap<>();
    post.headers()
        .forEach(
            header ->
                headers.merge(
                    header.getKey(),
                    secrets.maskHeader(header.getKey(), header.getValue()),
                    (first, second) -> first + ", " + second));
    return new TriedPost(
        post.method(),
        secrets.mask(post.url().toString()) + secrets.maskPath(post.url().path()),
        headers,
        secrets.mask(new String(post.body(), StandardCharsets.UTF_8)),
        notCalled.isEmpty() ? null : notCalled);
  }

  /** A reload by a key of the API. */
  public Change reload(@Variable("key") String key, @Variable("keyId") String id) {
    return reloadBy(AuditLog.who(key, id));
  }

  /**
   * Checks the files on disk, and swaps what changed.
   *
   * @param who for the log
   * @throws ProblemException with every fault, or if work in flight did not end in time; the flow
   *     goes on as it was
   */
  Change reloadBy(String who) {
    return alone(
        () -> {
          FlowFiles next = read();
          List<String> changed = next.changes(running);
          try {
            refuse(faults(next));
            swap(next, changed, who);
            refused = false;
            lastReload = new Reload(now(), who, true, changed, null);
            return new Change(changed);
          } catch (ProblemException e) {
            refused = true;
            lastReload = new Reload(now(), who, false, changed, faultsOf(e.problem()));
            LOG.atLevel(broken == null ? Level.WARN : Level.ERROR)
                .log(
                    "{} asked for a reload of {}, which {}:{}",
                    who,
                    changed.isEmpty() ? "the flow" : String.join(", ", changed),
                    broken == null ? "was refused; the flow goes on as it was" : "failed",
                    lines(e.problem()));
            throw e;
          }
        });
  }

  private static List<Fault> faultsOf(Problem problem) {
    return problem.faults() == null ? List.of(Fault.of(problem.detail())) : problem.faults();
  }

  private static Instant now() {
    return Instant.now().truncatedTo(ChronoUnit.MILLIS);
  }

  private static String lines(Problem problem) {
    return problem.faults() == null
        ? " " + problem.detail()
        : problem.faults().stream().map(fault -> "\n  " + fault).collect(Collectors.joining());
  }

  private void swap(FlowFiles next, List<String> changed, String who) throws Exception {
    if (changed.isEmpty() && !swap.hasBroken()) {
      LOG.info("{} asked for a reload; no file has changed", who);
      return;
    }
    long start = System.nanoTime();
    try {
      swap.run(running, next);
    } catch (Swap.Busy e) {
      throw new ProblemException(Type.CONFLICT, e.getMessage() + "; try again later");
    } catch (Swap.Broken e) {
      broken =
          "a reload failed half way and the old flow could not be put back whole: "
              + around.secrets(next).mask(String.valueOf(e.getMessage()))
              + "; correct the files and reload, or restart this node";
      throw new ProblemException(Type.INTERNAL, broken);
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw new ProblemException(
          Problem.ofFlow(
              List.of(
                  Fault.of(
                      "the files passed the check, but the routes could not be put in place: "
                          + around.secrets(next).mask(String.valueOf(e.getMessage()))))));
    }
    broken = null;
    running = next;
    noteLoaded(changed);
    LOG.info(
        "{} reloaded {} in {} ms; the flow's digest is now {}",
        who,
        changed.isEmpty() ? "what was broken" : String.join(", ", changed),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
        running.digest().substring(0, SHOWN));
  }

  /** Whether the disk differs from what runs, and everything that would show a change of it. */
  String onDisk() {
    return read().digest() + startOnly.onDisk();
  }

  /** Whether a reload would change anything, or would say why it cannot. */
  boolean differs() {
    boolean differs = swap.hasBroken() || !read().changes(running).isEmpty() || startOnly.changed();
    if (!differs) {
      refused = false;
    }
    return differs;
  }

  private record Checked(List<Fault> faults, Map<String, String> fixed, String summary) {}

  private Checked check(FlowFiles files) {
    List<Fault> unread = new ArrayList<>();
    try {
      RouteFiles.check(Path.of("routes"));
    } catch (ConfigurationException e) {
      e.getMessage().lines().forEach(line -> unread.add(Fault.of(line.strip())));
    }
    included.stream()
        .filter(files.findNothing()::contains)
        .map(
            pattern ->
                Fault.of(
                    "routes.include has %s, which finds no file; correct it, or put the file there"
                        .formatted(FlowFiles.name(pattern))))
        .forEach(unread::add);
    files.twice().stream()
        .map(
            file ->
                Fault.in(
                    file, 0, "is found by more than one pattern; name it in routes.include once"))
        .forEach(unread::add);
    try (Rehearsal flow = Rehearsal.of(files, around, false)) {
      return new Checked(
          Stream.concat(unread.stream(), FlowCheck.check(flow, files, api, samples).stream())
              .toList(),
          flow.fixed(),
          "%d route files with %d routes, and %d statements"
              .formatted(
                  files.routeFiles().size(),
                  flow.routes().size(),
                  files.digests().size() - files.routeFiles().size()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (Exception e) {
      throw new IllegalStateException("cannot check the flow", e);
    }
  }

  /** The faults of files that a reload would swap, with what only a restart can change. */
  private List<Fault> faults(FlowFiles next) {
    Checked checked = check(next);
    List<Fault> faults = new ArrayList<>(checked.faults());
    faults.addAll(startOnly.faults(next.changes(running), checked.fixed(), faults));
    return faults;
  }

  private static void refuse(List<Fault> faults) {
    if (!faults.isEmpty()) {
      throw new ProblemException(Problem.ofFlow(faults));
    }
  }

  private void noteLoaded(Collection<String> files) {
    Instant now = now();
    files.forEach(file -> loadedAt.put(file, now));
    List<RoutePart> routes = RoutePart.of(model().getRouteDefinitions());
    calls = RoutePart.calls(routes);
    List<FileView> views = new ArrayList<>();
    running
        .digests()
        .forEach(
            (file, digest) ->
                views.add(
                    new FileView(
                        file,
                        digest,
                        loadedAt.get(file),
                        routes.stream()
                            .filter(
                                route ->
                                    file.equals(route.file())
                                        || route
                                            .statements()
                                            .map(RoutePart.Target::statement)
                                            .anyMatch(
                                                statement ->
                                                    file.equals(statement)
                                                        || running
                                                            .partsOf(statement)
                                                            .contains(file)))
                            .map(RoutePart::id)
                            .sorted()
                            .toList())));
    view = List.copyOf(views);
    whenLoaded.run();
  }

  /**
   * Why a start failed that the check let through: what a route needs outside was not as it must
   * be.
   *
   * @return nothing if it was not for a route
   */
  public Optional<String> startFault(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String id =
          cause instanceof FailedToStartRouteException start
              ? start.getRouteId()
              : cause instanceof FailedToCreateRouteException create ? create.getRouteId() : null;
      Optional<RoutePart> route =
          RoutePart.of(model().getRouteDefinitions()).stream()
              .filter(one -> one.id() != null && one.id().equals(id))
              .findFirst();
      if (route.isPresent()) {
        RoutePart part = route.get();
        String reason = around.secrets(running).mask(CamelReason.of(failure));
        return Optional.of(
            part.fault(part.line(), "%s cannot start: %s".formatted(part.name(), reason))
                .toString());
      }
    }
    return Optional.empty();
  }

  private Model model() {
    return around.live().getCamelContextExtension().getContextPlugin(Model.class);
  }

  private FlowFiles read() {
    try {
      return FlowFiles.read(around.live(), patterns);
    } catch (IOException e) {
      throw new ConfigurationException("the flow's files cannot be read: " + e);
    }
  }

  private <T> T alone(Callable<T> work) {
    try {
      if (!one.tryLock(WAIT_SECONDS, TimeUnit.SECONDS)) {
        throw new ProblemException(
            Type.CONFLICT, "another check, try or reload is under way; try again");
      }
      try {
        return work.call();
      } finally {
        one.unlock();
      }
    } catch (ConfigurationException e) {
      throw new ProblemException(Problem.ofFlow(List.of(Fault.of(e.getMessage()))));
    } catch (RuntimeException e) {
      throw e;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ProblemException(Type.UNAVAILABLE, "this node is stopping");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
