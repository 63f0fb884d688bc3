#!/usr/bin/env bash
# Measures Herald with its own PostgreSQL (fsync on), Redis and webhook, all on this machine.
#
#   bench/run.sh drain   [--n 200000] [--runs 3] [--nodes 1] [--latency MS] [--concurrency 64] [--finished ROWS] [--freeze-redis]
#   bench/run.sh cold    [--n 200000] [--runs 3] [--concurrency 64] [--svg target/cold-start.svg]
#   bench/run.sh growth  [--n 1000000] [--finished 10000000]
#   bench/run.sh soak    [--seconds 3600] [--rate half] [--n 200000]
#   bench/run.sh idle    [--seconds 60]
#   bench/run.sh latency [--rate 200] [--seconds 60]
#   bench/run.sh intake  [--connections 64] [--seconds 15]
#   bench/run.sh batch   [--seconds 20]
#   bench/run.sh flaky   [--n 50000] [--runs 3] [--latency 20]
#   bench/run.sh outage  [--n 100000] [--latency 20] [--seconds 10]
#   bench/run.sh flood   [--connections 300] [--slow 1200] [--silent 0] [--seconds 60]
#   bench/run.sh freeze  [--connections 200] [--seconds 45]
#
# drain: N messages are due. Measures how long a process that has just started takes to send and record them all.
#   --finished adds that many SENT rows first; --freeze-redis stops Redis (SIGSTOP) for the middle third.
# cold: the rate over time from the start of a process, drawn as a picture; the numbers are in target/cold-start.txt. Herald
#   takes turns with the programs that BENCH_PEERS names, separated by spaces. "PROGRAM prepare" makes its schema and N
#   messages. "PROGRAM run" prints READY, reads a line, delivers all, prints DONE, and ends when its input does. It gets PGHOST,
#   PGPORT, PGUSER, PGDATABASE, REDIS_URL, WEBHOOK_URL and N, and sets a key in Redis for each message that is sent.
# growth: one warm process drains 10,000 messages, 200,000, and N beside that many SENT rows. Prints sizes after each.
# soak: batches come in at a steady rate, by default half of what the process has just drained. Every 30 seconds: the rate,
#   the backlog, the heap after a collection, memory, CPU and sizes; at the end, how they changed.
# idle: what a node without messages costs, paced (the default) and continuous.
# latency: from a client's POST to the webhook, one message at a time, for every 15 seconds of a process.
# intake: single POSTs with wrk, to Herald and to a bare handler that only inserts (bench/Bare.java).
# batch: batches of 1,000 from one client, then from four, to Herald and as INSERTs to PostgreSQL itself (bench/Batch.java).
# flaky: drains with a healthy provider and with one that fails some calls at random, until nine tenths are sent.
# outage: for some seconds in the middle of a drain the provider returns 503, or refuses connections. Prints the POSTs
#   during the outage, and the rate in each second after it.
# flood: batches of 1,000 messages, bodies that trickle in and silent connections, all at once.
#   Prints whether /live responded every half second, and whether everything accepted was sent.
# freeze: PostgreSQL is stopped (SIGSTOP) for some seconds under clients that send batches. Prints the same.
#
# Needs a JDK 17, Maven, PostgreSQL's server programs (PGBIN, by default Debian's), redis-server, curl; wrk for intake.
# Herald runs by jvm.options with -Xmx512m; JAVA_OPTS comes after them. Files are in $BENCH_DIR (default: a new folder in /tmp) and are removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-drain}; shift || true
n=200000 runs=3 nodes=1 latency=0 concurrency=64 finished=0 freeze= rate=200 svg=target/cold-start.svg seconds=20 connections=64 slow=0 silent=0
[ "$what" != growth ] || n=1000000 finished=10000000 runs=1
[ "$what" != soak ] || rate=half seconds=3600
[ "$what" != idle ] || seconds=60
[ "$what" != latency ] || seconds=60
[ "$what" != flaky ] || n=50000 latency=20
[ "$what" != outage ] || n=100000 latency=20 seconds=10
[ "$what" != flood ] || connections=300 slow=1200 seconds=60
[ "$what" != freeze ] || connections=200 seconds=45
while [ $# -gt 0 ]; do
    case $1 in
        --freeze-redis) freeze=1; shift ;;
        --n|--runs|--nodes|--latency|--concurrency|--finished|--rate|--seconds|--connections|--slow|--silent|--svg)
            declare "${1#--}=$2"; shift 2 ;;
        *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
    esac
