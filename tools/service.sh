#!/usr/bin/env bash
# Stops, starts and restarts the services that with-services.sh runs, by the variables it exports.
#   tools/service.sh restart-postgres|stop-postgres|start-postgres|stop-redis|start-redis
# Returns when the change is complete: a started service answers, a stopped one is gone.
set -euo pipefail

: "${SERVICES_STATE:?run this under tools/with-services.sh}" "${PGBIN:?}" "${PG_DATA:?}" "${PG_PORT:?}" "${REDIS_SERVER:?}" "${REDIS_PORT:?}"
REDIS_PID="$SERVICES_STATE/redis/redis.pid"

as=()
[ "$(id -u)" = 0 ] && as=(runuser -u postgres --)
as_service() { (cd "$SERVICES_STATE" && ${as[@]+"${as[@]}"} "$@"); }

fail() {
  echo "service.sh: $1" >&2
  [ -f "$2" ] && tail -n 30 "$2" >&2
  exit 1
}

# pg_ctl hands its own output to the server: without the redirection a caller that reads a pipe would wait for ever
pg_ctl() { as_service "$PGBIN/pg_ctl" -D "$PG_DATA" -w -t 60 "$@" >/dev/null </dev/null; }

# What a process was started as; /proc where there is one, since a small image has no ps.
command_line() {
  if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -o args= -p "$1" 2>/dev/null; fi
}

redis_answers() {
  local reply=""
  { exec 3<>"/dev/tcp/127.0.0.1/$REDIS_PORT"; } 2>/dev/null || return 1
  printf 'PING\r\n' >&3
  read -r -t 2 reply <&3 || true
  exec 3>&-
  [[ "$reply" == +PONG* ]]
}

start_redis() {
  redis_answers && return 0
  as_service "$REDIS_SERVER" --bind 127.0.0.1 --port "$REDIS_PORT" --save '' --appendonly no \
    --daemonize yes --dir "$SERVICES_STATE/redis" --pidfile "$REDIS_PID" --logfile "$SERVICES_STATE/redis/redis.log" \
    </dev/null >/dev/null || fail "Redis did not start" "$SERVICES_STATE/redis/redis.log"
  for _ in $(seq 200); do
    redis_answers && [ -s "$REDIS_PID" ] && return 0
    sleep 0.05
  done
  fail "Redis does not answer on port $REDIS_PORT" "$SERVICES_STATE/redis/redis.log"
}

# Redis names itself with its port, so a reused process id is never mistaken for it.
redis_lives() { [ -s "$REDIS_PID" ] && command_line "$(cat "$REDIS_PID")" | grep -q ":$REDIS_PORT"; }

stop_redis() {
  local pid
  redis_lives || return 0
  pid="$(cat "$REDIS_PID")"
  kill "$pid"
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$REDIS_PID"; return 0; }
    sleep 0.05
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$REDIS_PID"
}

postgres_lives() { [ -s "$PG_DATA/postmaster.pid" ] && command_line "$(head -n 1 "$PG_DATA/postmaster.pid")" | grep -qF "$PG_DATA"; }

case "${1:-}" in
start-postgres)
  postgres_lives ||
    pg_ctl -l "$SERVICES_STATE/postgres.log" -o "${PG_OPTIONS:-}" start || fail "PostgreSQL did not start" "$SERVICES_STATE/postgres.log"
  ;;
# "fast" ends every session with an error, as a real restart does; "immediate" (second argument) is a crash
stop-postgres)
  ! postgres_lives || pg_ctl -m "${2:-fast}" stop || fail "PostgreSQL did not stop" "$SERVICES_STATE/postgres.log"
  ;;
restart-postgres)
  pg_ctl -m "${2:-fast}" -l "$SERVICES_STATE/postgres.log" restart || fail "PostgreSQL did not restart" "$SERVICES_STATE/postgres.log"
  ;;
start-redis) start_redis ;;
stop-redis) stop_redis ;;
*)
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
  ;;
esac
