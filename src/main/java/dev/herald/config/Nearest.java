package dev.herald.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/**
 * The name that somebody probably meant. Case, dots, hyphens and underscores do not count.
 *
 * @param name of those that exist
 * @param written instead of it
 * @param distance letters to add, to remove, to change or to swap with their neighbour
 */
public record Nearest(String name, String written, int distance) {
  /** Below it one wrong letter makes another word. */
  private static final int LONG_ENOUGH = 10;

  /** From it two wrong letters are still the same name. */
  private static final int LONG = 12;

  /** Returns the nearest name, unless a third of the letters differ. */
  public static Optional<Nearest> of(String written, Collection<String> names) {
    return names.stream()
        .map(name -> new Nearest(name, written, changes(plain(written), plain(name))))
        .min(Comparator.comparingInt(Nearest::distance).thenComparing(Nearest::name))
        .filter(nearest -> nearest.distance * 3 <= plain(written).length());
  }

  /** Whether it can hardly be a name of somebody else's that looks alike. */
  boolean sure() {
    String[] words = words(written);
    String[] meant = words(name);
    int length = plain(written).length();
    return distance == 0
        || words.length == meant.length
            && (words[0].equalsIgnoreCase(meant[0])
                ? distance <= (length < LONG ? 1 : 2)
                : distance == 1 && length >= LONG_ENOUGH);
  }

  private static String[] words(String name) {
    return name.split("[._-]+");
  }

  private static String plain(String name) {
    return String.join("", words(name)).toLowerCase(Locale.ROOT);
  }

  /** Damerau and Levenshtein's distance, in which no letter is touched twice. */
  private static int changes(String one, String other) {
    int[][] least = new int[one.length() + 1][other.length() + 1];
    for (int i = 0; i <= one.length(); i++) {
      for (int j = 0; j <= other.length(); j++) {
        least[i][j] = i == 0 || j == 0 ? i + j : step(least, one, other, i, j);
      }
    }
    return least[one.length()][other.length()];
  }

  private static int step(int[][] least, String one, String other, int i, int j) {
    boolean same = one.charAt(i - 1) == other.charAt(j - 1);
    int best =
        Math.min(
            least[i - 1][j - 1] + (same ? 0 : 1), 1 + Math.min(least[i - 1][j], least[i][j - 1]));
    boolean swapped =
        i > 1
            && j > 1
            && one.charAt(i - 1) == other.charAt(j - 2)
            && one.charAt(i - 2) == other.charAt(j - 1);
    return swapped ? Math.min(best, least[i - 2][j - 2] + 1) : best;
  }
}