done

PGBIN=${PGBIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
dir=${BENCH_DIR:-$(mktemp -d /tmp/herald-bench.XXXXXX)}
pg_port=25432 redis_port=26379 sink_port=28000 api_port=28080 management_port=28180
export BENCH_KEY=bench-key-0123456789abcdef
pids=()
as_postgres() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
sql() { PGOPTIONS="-c client_min_messages=warning" "$PGBIN/psql" -h 127.0.0.1 -p $pg_port -U postgres -d "${2:-herald}" -qAtX -v ON_ERROR_STOP=1 -c "$1"; }
stop_all() {
    for pid in "${pids[@]:-}"; do [ -n "$pid" ] && kill -CONT "$pid" 2>/dev/null && kill "$pid" 2>/dev/null || true; done
    as_postgres "$PGBIN/pg_ctl" -D "$dir/data" -m fast stop >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap stop_all EXIT
ticks() { awk '{print $14 + $15}' "/proc/$1/stat" 2>/dev/null || echo 0; } # in units of 10 ms
now() { date +%s.%N; }

mvn -q -DskipTests package
mkdir -p "$dir"; chmod 777 "$dir"
as_postgres "$PGBIN/initdb" -D "$dir/data" -A trust -U postgres --data-checksums >/dev/null
cat >> "$dir/data/postgresql.conf" <<EOF
port = $pg_port
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
shared_buffers = 1GB
max_wal_size = 8GB
max_connections = 200
fsync = on
synchronous_commit = on
full_page_writes = on
EOF
as_postgres "$PGBIN/pg_ctl" -D "$dir/data" -l "$dir/postgres.log" -w start >/dev/null
postmaster=$(head -1 "$dir/data/postmaster.pid")
redis-server --port $redis_port --save '' --appendonly no >/dev/null & redis=$!; pids+=($redis)
sink=
if [ "$what" != latency ]; then
    java -cp 'target/lib/*' bench/Sink.java $sink_port "$latency" >/dev/null & sink=$!; pids+=($sink)
fi
postgres_ticks() { # live and ended processes of the server
    local sum; sum=$(awk '{print $14 + $15 + $16 + $17}' "/proc/$postmaster/stat")
    for p in $(pgrep -P "$postmaster"); do sum=$((sum + $(ticks "$p"))); done; echo "$sum"
}

start_node() { # start_node NUMBER ENABLED
    env SERVER_HOST=127.0.0.1 SERVER_PORT=$((api_port + $1)) MANAGEMENT_PORT=$((management_port + $1)) API_KEY=$BENCH_KEY \
        DATABASE_URL=jdbc:postgresql://127.0.0.1:$pg_port/herald DATABASE_USERNAME=postgres \
        REDIS_URL=redis://127.0.0.1:$redis_port/0 WEBHOOK_URL=http://127.0.0.1:$sink_port/send DISPATCH_INTERVAL="${interval:-0}" \
        DISPATCH_BATCH_SIZE="${batch:-500}" DISPATCH_CONCURRENCY="$concurrency" DISPATCH_ENABLED="$2" RETENTION_FINISHED=0 LOG_LEVEL=warn \
        java @jvm.options -Xmx512m ${JAVA_OPTS:-} -jar target/herald.jar > "$dir/herald-$1.log" 2>&1 & node=$!
    pids+=($node)
    local begin; begin=$(now)
    until curl -sf -o /dev/null "http://127.0.0.1:$((api_port + $1))/ready"; do
        kill -0 $node 2>/dev/null || { cat "$dir/herald-$1.log"; exit 1; }
        sleep 0.02
    done
    ready=$(echo "$(now) $begin" | awk '{printf "%.1f", $1 - $2}')
}
new_database() {
    sql "DROP DATABASE IF EXISTS herald WITH (FORCE)" postgres; sql "CREATE DATABASE herald" postgres
    redis-cli -p $redis_port flushall >/dev/null
}
stop_nodes() { for pid in "${herald[@]}"; do kill "$pid"; wait "$pid" 2>/dev/null || true; done; }
fill() { # fill COUNT STATUS
    sql "INSERT INTO message (id, phone_number, content, max_attempts, status, sent_at, webhook_message_id, next_attempt_at)
         SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + g / 1000), 12, '0') || '7' || lpad(to_hex(g % 4096), 3, '0')
             || '8' || substr(md5(g::text), 1, 15))::uuid, '+90555' || lpad(g::text, 7, '0'), 'Your code is ' || g, 3, '$2',
             CASE '$2' WHEN 'SENT' THEN now() END, CASE '$2' WHEN 'SENT' THEN md5(g::text) END, now()
         FROM generate_series(1, $1) g;
         INSERT INTO message_tally (status, n) VALUES ('$2', $1)"
}

