import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.NoArgGenerator;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonObject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.UUID;

/**
 * The bare cost of a POST of a message: Vert.x parses the body, a worker inserts one row, commits and responds 201. It checks
 * nothing and counts nothing. Run as a source file: java -cp 'target/lib/*' bench/Bare.java PORT JDBC_URL
 */
public final class Bare {
  private static final int CONNECTIONS = 64;
  private static final String INSERT =
      "INSERT INTO message (id, phone_number, content, max_attempts, next_attempt_at) VALUES (?, ?, ?, 3, now())";

  public static void main(String[] arguments) {
    HikariConfig pool = new HikariConfig();
    pool.setJdbcUrl(arguments[1]);
    pool.setUsername("postgres");
    pool.setMaximumPoolSize(CONNECTIONS);
    HikariDataSource database = new HikariDataSource(pool);
    NoArgGenerator ids = Generators.timeBasedEpochRandomGenerator();
    Vertx vertx = Vertx.vertx(new VertxOptions().setWorkerPoolSize(CONNECTIONS));
    vertx
        .createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(Integer.parseInt(arguments[0])))
        .requestHandler(
            request ->
                request
                    .body()
                    .compose(body -> vertx.executeBlocking(() -> insert(database, ids.generate(), new JsonObject(body)), false))
                    .onSuccess(stored -> request.response().setStatusCode(201).end(stored.toBuffer()))
                    .onFailure(failure -> request.response().setStatusCode(500).end(failure.toString())))
        .listen()
        .toCompletionStage()
        .toCompletableFuture()
        .join();
  }

  private static JsonObject insert(HikariDataSource database, UUID id, JsonObject message) throws Exception {
    try (Connection connection = database.getConnection();
        PreparedStatement insert = connection.prepareStatement(INSERT)) {
      insert.setObject(1, id);
      insert.setString(2, message.getString("phoneNumber"));
      insert.setString(3, message.getString("content"));
      insert.executeUpdate();
    }
    return message.put("id", id.toString()).put("status", "PENDING");
  }
}
