package dev.herald.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.camel.component.sql.SqlHelper;

/** Statements as camel-sql reads them. */
public final class Statements {
  /** How camel-sql writes a parameter, once {@code #} has become {@code ?}. */
  private static final Pattern PARAMETER =
      Pattern.compile(":\\?(\\$\\{[^}]+}|\\$simple\\{[^}]+}|(in:)?[\\w.-]+)");

  /** The class of SQLSTATE for a syntax error or a name that is not there. */
  private static final String WRONG = "42";

  /** The type of a parameter is known only with its value: indeterminate_datatype. */
  private static final String UNTYPED = "42P18";

  private Statements() {}

  /**
   * @param sql with a {@code ?} for each parameter
   * @param parameters how many there are
   * @param stray the line of the first {@code #} that is no parameter; 0 without one
   */
  public record Parsed(String sql, int parameters, int stray) {}

  /**
   * @param text the content of a file
   */
  public static Parsed parse(String text) {
    String resolved = SqlHelper.resolvePlaceholders(text, "#");
    int parameters = (int) PARAMETER.matcher(resolved).results().count();
    return new Parsed(PARAMETER.matcher(resolved).replaceAll("?"), parameters, stray(text));
  }

  /**
   * What the database says against a statement, which it prepares and does not run.
   *
   * @param sql with a {@code ?} for each parameter
   * @return nothing if it accepts the statement, or cannot be asked
   */
  public static Optional<String> refusal(DataSource source, String sql) {
    try (Connection connection = source.getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.getParameterMetaData();
      return Optional.empty();
    } catch (SQLException e) {
      String state = String.valueOf(e.getSQLState());
      return state.startsWith(WRONG) && !state.equals(UNTYPED)
          ? Optional.of(e.getMessage().replaceAll("\\s+", " "))
          : Optional.empty();
    }
  }

  private static int stray(String text) {
    String[] lines = text.split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      String line = lines[i].strip().startsWith("--") ? "" : lines[i].replace('#', '?');
      if (PARAMETER.matcher(line).replaceAll("").chars().filter(c -> c == '?').count()
          > lines[i].chars().filter(c -> c == '?').count()) {
        return i + 1;
      }
    }
    return 0;
  }
}