drain() {
    printf '%-4s %6s %9s %8s %9s %9s %8s %8s %8s %8s  %s\n' run ready msg/s seconds herald/us pg/us sink/us rss/MB WAL/B HOT/% 'msg/s in each second'
    for run in $(seq "$runs"); do
        new_database; herald=()
        for i in $(seq 0 $((nodes - 1))); do start_node "$i" false; herald+=($node); done
        [ "$finished" = 0 ] || fill "$finished" SENT
        fill "$n" PENDING
        sql "VACUUM ANALYZE message"; sql "CHECKPOINT"; sql "SELECT pg_stat_reset()" >/dev/null; sleep 2
        local wal0 pg0 sink0 herald0=0 begin end done=0 last=0 each='' mark frozen=
        wal0=$(sql "SELECT pg_current_wal_lsn()"); pg0=$(postgres_ticks); sink0=$(ticks $sink)
        for pid in "${herald[@]}"; do herald0=$((herald0 + $(ticks "$pid"))); done
        begin=$(now); mark=$begin
        scheduler start
        while [ "$done" -lt "$n" ]; do
            sleep 0.1
            done=$(sql "SELECT coalesce(sum(n), 0) - $finished FROM message_tally WHERE status = 'SENT'")
            end=$(now)
            if [ "$(echo "$end $mark" | awk '{print ($1 - $2 >= 1)}')" = 1 ]; then
                each+=" $(echo "$done $last $end $mark" | awk '{printf "%d", ($1 - $2) / ($3 - $4)}')"; last=$done; mark=$end
            fi
            if [ -n "$freeze" ]; then
                if [ -z "$frozen" ] && [ "$done" -gt $((n / 3)) ]; then kill -STOP $redis; frozen=1; each+=' [redis frozen]'; fi
                if [ "$frozen" = 1 ] && [ "$done" -gt $((n * 2 / 3)) ]; then kill -CONT $redis; frozen=2; each+=' [redis back]'; fi
            fi
        done
        local herald1=0 rss=0
        for pid in "${herald[@]}"; do
            herald1=$((herald1 + $(ticks "$pid"))); rss=$((rss + $(awk '/VmHWM/ {print $2}' "/proc/$pid/status")))
        done
        echo "$n $begin $end $herald0 $herald1 $pg0 $(postgres_ticks) $sink0 $(ticks $sink) $rss \
            $(sql "SELECT pg_current_wal_lsn() - '$wal0'") \
            $(sql "SELECT round(100.0 * n_tup_hot_upd / greatest(n_tup_upd, 1)) FROM pg_stat_user_tables WHERE relname = 'message'")" |
            awk -v run="$run" -v ready="$ready" -v each="$each" '{ t = $3 - $2
                printf "%-4s %5ss %9.0f %8.1f %9.0f %9.0f %8.0f %8.0f %8.0f %8s %s\n", run, ready, $1 / t, t,
                ($5 - $4) * 1e4 / $1, ($7 - $6) * 1e4 / $1, ($9 - $8) * 1e4 / $1, $10 / 1024, $11 / $1, $12, each }'
        stop_nodes
    done
}

