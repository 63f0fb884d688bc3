package dev.herald.webhook;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequestEncoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLParameters;

/**
 * The calls and connections of one event loop. All state belongs to that loop, which also calls the
 * handlers; {@link #post}, {@link #isCurrent} and {@link #load} may be called from any thread.
 */
final class Lane {
  private static final int MAX_LINE = 4 * 1024;
  private static final int MAX_HEADERS = 16 * 1024;
  private static final int MAX_CHUNK = 8 * 1024;
  private static final long SWEEP_MS = 50;
  private static final Pattern KEEP_ALIVE_TIMEOUT = Pattern.compile("timeout\\s*=\\s*(\\d{1,6})");

  private final EventLoop loop;
  private final Executor resolver;
  private final Bootstrap bootstrap;
  private final SslContext tls;
  private final long timeoutNanos;
  private final long connectMs;
  private final long keepAliveNanos;
  private final AtomicInteger load = new AtomicInteger();
  private final Set<Call> calls = new LinkedHashSet<>();
  private final Map<Target, Deque<Connection>> idle = new HashMap<>();
  private int turn;

  /**
   * @param resolver looks up host names, which may take long
   */
  Lane(EventLoop loop, Executor resolver, SslContext tls, WebhookClient.Limits limits) {
    this.loop = loop;
    this.resolver = resolver;
    this.tls = tls;
    timeoutNanos = limits.timeout().toNanos();
    connectMs = limits.connectTimeout().toMillis();
    keepAliveNanos = limits.keepAlive().toNanos();
    bootstrap =
        new Bootstrap()
            .group(loop)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) connectMs);
    loop.scheduleAtFixedRate(this::sweep, SWEEP_MS, SWEEP_MS, TimeUnit.MILLISECONDS);
  }

  /** Whether the caller is this lane's event loop. */
  boolean isCurrent() {
    return loop.inEventLoop();
  }

  /** Calls that have not ended. */
  int load() {
    return load.get();
  }

  void post(
      Target target, Map<String, String> headers, byte[] body, WebhookClient.Handler handler) {
    load.incrementAndGet();
    Call call = new Call(target, headers, body, handler);
    if (isCurrent()) {
      start(call);
    } else {
      loop.execute(() -> start(call));
    }
  }

  private void start(Call call) {
    calls.add(call);
    Connection connection = kept(call.target);
    if (connection != null) {
      connection.send(call);
    } else {
      connect(call);
    }
  }

  /** The connection that was used last, for it is the least likely to be closed at this moment. */
  private Connection kept(Target target) {
    Deque<Connection> connections = idle.get(target);
    return connections == null ? null : connections.pollFirst();
  }

  private void connect(Call call) {
    resolver.execute(
        () -> {
          try {
            InetAddress[] addresses = InetAddress.getAllByName(call.target.host());
            loop.execute(() -> connect(call, addresses[Math.floorMod(turn++, addresses.length)]));
          } catch (UnknownHostException e) {
            loop.execute(
                () ->
                    call.fail(false, "the webhook's host name has no address: " + e.getMessage()));
          }
        });
  }

  private void connect(Call call, InetAddress address) {
    if (call.ended()) {
      return;
    }
    Connection connection = new Connection(call.target);
    bootstrap
        .clone()
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                if (call.target.tls()) {
                  channel.pipeline().addLast(tlsHandler(channel, call.target));
                }
                channel
                    .pipeline()
                    .addLast(new HttpRequestEncoder(), connection.decoder, connection);
              }
            })
        .connect(new InetSocketAddress(address, call.target.port()))
        .addListener(
            connected -> {
              if (!connected.isSuccess()) {
                call.fail(false, "no connection: " + reason(connected.cause()));
              } else if (call.target.tls()) {
                connection.awaitTls(call);
              } else {
                connection.send(call);
              }
            });
  }

  private SslHandler tlsHandler(Channel channel, Target target) {
    SslHandler handler = tls.newHandler(channel.alloc(), target.host(), target.port());
    SSLParameters parameters = handler.engine().getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    handler.engine().setSSLParameters(parameters);
    handler.setHandshakeTimeoutMillis(connectMs);
    return handler;
  }

  /** Netty says nothing of a channel that is closed. */
  private static String reason(Throwable failure) {
    return failure instanceof ClosedChannelException
        ? "it was closed"
        : failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  /** Ends the calls that are overdue and closes the connections that were idle for too long. */
  private void sweep() {
    long now = System.nanoTime();
    List<Call> overdue = new ArrayList<>();
    for (Call call : calls) {
      if (now - call.started < timeoutNanos) {
        break; // the others began later
      }
      overdue.add(call);
    }
    overdue.forEach(Call::overdue);
    for (Deque<Connection> connections : idle.values()) {
      while (!connections.isEmpty() && now - connections.peekLast().idleUntil >= 0) {
        connections.pollLast().channel.close();
      }
    }
  }

  /** One POST. */
  private final class Call {
    private final Target target;
    private final Map<String, String> headers;
    private final byte[] content;
    private final WebhookClient.Handler handler;
    private final long started = System.nanoTime();
    private Connection connection;
    private HttpResponse answer;
    private ByteArrayOutputStream body;

    Call(
        Target target, Map<String, String> headers, byte[] content, WebhookClient.Handler handler) {
      this.target = target;
      this.headers = headers;
      this.content = content;
      this.handler = handler;
    }

    FullHttpRequest request() {
      HttpHeaders all = new DefaultHttpHeaders();
      headers.forEach(all::set);
      all.set(HttpHeaderNames.HOST, target.authority());
      all.set(HttpHeaderNames.CONTENT_LENGTH, content.length);
      return new DefaultFullHttpRequest(
          HttpVersion.HTTP_1_1,
          HttpMethod.POST,
          target.path(),
          Unpooled.wrappedBuffer(content),
          all,
          EmptyHttpHeaders.INSTANCE);
    }

    boolean ended() {
      return !calls.contains(this);
    }

    /** True once. */
    private boolean end() {
      boolean first = calls.remove(this);
      if (first) {
        load.decrementAndGet();
      }
      return first;
    }

    void read(ByteBuf chunk) {
      if (chunk.isReadable()) {
        if (body == null) {
          body = new ByteArrayOutputStream(chunk.readableBytes());
        }
        int length = Math.min(chunk.readableBytes(), WebhookClient.MAX_ANSWER - body.size());
        byte[] bytes = new byte[length];
        chunk.readBytes(bytes);
        body.writeBytes(bytes);
      }
    }

    boolean full() {
      return body != null && body.size() >= WebhookClient.MAX_ANSWER;
    }

    void overdue() {
      Connection mine = connection;
      if (answer != null) {
        succeed();
      } else {
        fail(mine != null, mine == null ? "no connection in time" : "no answer in time");
      }
      if (mine != null) {
        mine.channel.close();
      }
    }

    /** The status is what counts: a body that broke off changes nothing. */
    void succeed() {
      if (end()) {
        handler.answered(
            answer.status().code(),
            answer.headers().get(HttpHeaderNames.RETRY_AFTER),
            body == null ? new byte[0] : body.toByteArray());
      }
    }

    void fail(boolean written, String reason) {
      if (end()) {
        handler.failed(new WebhookException(written, reason));
      }
    }
  }

  /** Says whether bytes have come that are part of no answer yet. */
  private static final class Decoder extends HttpResponseDecoder {
    Decoder() {
      super(MAX_LINE, MAX_HEADERS, MAX_CHUNK);
    }

    boolean more() {
      return actualReadableBytes() > 0;
    }
  }

  /**
   * One connection; it carries one call at a time. One on which more has come than was asked for is
   * closed, or the next call would take that for its answer.
   */
  private final class Connection extends ChannelInboundHandlerAdapter {
    private final Decoder decoder = new Decoder();
    private final Target target;
    private Channel channel;
    private Call call;
    private long idleUntil;

    Connection(Target target) {
      this.target = target;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      channel = context.channel();
    }

    void awaitTls(Call first) {
      channel
          .pipeline()
          .get(SslHandler.class)
          .handshakeFuture()
          .addListener(
              secured -> {
                if (secured.isSuccess()) {
                  send(first);
                } else {
                  first.fail(false, "TLS failed: " + reason(secured.cause()));
                  channel.close();
                }
              });
    }

    void send(Call next) {
      if (System.nanoTime() - next.started >= timeoutNanos) {
        // The process stood still: the lease that the call relied on may be over.
        next.fail(false, "no connection in time");
      }
      if (next.ended()) {
        keep(keepAliveNanos);
        return;
      }
      FullHttpRequest request;
      try {
        request = next.request();
      } catch (IllegalArgumentException e) {
        next.fail(false, "the request cannot be written: " + e.getMessage());
        keep(keepAliveNanos);
        return;
      }
      call = next;
      next.connection = this;
      channel.writeAndFlush(request, channel.voidPromise());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      try {
        if (call == null || ((HttpObject) message).decoderResult().isFailure()) {
          broken("the answer is not HTTP");
        } else {
          if (message instanceof HttpResponse response) {
            call.answer = response;
          }
          if (message instanceof HttpContent content) {
            call.read(content.content());
            if (content instanceof LastHttpContent) {
              last();
            } else if (call.full()) {
              broken("");
            }
          }
        }
      } finally {
        ReferenceCountUtil.release(message);
      }
    }

    private void last() {
      Call done = call;
      if (done.answer.status().code() < 200) {
        done.answer = null; // an interim answer; the final one follows
        return;
      }
      call = null;
      if (HttpUtil.isKeepAlive(done.answer) && !decoder.more() && !bodyWhereNoneMayBe(done)) {
        keep(keepAlive(done.answer));
      } else {
        channel.close();
      }
      done.succeed();
    }

    /** Some servers send a body after a 204, and it may be on its way. */
    private boolean bodyWhereNoneMayBe(Call done) {
      HttpResponseStatus status = done.answer.status();
      return (status.equals(HttpResponseStatus.NO_CONTENT)
              || status.equals(HttpResponseStatus.NOT_MODIFIED))
          && (HttpUtil.isContentLengthSet(done.answer)
              || HttpUtil.isTransferEncodingChunked(done.answer));
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      if (call == null && decoder.more()) {
        channel.close();
      }
    }

    /** Ends the call with what is known, and the connection. */
    private void broken(String reason) {
      Call ended = call;
      call = null;
      if (ended != null && ended.answer != null) {
        ended.succeed();
      } else if (ended != null) {
        ended.fail(true, reason);
      }
      channel.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      Deque<Connection> connections = idle.get(target);
      if (connections != null) {
        connections.remove(this);
      }
      broken("the connection ended before an answer came");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
      broken("the connection failed before an answer came: " + reason(failure));
    }

    private void keep(long nanos) {
      if (nanos > 0 && channel.isActive()) {
        idleUntil = System.nanoTime() + nanos;
        idle.computeIfAbsent(target, any -> new ArrayDeque<>()).addFirst(this);
      } else {
        channel.close();
      }
    }

    /** At most as long as the server says that it keeps it, less a second for the way. */
    private long keepAlive(HttpResponse answer) {
      String header = answer.headers().get("Keep-Alive");
      if (header != null) {
        Matcher timeout = KEEP_ALIVE_TIMEOUT.matcher(header);
        if (timeout.find()) {
          return Math.min(
              keepAliveNanos, TimeUnit.SECONDS.toNanos(Long.parseLong(timeout.group(1)) - 1));
        }
      }
      return keepAliveNanos;
    }
  }
}
