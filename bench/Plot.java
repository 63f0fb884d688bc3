import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Draws the rates of cold starts over time as SVG. Standard input has a line "NAME SECOND RATE" for each point; of several runs, with the same name
 * and second, it draws the median. Run as a source file: java bench/Plot.java MESSAGES < numbers.txt > plot.svg
 */
public final class Plot {
  private static final int WIDTH = 760;
  private static final int HEIGHT = 380;
  private static final int LEFT = 64;
  private static final int RIGHT = WIDTH - 20;
  private static final int TOP = 72;
  private static final int BOTTOM = HEIGHT - 48;

  /** Told apart by those who see few colours, too, and by their dashes. The page's theme chooses between the two. */
  private static final String STYLE =
      """
      text { font: 13px system-ui, sans-serif; fill: #24292f } .back { fill: #fff } .grid { stroke: #d0d7de }
      path, .key { fill: none; stroke-width: 2; stroke-linejoin: round }
      .s0 { stroke: #0060a8; stroke-width: 3.5 } .s1 { stroke: #c44900; stroke-dasharray: 7 3 }
      .s2 { stroke: #007a5a; stroke-dasharray: 2 3 } .s3 { stroke: #9a4f86; stroke-dasharray: 10 3 2 3 }
      @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3 } .back { fill: #0d1117 } .grid { stroke: #30363d }
        .s0 { stroke: #58b4f5 } .s1 { stroke: #ff9a4d } .s2 { stroke: #3fcf9f } .s3 { stroke: #dd9bcb }
      }
      """;

  public static void main(String[] arguments) throws Exception {
    Locale.setDefault(Locale.ROOT);
    Map<String, TreeMap<Double, List<Double>>> runs = new LinkedHashMap<>();
    try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] point = line.trim().split("\\s+");
        runs.computeIfAbsent(point[0], name -> new TreeMap<>())
            .computeIfAbsent(Double.valueOf(point[1]), second -> new ArrayList<>())
            .add(Double.valueOf(point[2]));
      }
    }
    String title = "%,d messages from a cold start".formatted(Long.parseLong(arguments[0]));
    double seconds = 0;
    double most = 0;
    Map<String, TreeMap<Double, Double>> series = new LinkedHashMap<>();
    for (var run : runs.entrySet()) {
      TreeMap<Double, Double> medians = new TreeMap<>();
      run.getValue().forEach((second, rates) -> medians.put(second, median(rates)));
      series.put(run.getKey(), medians);
      seconds = Math.max(seconds, medians.lastKey());
      most = Math.max(most, medians.values().stream().max(Double::compare).orElseThrow());
    }
    double xStep = step(seconds);
    double yStep = step(most);
    double xEnd = xStep * Math.ceil(seconds / xStep);
    double yEnd = yStep * Math.ceil(most / yStep);
    StringBuilder svg = new StringBuilder();
    StringBuilder described = new StringBuilder();
    series.forEach(
        (name, points) ->
            described.append(
                " %s: at most %,.0f messages per second; done after %.1f seconds."
                    .formatted(name, points.values().stream().max(Double::compare).orElseThrow(), points.lastKey())));
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc">
        <title id="title">%s</title>
        <desc id="desc">Messages per second over the seconds since the process started.%s</desc>
        <style>
        %s</style>
        <rect class="back" width="100%%" height="100%%" rx="6"/>
        """
            .formatted(WIDTH, HEIGHT, title, escape(described.toString()), STYLE));
    svg.append(text(LEFT, 24, "start", title + ": messages per second"));
    for (double y = 0; y <= yEnd; y += yStep) {
      double at = BOTTOM - (BOTTOM - TOP) * y / yEnd;
      svg.append("<path class=\"grid\" style=\"stroke-width:1\" d=\"M%d %.1fH%d\"/>\n".formatted(LEFT, at, RIGHT));
      svg.append(text(LEFT - 8, at + 4, "end", "%,.0f".formatted(y)));
    }
    for (double x = 0; x <= xEnd; x += xStep) {
      svg.append(text(LEFT + (RIGHT - LEFT) * x / xEnd, BOTTOM + 18, "middle", x == Math.rint(x) ? "%.0f".formatted(x) : "%s".formatted(x)));
    }
    svg.append(text((LEFT + RIGHT) / 2.0, HEIGHT - 10, "middle", "seconds since the process started"));
    int number = 0;
    for (var one : series.entrySet()) {
      int x = LEFT + number * (RIGHT - LEFT) / series.size();
      svg.append("<path class=\"key s%d\" d=\"M%d 46h30\"/>\n".formatted(number % 4, x));
      svg.append(text(x + 38, 50, "start", one.getKey()));
      StringBuilder line = new StringBuilder();
      one.getValue()
          .forEach(
              (second, rate) ->
                  line.append(
                      "%s%.1f %.1f".formatted(
                          line.isEmpty() ? "M" : "L",
                          LEFT + (RIGHT - LEFT) * second / xEnd,
                          BOTTOM - (BOTTOM - TOP) * rate / yEnd)));
      svg.append("<path class=\"s%d\" d=\"%s\"/>\n".formatted(number % 4, line));
      number++;
    }
    System.out.print(svg.append("</svg>\n"));
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
  }

  /** 1, 2 or 5 times a power of ten, so that there are five to ten of them. */
  private static double step(double most) {
    double ten = Math.pow(10, Math.floor(Math.log10(most / 5)));
    return most / 5 >= 5 * ten ? 5 * ten : most / 5 >= 2 * ten ? 2 * ten : ten;
  }

  private static String text(double x, double y, String anchor, String text) {
    return "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n".formatted(x, y, anchor, escape(text));
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }
}