scheduler() { curl -sf -o /dev/null -X POST -H "Authorization: Bearer $BENCH_KEY" "http://127.0.0.1:$api_port/api/v1/scheduler/$1"; }
sizes() {
    sql "SELECT string_agg(relname || ' ' || pg_size_pretty(pg_relation_size(oid)), ', ' ORDER BY relname)
         FROM pg_class WHERE relname ~ '^message(_pkey|_due_idx|_sent_idx|_phone_number_idx)?$'"
}
one_drain() { # one_drain DUE FINISHED: in the running process
    scheduler stop; sql "TRUNCATE message CASCADE; TRUNCATE message_tally"
    [ "$2" = 0 ] || fill "$2" SENT
    fill "$1" PENDING; sql "VACUUM ANALYZE message"; sql "CHECKPOINT"; sleep 2
    local begin; begin=$(now); scheduler start
    until [ "$(sql "SELECT coalesce(sum(n), 0) - $2 FROM message_tally WHERE status = 'SENT'")" -ge "$1" ]; do sleep 0.02; done
    echo "$1 $2 $begin $(now)" | awk '{printf "%9d due %9d finished %9.0f msg/s %6.1f s", $1, $2, $1 / ($4 - $3), $4 - $3}'
    echo "   $(sizes)"
}
growth() {
    new_database; start_node 0 true; herald=($node)
    printf 'warm-up   '; one_drain 300000 0
    for _ in 1 2 3; do one_drain 10000 0; done
    one_drain 200000 0
    for run in $(seq "$runs"); do one_drain "$n" "$finished"; done
    one_drain 200000 0
    stop_nodes
}

