package dev.herald.dispatch;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.NoArgGenerator;
import dev.herald.config.Settings;
import dev.herald.dispatch.Circuit.Permission;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.Trail;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.problem.FailStop;
import dev.herald.problem.Outage;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import dev.herald.problem.Reason;
import dev.herald.store.SqlFailures;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Variable;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.CannotGetJdbcConnectionException;

/**
 * Decides when this node claims and how much: as soon as something wakes it while slots are free,
 * and never more than it will start soon. This limits the messages in flight, and so memory.
 * Thread-safe.
 */
public final class ClaimPlanner implements OutcomeRecorder.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(ClaimPlanner.class);

  /**
   * How much work to prefetch, at the recent rate: enough to bridge a claim, little enough for a
   * lease.
   */
  private static final Duration PREFETCH_TIME = Duration.ofMillis(500);

  /** Batches are claimed, delivered and recorded at the same time; with two, they waited. */
  private static final int BATCHES_AHEAD = 4;

  /** After so many claims for messages that arrived, none of which took any, the next ones wait. */
  private static final int IN_VAIN = 20;

  private static final long A_WARNING_EVERY_NANOS = Duration.ofSeconds(10).toNanos();

  private final NoArgGenerator claimIds = Generators.timeBasedEpochRandomGenerator();
  private final Settings.Dispatch settings;
  private final int rateLimit;
  private final Circuit circuit;
  private final BooleanSupplier canDeliver;
  private final BooleanSupplier claimRouteRuns;
  private final Consumer<Throwable> away;
  private final WakeSignal wakeSignal = new WakeSignal();
  private final InFlight inFlight = new InFlight(System::nanoTime);
  private final ClaimCursor cursor = new ClaimCursor();
  private final Set<UUID> pendingClaims = ConcurrentHashMap.newKeySet();
  private final Outage outage = new Outage(LOG);
  private final Trouble claiming = new Trouble(System::nanoTime);
  private final Trouble recording = new Trouble(System::nanoTime);
  private final LostClaims lostClaims = new LostClaims(System::nanoTime);
  private final AtomicBoolean forArrived = new AtomicBoolean();
  private final AtomicInteger inVain = new AtomicInteger();
  private final AtomicLong orphans = new AtomicLong();
  private final AtomicLong claims = new AtomicLong();
  private final AtomicLong messages = new AtomicLong();
  private final AtomicLong absentees = new AtomicLong();
  private final AtomicLong warnedAt = new AtomicLong(System.nanoTime() - A_WARNING_EVERY_NANOS);
  private volatile Instant lastClaim = Instant.now();
  private volatile boolean claimWhenSlotsAreFree;
  private volatile boolean closed;

  /**
   * @param rateLimit {@code webhook.rate-limit}: deliveries per second of all nodes; 0 for no limit
   * @param canDeliver whether a message claimed now could be delivered
   * @param claimRouteRuns whether the route that asks for the next claim keeps running; when that
   *     ends, call {@link #wake}
   * @param away is told of a use of PostgreSQL that failed because it is away, too slow or refuses
   *     work
   */
  public ClaimPlanner(
      Settings.Dispatch settings,
      int rateLimit,
      Circuit circuit,
      BooleanSupplier canDeliver,
      BooleanSupplier claimRouteRuns,
      Consumer<Throwable> away) {
    this.settings = settings;
    this.rateLimit = rateLimit;
    this.circuit = circuit;
    this.canDeliver = canDeliver;
    this.claimRouteRuns = claimRouteRuns;
    this.away = away;
  }

  /**
   * Waits until something wakes it, at most {@code dispatch.idle-wait}, and returns the next claim;
   * null if nothing should be claimed. Does not wait while the claim route is stopping.
   */
  public Claim next() throws InterruptedException {
    if (!claimRouteRuns.getAsBoolean()) {
      return null;
    }
    wakeSignal.await(settings.idleWait());
    claimWhenSlotsAreFree = true; // before the check, or a record meanwhile would wake nobody
    int limit = maxToClaim(inFlight.perSecond());
    if (limit == 0 || !canDeliver() || !claimRouteRuns.getAsBoolean()) {
      return null;
    }
    Permission permission = circuit.tryAcquirePermission(limit, inFlight.count());
    if (permission.limit() == 0) {
      return null;
    }
    claimWhenSlotsAreFree = false;
    Claim claim = claim(permission.limit(), false, permission.probe());
    return pending(claim) ? claim : null;
  }

  /** Counts a claim as under way, unless no more are made; a stop waits for those that are. */
  private boolean pending(Claim claim) {
    pendingClaims.add(claim.id());
    if (closed) {
      pendingClaims.remove(claim.id());
    }
    return !closed;
  }

  /**
   * Whether a message may be posted now. Not while outcomes cannot be written: their leases may run
   * out, and a claim could resend messages whose SENT is not yet written.
   */
  public boolean postingAllowed() {
    return !closed && !recording.now();
  }

  /**
   * Whether a message stored now would have to wait for this node, so that the others should be
   * notified. Never with paced sending, where the turn decides. Whether the scheduler runs is
   * checked by the claim. Has no side effects.
   */
  public boolean needsOtherNodes() {
    return settings.continuous()
        && !(claimRouteRuns.getAsBoolean()
            && canDeliver()
            && circuit.closed()
            && maxToClaim(inFlight.latestPerSecond()) > 0);
  }

  private boolean canDeliver() {
    return postingAllowed() && canDeliver.getAsBoolean();
  }

  /**
   * A claim by hand, which ignores the switch, the pace and the circuit.
   *
   * @throws ProblemException while nothing can be delivered
   */
  public Claim manual(@Variable("batchSize") Integer batchSize) {
    Claim claim = claim(batchSize == null ? settings.batchSize() : batchSize, true, false);
    if (!canDeliver() || !pending(claim)) {
      throw new ProblemException(
          Type.UNAVAILABLE,
          closed
              ? "this node is shutting down; ask another"
              : recording.now()
                  ? "outcomes cannot be recorded at the moment; GET /health shows why"
                  : "a delivery route is stopped on this node; GET /api/v1/routes shows which");
    }
    return claim;
  }

  /** A claim of one message as this node makes them; nothing counts it. For a check. */
  public Claim sample() {
    return claim(1, false, false, System.nanoTime(), ClaimCursor.Position.BEGINNING);
  }

  /**
   * The next claim as this node would make it, for display; nothing counts it. Its limit is a batch
   * while there is no room.
   */
  public Claim preview() {
    int room = room();
    return claim(
        room > 0 ? room : settings.batchSize(),
        false,
        false,
        System.nanoTime(),
        ClaimCursor.Position.BEGINNING);
  }

  private int room() {
    return circuit.wouldAllow(maxToClaim(inFlight.latestPerSecond()), inFlight.count());
  }

  /**
   * Why this node claims nothing, though its routes run and its circuit is closed.
   *
   * @param since null if that is not known
   */
  public record NoRoom(String reason, Instant since) {}

  /** Nothing if it claims. Changes nothing. */
  public Optional<NoRoom> noRoom() {
    if (closed) {
      return Optional.of(new NoRoom("is shutting down", null));
    }
    if (recording.now()) {
      return Optional.of(
          new NoRoom(
              "cannot record outcomes, and its log says why; it sends nothing meanwhile",
              recording.since().orElse(null)));
    }
    if (claiming.now()) {
      return Optional.of(
          new NoRoom("fails to claim messages; its log says why", claiming.since().orElse(null)));
    }
    return room() > 0
        ? Optional.empty()
        : Optional.of(
            new NoRoom(
                "is busy with %d messages; it takes more as they end".formatted(inFlight.count()),
                null));
  }

  /**
   * With a rate limit every claim starts at the beginning: most bring nothing, and the one per
   * second that starts there could be one of those.
   */
  private Claim claim(int limit, boolean manual, boolean probe) {
    long now = System.nanoTime();
    boolean goesOn = settings.continuous() && rateLimit == 0 && !manual && !probe;
    return claim(
        limit, manual, probe, now, goesOn ? cursor.next(now) : ClaimCursor.Position.BEGINNING);
  }

  private Claim claim(
      int limit, boolean manual, boolean probe, long now, ClaimCursor.Position from) {
    return new Claim(
        claimIds.generate(),
        limit,
        settings.lease(),
        settings.interval(),
        rateLimit,
        manual,
        probe,
        from,
        now,
        inFlight.batch());
  }

  /**
   * Counts the claimed messages, and asks for more if there may be more.
   *
   * @param rows the messages; anything else is an edit of the claim's step that went wrong
   * @param exchange the claim's; when it ends, every message must have come to the gate
   */
  public List<ClaimedMessage> claimed(
      @Variable("claim") Claim claim, @Body Object rows, Exchange exchange) {
    List<ClaimedMessage> messages = readable(claim, rows);
    claim.batch().claimed(messages.size());
    exchange
        .getExchangeExtension()
        .addOnCompletion(
            new SynchronizationAdapter() {
              @Override
              public void onDone(Exchange ended) {
                ended(claim);
              }
            });
    boolean arrived = forArrived.getAndSet(false);
    if (!messages.isEmpty()) {
      inVain.set(0);
    } else if (arrived) {
      inVain.incrementAndGet();
    }
    claims.incrementAndGet();
    lastClaim = Instant.now();
    this.messages.addAndGet(messages.size());
    pendingClaims.remove(claim.id());
    if (!claim.manual() && claiming.worked()) {
      outage.worked("Claims work again", "");
    }
    long again = messages.stream().filter(ClaimedMessage::orphan).count();
    if (again > 0) {
      orphans.addAndGet(again);
      LOG.warn(
          "{} messages whose lease ran out were claimed again; they may have been sent", again);
    }
    if (Trail.on()) {
      messages.forEach(
          message ->
              Trail.step(
                  message,
                  "is claimed by {}{}",
                  claim.id(),
                  message.orphan() ? ", again, because its lease ran out" : ""));
    }
    if (claim.probe()) {
      circuit.probing(messages.size());
    }
    if (claim.continuous()) {
      cursor.reached(messages);
    }
    if (claim.continuous() && messages.size() == claim.limit()) {
      wake();
    }
    return messages;
  }

  /** None of the messages has been posted, so if they cannot be read they are given back. */
  private List<ClaimedMessage> readable(Claim claim, Object rows) {
    if (!(rows instanceof List<?> list)) {
      throw unreadable(claim, rows);
    }
    List<ClaimedMessage> messages = new ArrayList<>(list.size());
    for (Object row : list) {
      if (!(row instanceof ClaimedMessage message)) {
        throw unreadable(claim, row);
      }
      messages.add(message);
    }
    return messages;
  }

  private IllegalStateException unreadable(Claim claim, Object got) {
    lostClaims.add(claim.id());
    return new IllegalStateException(
        ("bean claimPlanner, method claimed, needs a list of claimed messages and got %s; step"
                + " sql-claim-due needs outputClass: %s and no outputType")
            .formatted(
                got == null ? "nothing" : got.getClass().getName(),
                ClaimedMessage.class.getName()));
  }

  /** Messages that have not come to the gate are not delivered, unless a route brings them late. */
  private void ended(Claim claim) {
    int absent = claim.batch().ended();
    if (absent == 0) {
      return;
    }
    recorded(absent);
    absentees.addAndGet(absent);
    long now = System.nanoTime();
    long last = warnedAt.get();
    if (now - last >= A_WARNING_EVERY_NANOS && warnedAt.compareAndSet(last, now)) {
      LOG.warn(
          "{} messages were claimed and did not pass bean gate; they are due again when their leases"
              + " run out. The steps of dispatch-batch must let every message through",
          absentees.getAndSet(0));
    }
  }

  /**
   * A round failed. If the connection broke, nobody knows whether PostgreSQL made the claim.
   *
   * @param claim null if none was planned
   */
  public void failed(
      @Variable("claim") Claim claim,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure) {
    FailStop.passOn(failure);
    boolean unanswered = claim != null && pendingClaims.remove(claim.id());
    if (unanswered && leavesOpen(failure)) {
      lostClaims.add(claim.id());
    }
    if (unanswered && claim.probe()) {
      circuit.releasePermission();
    }
    if (claim != null && claim.manual()) {
      return;
    }
    claiming.failed();
    if (SqlFailures.away(failure)) {
      away.accept(failure);
    } else {
      outage.failed("Claims fail, and every tick tries again", Reason.of(failure));
    }
  }

  /** Whether PostgreSQL may have made a claim that failed: it was sent, and no answer came. */
  private static boolean leavesOpen(Throwable failure) {
    if (failure instanceof CannotGetJdbcConnectionException) {
      return false;
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql) {
        return sql.getSQLState() == null || SqlFailures.connectionLost(sql);
      }
    }
    return false;
  }

  /** The claims whose messages are to be given back now; null if there are none. */
  public String[] lost() {
    return lostClaims.toGiveBack();
  }

  /** Notes the claims that were found, each with the number of its messages. */
  public void givenBack(@Body List<Map<String, Object>> claims) {
    lostClaims.found(claims.stream().map(claim -> (UUID) claim.get("claim_id")).toList());
    if (!claims.isEmpty()) {
      LOG.info(
          "{} messages of claims whose answers were lost were given back; none was posted",
          claims.stream().mapToLong(claim -> (Long) claim.get("messages")).sum());
    }
  }

  /** The look for lost claims failed; claims go on meanwhile. */
  public void notGivenBack(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure) {
    FailStop.passOn(failure);
    lostClaims.looked();
    if (SqlFailures.away(failure)) {
      away.accept(failure);
    } else if (!claiming.now()) {
      LOG.warn(
          "Messages of claims whose answer was lost could not be given back; trying again: {}",
          Reason.of(failure));
    }
  }

  @Override
  public void recording(boolean works) {
    if (works ? recording.worked() : recording.failed()) {
      wake();
    }
  }

  @Override
  public void recorded(int count) {
    inFlight.recorded(count);
    if (claimWhenSlotsAreFree && maxToClaim(inFlight.perSecond()) > 0) {
      wake();
    }
  }

  /**
   * Messages are due that were stored just now. While claims for such messages take none, because
   * delivery is off or their turn comes later, a claim every {@code dispatch.idle-wait} is enough.
   */
  public void arrived() {
    if (inVain.get() < IN_VAIN) {
      forArrived.set(true);
      wake();
    }
  }

  /** Something may be due now. */
  public void wake() {
    wakeSignal.wake();
  }

  /** Whether the next round starts at once. */
  boolean woken() {
    return wakeSignal.woken();
  }

  /** No more claims. */
  void close() {
    closed = true;
  }

  /** Whether nothing is claimed, and no claim is under way. */
  boolean idle() {
    return pendingClaims.isEmpty() && inFlight.count() <= 0;
  }

  /** Since when this node's claims fail; nothing if they work, or fail just now. */
  public Optional<Instant> claimsFailSince() {
    return claiming.since();
  }

  /** Since when no outcome can be recorded; nothing if that works, or fails just now. */
  public Optional<Instant> recordingFailsSince() {
    return recording.since();
  }

  /** Successful claims, including empty ones. */
  public long claims() {
    return claims.get();
  }

  /** When the last of them was, by this machine's clock; before the first, when this was made. */
  public Instant lastClaim() {
    return lastClaim;
  }

  /** Messages claimed, once per attempt. */
  public long messages() {
    return messages.get();
  }

  /** Messages that this node claimed again after their lease ran out. */
  public long orphans() {
    return orphans.get();
  }

  @Override
  public int inFlight() {
    return inFlight.count();
  }

  /**
   * How many to claim now: a batch, or in continuous mode as many as will start soon; zero for
   * none.
   *
   * @param perSecond how many were recorded a second of late
   */
  private int maxToClaim(long perSecond) {
    int busy = inFlight.count();
    if (!settings.continuous()) {
      return busy < settings.concurrency() + settings.batchSize() ? settings.batchSize() : 0;
    }
    int soon = (int) Math.min(Integer.MAX_VALUE / 2, perSecond * PREFETCH_TIME.toMillis() / 1000);
    int ahead =
        Math.min(BATCHES_AHEAD * settings.batchSize(), Math.max(settings.concurrency(), soon));
    int maxToClaim = settings.concurrency() + ahead - busy;
    return maxToClaim < Math.max(1, Math.min(ahead / 2, settings.batchSize()))
        ? 0
        : Math.min(maxToClaim, settings.batchSize());
  }
}
