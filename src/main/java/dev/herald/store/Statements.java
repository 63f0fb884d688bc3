package dev.herald.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.camel.component.sql.SqlHelper;

/** Statements as camel-sql reads them. */
public final class Statements {
  /** How camel-sql writes a parameter, once {@code #} has become {@code ?}. */
  private static final Pattern PARAMETER =
      Pattern.compile(":\\?(\\$\\{[^}]+}|\\$simple\\{[^}]+}|(in:)?[\\w.-]+)");

  /**
   * The SQLSTATEs of a syntax error, and of a table, column or schema that is not there or not
   * unique. Others, as of types, may be right once the parameters have values.
   */
  private static final Set<String> WRONG = Set.of("42601", "42P01", "42703", "42702", "3F000");

  /** A function or operator that is not there, if the types of its arguments are known. */
  private static final String NO_FUNCTION = "42883";

  /** Reads another file here: psql's own word, from the working directory as in psql. */
  private static final Pattern PART = Pattern.compile("(?m)^[ \\t]*\\\\i[ \\t]+(\\S+)[ \\t]*$");

  private Statements() {}

  /**
   * A statement with its parts, each in place of a line {@code \i FILE}. A part has no parts.
   *
   * @param text the content of a file
   * @param files the content of a part; a line whose part is not there stays
   */
  public static String compose(String text, UnaryOperator<String> files) {
    return PART.matcher(text)
        .replaceAll(
            line ->
                Matcher.quoteReplacement(
                    Objects.requireNonNullElse(files.apply(line.group(1)), line.group())));
  }

  /** The files that have parts of a statement. */
  public static Set<String> parts(String text) {
    return PART.matcher(text).results().map(line -> line.group(1)).collect(Collectors.toSet());
  }

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
   * @return nothing if it accepts the statement
   * @throws SQLException if it does not respond
   */
  public static Optional<String> refusal(DataSource source, String sql) throws SQLException {
    try (Connection connection = source.getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.getParameterMetaData();
      return Optional.empty();
    } catch (SQLException e) {
      String state = String.valueOf(e.getSQLState());
      if (SqlFailures.away(e)) {
        throw e;
      }
      return WRONG.contains(state)
              || (state.equals(NO_FUNCTION) && !e.getMessage().contains("unknown"))
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
