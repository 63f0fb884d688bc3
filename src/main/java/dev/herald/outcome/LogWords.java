package dev.herald.outcome;

import dev.herald.message.ClaimedMessage;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Why a message was not delivered, as the log may have it: short, on one line, and without what the
 * provider or a step quotes of the message's content and number.
 */
public final class LogWords {
  private static final int LONGEST = 200;
  private static final String HIDDEN = "[...]";

  /** So many characters in a row that are also in the content are a quotation. */
  private static final int QUOTED = 8;

  private static final int SHORTEST_CONTENT = 3;
  private static final int SHORTEST_NUMBER = 6;
  private static final Pattern NUMBER = Pattern.compile("\\+?\\d(?:[ ()./-]{0,2}\\d)+");

  private LogWords() {}

  /**
   * @param error may be null
   * @return empty if there is nothing to tell
   */
  public static String of(ClaimedMessage message, String error) {
    if (error == null) {
      return "";
    }
    String words =
        withoutContent(
            ProviderText.storable(ProviderText.withoutEscapes(error)), message.content());
    words =
        NUMBER
            .matcher(words)
            .replaceAll(
                number ->
                    isOf(message.phoneNumber(), number.group())
                        ? HIDDEN
                        : Matcher.quoteReplacement(number.group()));
    return words.length() > LONGEST ? words.substring(0, LONGEST - 1) + "…" : words;
  }

  private static String withoutContent(String words, String content) {
    String searched = words.toLowerCase(Locale.ROOT);
    String quoted = content.toLowerCase(Locale.ROOT);
    int least = Math.min(QUOTED, quoted.length());
    if (least < SHORTEST_CONTENT || searched.length() != words.length()) {
      return searched.length() == words.length() ? words : "";
    }
    StringBuilder shown = new StringBuilder(words.length());
    int i = 0;
    while (i < words.length()) {
      int length = quotation(searched, i, quoted, least);
      if (length == 0) {
        shown.append(words.charAt(i++));
      } else {
        shown.append(HIDDEN);
        i += length;
      }
    }
    return shown.toString();
  }

  /** How many characters from there are also in the content; 0 if fewer than the least. */
  private static int quotation(String words, int from, String content, int least) {
    int end = from + least;
    if (end > words.length()) {
      return 0;
    }
    int found = content.indexOf(words.substring(from, end));
    if (found < 0) {
      return 0;
    }
    int length = least;
    while (from + length < words.length()
        && found + length < content.length()
        && words.charAt(from + length) == content.charAt(found + length)) {
      length++;
    }
    return length;
  }

  /** Whether it is the number or its end, however it is written. */
  private static boolean isOf(String phoneNumber, String text) {
    String digits = text.replaceAll("\\D", "");
    String number = phoneNumber.replaceAll("\\D", "");
    String end = number.substring(Math.max(0, number.length() - SHORTEST_NUMBER));
    return digits.length() >= SHORTEST_NUMBER && (number.contains(digits) || digits.contains(end));
  }
}
