package dev.herald.api;

import com.networknt.schema.regex.RegularExpression;
import java.util.regex.Pattern;

/**
 * A pattern of the contract, as ECMA-262 reads it: Java's {@code $} also matches before a line
 * break that ends the text. Most of them say which characters a text may have, {@code ^[...]*$};
 * for those ASCII is looked up in a table, because a regular expression takes tens of ns for each
 * character of each message. Immutable.
 */
final class TextPattern implements RegularExpression {
  private static final Pattern OF_CHARACTERS = Pattern.compile("\\^\\[[^\\[\\]]+]\\*\\$");

  private final Pattern pattern;
  private final boolean[] allowed = new boolean[128];

  TextPattern(String regex) {
    this.pattern = Pattern.compile(regex.replaceFirst("\\$$", "\\\\z"));
    if (OF_CHARACTERS.matcher(regex).matches()) {
      for (int i = 0; i < allowed.length; i++) {
        allowed[i] = pattern.matcher(Character.toString(i)).find();
      }
    }
  }

  @Override
  public boolean matches(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= allowed.length || !allowed[c]) {
        return pattern.matcher(text).find();
      }
    }
    return !text.isEmpty() || pattern.matcher(text).find();
  }
}