peer() { # peer PROGRAM VERB
    exec env PGHOST=127.0.0.1 PGPORT=$pg_port PGUSER=postgres PGPASSWORD=none PGDATABASE=herald N="$n" \
        REDIS_URL=redis://127.0.0.1:$redis_port WEBHOOK_URL=http://127.0.0.1:$sink_port/send "$1" "$2" 2>> "$dir/peer.log"
}
says() { # says LINE: reads what the peer prints until that line
    local line
    while read -r line <&"$from"; do [ "$line" != "$1" ] || return 0; done
    echo "$one ended without printing $1:"; tail "$dir/peer.log"; exit 1
}
cold() {
    local all=(herald ${BENCH_PEERS:-}) numbers=target/cold-start.txt one name i begin go sampler run pid from to
    new_database; start_node 0 false; herald=($node); fill 20000 PENDING; scheduler start # warms up the webhook
    until [ "$(sent)" -ge 20000 ]; do sleep 0.5; done
    stop_nodes; : > $numbers
    printf '%-4s %-24s %6s %9s  %s\n' run '' ready msg/s 'msg/s in each second since the process started'
    for run in $(seq "$runs"); do
        for i in "${!all[@]}"; do
            one=${all[$(((i + run - 1) % ${#all[@]}))]}; name=$(basename "$one")
            new_database
            if [ "$one" = herald ]; then start_node 0 false; herald=($node); stop_nodes; fill "$n" PENDING
            else (peer "$one" prepare) > /dev/null || { tail "$dir/peer.log"; exit 1; }; fi
            sql "VACUUM ANALYZE"; sql "CHECKPOINT"; sleep 2
            redis-cli -p $redis_port -r -1 -i 0.2 EVAL \
                "local t = redis.call('TIME'); return t[1] + t[2] / 1e6 .. ' ' .. redis.call('DBSIZE')" 0 > "$dir/samples" & sampler=$!
            pids+=($sampler); begin=$(now)
            if [ "$one" = herald ]; then
                start_node 0 false; herald=($node); go=$(now); scheduler start
                until [ "$(sent)" -ge "$n" ]; do sleep 0.5; done
            else
                coproc PEER { peer "$one" run; }
                pid=$PEER_PID; pids+=($pid); exec {from}<&"${PEER[0]}"- {to}>&"${PEER[1]}"-
                says READY; go=$(now); echo GO >&"$to"; says DONE
            fi
            sleep 0.5; kill $sampler; wait $sampler 2>/dev/null || true
            if [ "$one" = herald ]; then stop_nodes; else exec {to}>&-; wait "$pid"; exec {from}<&-; fi
            awk -v run="$run" -v name="$name" -v begin="$begin" -v go="$go" -v n="$n" -v numbers=$numbers '
                { t[NR] = $1 - begin; done[NR] = $2; if (!end && $2 >= n) end = NR }
                function at(s) { while (t[i + 1] < s) i++; return done[i] + (done[i + 1] - done[i]) * (s - t[i]) / (t[i + 1] - t[i]) }
                END {
                    if (!end) { print name ": only " done[NR] " of " n " messages have a key in Redis"; exit 1 }
                    for (i = 1; k + 1 <= t[end]; k++) {
                        rate = at(k + 1) - last; last += rate; each = each sprintf(" %d", rate)
                        printf "%s %.1f %d\n", name, k + 0.5, rate >> numbers
                    }
                    printf "%-4s %-24s %5.1fs %9.0f %s\n", run, name, go - begin, n / (t[end] + begin - go), each
                }' "$dir/samples"
        done
    done
    java bench/Plot.java "$n" < $numbers > "$svg"; echo "drawn: $svg"
}

soak() {
    new_database; start_node 0 true; herald=($node)
    one_drain "$n" 0; local full; full=$(one_drain "$n" 0); echo "$full"
    [ "$rate" != half ] || rate=$(echo "$full" | awk '{printf "%d", $5 / 2}')
    sql "TRUNCATE message CASCADE; TRUNCATE message_tally"
    printf 'GC.run\nGC.heap_info\n' > "$dir/jcmd"
    java bench/Feed.java $api_port "$BENCH_KEY" "$rate" "$seconds" > "$dir/feed" & local feed=$!; pids+=($feed)
    local begin mark last=0 done h0 p0 h1 p1
    begin=$(now); mark=$begin; h0=$(ticks $node); p0=$(postgres_ticks)
    printf '%7s %8s %8s %8s %8s %9s %8s %9s %6s  %s\n' seconds msg/s backlog heap/MB rss/MB herald/us pg/us total/MB B/msg sizes
    while kill -0 $feed 2>/dev/null; do
        sleep 30
        done=$(sent); h1=$(ticks $node); p1=$(postgres_ticks)
        echo "$(since "$begin") $(since "$mark") $last $done $(sql "SELECT sum(n) FROM message_tally") $h0 $h1 $p0 $p1 \
            $(jcmd $node -f "$dir/jcmd" | awk '/total .* used/ {sub(/.* used /, ""); sum += $1} END {print sum / 1024}') \
            $(awk '/VmRSS/ {print $2}' /proc/$node/status) $(sql "SELECT pg_total_relation_size('message')")" | awk -v sizes="$(sizes)" '{
                printf "%7.0f %8.0f %8d %8.1f %8.0f %9.0f %8.0f %9.0f %6.0f  %s\n", $1, ($4 - $3) / $2, $5 - $4, $10, $11 / 1024,
                    ($7 - $6) * 1e4 / ($4 - $3 + 1), ($9 - $8) * 1e4 / ($4 - $3 + 1), $12 / 1048576, $12 / ($5 + 1), sizes }' | tee -a "$dir/soak"
        mark=$(now); last=$done; h0=$h1; p0=$p1
    done
    cat "$dir/feed"
    awk 'function slope(y, x, xx, xy, yy, i) { # of column y, for an hour
            for (i = 2; i < NR; i++) { x += t[i]; yy += v[i, y]; xx += t[i] * t[i]; xy += t[i] * v[i, y] }
            i = NR - 2; return 3600 * (i * xy - x * yy) / (i * xx - x * x) }
        { t[NR] = $1; for (c = 2; c <= 9; c++) v[NR, c] = $c }
        END { if (NR > 4) printf "in an hour, without the first and the last line: %+.0f msg/s, heap %+.1f MB, rss %+.1f MB, %+.0f B/msg\n",
            slope(2), slope(4), slope(5), slope(9) }' "$dir/soak"
    begin=$(now)
    until [ "$(sql "SELECT coalesce(sum(n), 0) FROM message_tally WHERE status = 'PENDING'")" = 0 ] ||
        [ "$(echo "$(since "$begin") 120" | awk '{print ($1 > $2)}')" = 1 ]; do sleep 1; done
    sql "SELECT 'at the end: ' || string_agg(status || ' ' || s, ', ') FROM (SELECT status, sum(n) s FROM message_tally GROUP BY 1 HAVING sum(n) > 0) t"
    stop_nodes
}
idle() {
    local how interval batch h0 p0
    printf '%-12s %20s %20s\n' '' 'herald, ms a second' 'pg, ms a second'
    for how in 'paced 2m 2' 'continuous 0 500'; do
        read -r how interval batch <<< "$how"
        new_database; start_node 0 true; herald=($node); sleep 15
        h0=$(ticks $node); p0=$(postgres_ticks); sleep "$seconds"
        echo "$how $seconds $h0 $(ticks $node) $p0 $(postgres_ticks)" | awk '{printf "%-12s %20.1f %20.1f\n", $1, ($4 - $3) * 10 / $2, ($6 - $5) * 10 / $2}'
        stop_nodes
    done
}

sink_fails() { curl -sf "http://127.0.0.1:$sink_port/fail?percent=$1&status=${2:-503}&retryAfter=${3:-}"; }
sent() { sql "SELECT coalesce(sum(n), 0) FROM message_tally WHERE status = 'SENT'"; }
since() { echo "$1 $(now)" | awk '{print $2 - $1}'; }
flaky() {
    printf '%-4s %-26s %8s %9s %7s %8s %8s %s\n' run provider seconds msg/s ratio posts failed 'until nine tenths are sent'
    for run in $(seq "$runs"); do
        local healthy=
        for how in 0 10:500 10:429 10:429:1 30:503 30:503:1; do
            new_database; start_node 0 false; herald=($node)
            fill "$n" PENDING; sql "VACUUM ANALYZE message"; sql "CHECKPOINT"; sleep 2
            IFS=: read -r percent status after <<< "$how"
            local posts0 begin t; posts0=$(sink_fails "$percent" "$status" "$after")
            begin=$(now); scheduler start
            until [ "$(sent)" -ge $((n * 9 / 10)) ]; do sleep 0.05; done
            t=$(since "$begin"); healthy=${healthy:-$t}
            echo "$n $t $healthy $posts0 $(sink_fails 0) $(sql "SELECT count(*) FROM message WHERE status IN ('FAILED', 'UNKNOWN')")" |
                awk -v run="$run" -v how="$percent % ${status:-} ${after:+Retry-After: $after}" '{
                    printf "%-4s %-26s %8.1f %9.0f %7.2f %8d %8d\n", run, how, $2, 0.9 * $1 / $2, $3 / $2, $5 - $4, $6 }'
            stop_nodes
        done
    done
}
outage() { # outage HOW
    new_database; start_node 0 false; herald=($node)
    fill "$n" PENDING; sql "VACUUM ANALYZE message"; sleep 2
    scheduler start
    until [ "$(sent)" -ge $((n / 4)) ]; do sleep 0.05; done
    local posts0 posts1 sent0 back each='' last mark full; full=$(sent); sleep 1; full=$(($(sent) - full))
    if [ "$1" = refuses ]; then kill $sink; wait $sink 2>/dev/null || true; posts0=0; else posts0=$(sink_fails 100 503); fi
    sleep 2; sent0=$(sent); sleep $((seconds - 2))
    if [ "$1" = refuses ]; then
        posts1=0; java -cp 'target/lib/*' bench/Sink.java $sink_port "$latency" >/dev/null & sink=$!; pids+=($sink)
        until curl -s -o /dev/null "http://127.0.0.1:$sink_port/"; do sleep 0.02; done
    else posts1=$(sink_fails 0); fi
    back=$(now); last=$(sent); mark=$back
    while [ "$(echo "$(since "$back") 8" | awk '{print ($1 < $2)}')" = 1 ]; do
        sleep 1; local nowsent t; nowsent=$(sent); t=$(since "$mark"); mark=$(now)
        each+=" $(echo "$nowsent $last $t" | awk '{printf "%d", ($1 - $2) / $3}')"; last=$nowsent
    done
    until [ "$(sent)" -ge "$n" ] || [ "$(echo "$(since "$back") 120" | awk '{print ($1 > $2)}')" = 1 ]; do sleep 0.2; done
    echo "provider $1 for $seconds s: $full msg/s before; $((posts1 - posts0)) POSTs during the outage; msg/s in each second after: $each"
    sql "SELECT 'then: ' || string_agg(status || ' ' || c, ', ') || '; attempts spent beyond one each: ' || sum(extra) FROM
         (SELECT status, count(*) c, sum(attempts) - count(*) FILTER (WHERE attempts > 0) extra FROM message GROUP BY status) s"
    stop_nodes
}

until curl -s -o /dev/null "http://127.0.0.1:$sink_port/" || [ "$what" = latency ]; do sleep 0.1; done
flood() { # flood FROZEN
    new_database; start_node 0 true; herald=($node)
    while kill -0 $node 2>/dev/null; do
        curl -s -o /dev/null -m 10 -w '%{http_code} %{time_total}\n' "http://127.0.0.1:$api_port/live" >> "$dir/live" || true; sleep 0.5
    done & local probe=$!; pids+=($probe)
    java bench/Flood.java $api_port "$BENCH_KEY" "$connections" "$slow" "$silent" $((seconds + ${1:-0})) & local client=$!
    if [ -n "${1:-}" ]; then
        sleep 1.5
        kill -STOP $(pgrep -P "$postmaster") "$postmaster"; sleep "$seconds"; kill -CONT "$postmaster" $(pgrep -P "$postmaster")
    fi
    wait $client
    kill $probe
    awk '{n++; if ($1 == 200) ok++; if ($1 == 200 && $2 <= 1) fast++; if ($2 > max) max = $2}
        END {printf "/live: %d of %d, %d within 1 s, the slowest in %.2f s\n", ok, n, fast, max}' "$dir/live"
    local stored; stored=$(sql "SELECT count(*) FROM message")
    local begin; begin=$(now)
    until [ "$(sent)" -ge "$stored" ] || [ "$(echo "$(since "$begin") 180" | awk '{print ($1 > $2)}')" = 1 ]; do sleep 0.5; done
    echo "stored $stored, sent $(sent) after $(since "$begin") s; the process $(kill -0 "$node" && echo lives); VmHWM $(awk '/VmHWM/ {print $2}' "/proc/$node/status") kB"
    echo "OutOfMemoryError in the log: $(grep -c 'OutOfMemoryError' "$dir/herald-0.log" || true)"
    stop_nodes
}

case $what in
    drain) drain ;;
    cold) cold ;;
    growth) growth ;;
    soak) soak ;;
    idle) idle ;;
    flaky) flaky ;;
    flood) flood ;;
    freeze) flood 10 ;;
    outage) outage "answers 503"; outage refuses ;;
    latency)
        for run in $(seq "$runs"); do
            new_database; start_node 0 true; herald=($node)
            java -cp 'target/lib/*' bench/Latency.java $sink_port $api_port "$BENCH_KEY" "$rate" "$seconds"
            stop_nodes
        done ;;
    intake)
        new_database; start_node 0 false; herald=($node)
        bare_port=$((api_port + 50))
        java ${JAVA_OPTS:-} -cp 'target/lib/*' bench/Bare.java $bare_port "jdbc:postgresql://127.0.0.1:$pg_port/herald" > "$dir/bare.log" 2>&1 & pids+=($!)
        until curl -s -o /dev/null "http://127.0.0.1:$bare_port/"; do sleep 0.1; done
        printf '%-4s %-8s %9s %9s %9s %s\n' run '' req/s p50 p99 'not 201'
        for run in $(seq "$runs"); do
            for who in herald:$api_port bare:$bare_port; do
                sql "TRUNCATE message CASCADE"; sql "CHECKPOINT"
                wrk -t1 -c"$connections" -d"${seconds}s" --latency -s bench/intake.lua "http://127.0.0.1:${who#*:}" |
                    awk -v run="$run" -v who="${who%:*}" '/50%/ {p50 = $2} /99%/ {p99 = $2} /Non-2xx/ {bad = $NF} /Requests\/sec/ {rate = $2}
                        END {printf "%-4s %-8s %9.0f %9s %9s %s\n", run, who, rate, p50, p99, bad + 0}'
            done
        done
        stop_nodes ;;
    batch)
        new_database; start_node 0 false; herald=($node)
        printf '%-4s %-8s %16s %16s %6s\n' run clients herald/msg/s postgres/msg/s ratio
        for run in $(seq "$runs"); do
            for clients in 1 4; do
                rates=()
                for target in $api_port "jdbc:postgresql://127.0.0.1:$pg_port/herald"; do
                    sql "TRUNCATE message CASCADE; TRUNCATE message_tally"; sql "CHECKPOINT"
                    rates+=("$(java -cp 'target/lib/*' bench/Batch.java "$target" "$BENCH_KEY" $clients "$seconds")")
                done
                echo "$run $clients ${rates[*]}" | awk '{printf "%-4s %-8s %16d %16d %6.2f\n", $1, $2, $3, $4, $3 / $4}'
            done
        done
        stop_nodes ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac
