package dev.herald.store;

import dev.herald.problem.Reason;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.NonTransientDataAccessResourceException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;

/** What a failed statement means. */
public final class SqlFailures {
  /** Classes of SQLSTATE that say what PostgreSQL could not do, whatever the statement. */
  private static final Set<String> OF_THE_SERVER = Set.of("08", "53", "57", "58");

  /** A limit that a value exceeds, such as the size of an index entry: the request's own fault. */
  private static final String OF_A_VALUE = "54";

  /** Classes of SQLSTATE that say that a value is wrong, or breaks a constraint. */
  private static final Set<String> OF_A_REQUEST = Set.of("22", "23", OF_A_VALUE);

  /** What PostgreSQL says to a write where only reads are allowed. */
  private static final String READ_ONLY = "25006";

  /** A statement that took longer than statement_timeout. */
  private static final String CANCELED = "57014";

  private SqlFailures() {}

  /** Whether the connection ended, so that nobody knows what became of a statement under way. */
  public static boolean connectionLost(SQLException failure) {
    String state = failure.getSQLState();
    return state != null && (state.startsWith("08") || state.startsWith("57P0"));
  }

  /**
   * Whether PostgreSQL is away or refuses writes, rather than that a statement or value is wrong.
   */
  public static boolean away(Throwable failure) {
    if (!(failure instanceof DataAccessException access)) {
      return false;
    }
    String state = state(access);
    if (state.startsWith(OF_A_VALUE)) {
      return false;
    }
    return access instanceof CannotGetJdbcConnectionException
        || access instanceof TransientDataAccessException
        || access instanceof NonTransientDataAccessResourceException
        || ofTheServer(state);
  }

  /** The same for a failure that Spring has not translated. */
  public static boolean away(SQLException failure) {
    return failure instanceof SQLTransientConnectionException || ofTheServer(state(failure));
  }

  /** Whether only this use failed, because it took too long or another one was in its way. */
  static boolean ofThisUse(Throwable failure) {
    return exhausted(failure) || state(failure).equals(CANCELED) || conflict(state(failure));
  }

  /** A deadlock, or a lock that another held for too long. */
  private static boolean conflict(String state) {
    return state.startsWith("40") || state.startsWith("55");
  }

  /** What an outage is, for people. */
  static String meaning(Throwable failure) {
    String state = state(failure);
    if (exhausted(failure) || state.equals(CANCELED)) {
      return "PostgreSQL is too slow";
    }
    if (conflict(state)) {
      return "PostgreSQL had to end a statement that another one was in the way of";
    }
    return state.equals(READ_ONLY) || state.startsWith("53") || state.startsWith("58")
        ? "PostgreSQL refuses work"
        : "PostgreSQL is away";
  }

  /** Why, in the words of PostgreSQL or its driver. */
  static String reason(Throwable failure) {
    if (exhausted(failure)) {
      return "no connection of the pool was free within database.timeout";
    }
    String reason = null;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && sql.getMessage() != null) {
        reason = sql.getMessage();
      }
    }
    return reason == null ? Reason.of(failure) : reason.strip().lines().findFirst().orElse("");
  }

  /** Whether all connections of a pool were in use: it failed, and no attempt to connect did. */
  private static boolean exhausted(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLTransientConnectionException) {
        return cause.getCause() == null && ((SQLException) cause).getSQLState() == null;
      }
    }
    return false;
  }

  /** Whether a value of the request is what PostgreSQL refuses, so that it always will. */
  public static boolean ofAValue(Throwable failure) {
    String state = state(failure);
    return state.length() == 5 && OF_A_REQUEST.contains(state.substring(0, 2));
  }

  /** Whether a statement would have written where only reads are allowed. */
  public static boolean readOnly(Throwable failure) {
    return state(failure).equals(READ_ONLY);
  }

  private static boolean ofTheServer(String state) {
    return state.equals(READ_ONLY)
        || (state.length() == 5 && OF_THE_SERVER.contains(state.substring(0, 2)));
  }

  /** The SQLSTATE of the deepest cause that has one; empty without any. */
  private static String state(Throwable failure) {
    String state = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && sql.getSQLState() != null) {
        state = sql.getSQLState();
      }
    }
    return state;
  }
}
