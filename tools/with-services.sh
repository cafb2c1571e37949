#!/usr/bin/env bash
# Runs a command with its own PostgreSQL and Redis on free loopback ports, then stops both. Needs no root.
#   tools/with-services.sh [--durable] COMMAND...
#   tools/with-services.sh [--durable] --hold
#
# The command sees
#   MIGRATION_DATABASE_URL   role migrator: owns the database, may create databases
#   DATABASE_URL             role app: no superuser, no BYPASSRLS, owns nothing, so row-level security applies
#   SUPERUSER_DATABASE_URL   only to create databases and extensions in tests
#   REDIS_URL
#   SMTP_SINK                where Python finds what tools/smtp_sink.py needs; empty if it cannot be had
#   PGBIN PG_DATA PG_PORT PG_SOCKET_DIR REDIS_SERVER REDIS_PORT SERVICES_STATE   what tools/service.sh acts on
#
# --hold is for a test that stops or restarts services, and must not do that to others: it prints these variables as
# NAME=value lines, then an empty line, and keeps the services until its standard input closes.
#
# --durable keeps fsync on, for measuring, prints what one fsync costs here and exports it as FSYNC_MEDIAN_MS.
# PG_BIN and REDIS_SERVER choose other programs, PG_PORT and REDIS_PORT fix the ports, TMPDIR moves the data.
set -uo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
EXPORTS=(MIGRATION_DATABASE_URL DATABASE_URL SUPERUSER_DATABASE_URL REDIS_URL
  PGBIN PG_DATA PG_PORT PG_SOCKET_DIR PG_OPTIONS REDIS_SERVER REDIS_PORT SERVICES_STATE)
hold() {
  local name
  for name in "${EXPORTS[@]}"; do echo "$name=${!name}"; done
  echo
  cat >/dev/null
}

DURABLE=""
if [ "${1:-}" = --durable ]; then
  DURABLE=yes
  shift
fi
case "${1:-}" in
--hold) set -- hold ;;
--help | -h)
  sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 0
  ;;
"")
  echo "with-services.sh: which command? (see --help)" >&2
  exit 2
  ;;
esac

# settings for another server must not reach ours, nor the ports of the run that this one is started in
[ -z "${SERVICES_STATE:-}" ] || unset PG_PORT REDIS_PORT
unset PGDATA PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE PGOPTIONS PGSSLMODE PGTARGETSESSIONATTRS

found="$("$HERE/install-services.sh")" || exit 1
PGBIN="$(sed -n 's/^PGBIN=//p' <<<"$found")"
REDIS_SERVER="$(sed -n 's/^REDIS_SERVER=//p' <<<"$found")"
SMTP_SINK="$(sed -n 's/^SMTP_SINK=//p' <<<"$found")"
export PGBIN REDIS_SERVER SMTP_SINK

as=()
[ "$(id -u)" = 0 ] && as=(runuser -u postgres --)

TMP="${TMPDIR:-/tmp}"
# Below the range that outgoing connections draw from, so the port is still free when a test restarts its service.
free_port() {
  local port
  while :; do
    port=$((10000 + (RANDOM << 15 | RANDOM) % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

stop() {
  [ -d "$SERVICES_STATE" ] || return 0
  "$HERE/service.sh" stop-redis
  "$HERE/service.sh" stop-postgres immediate
  rm -rf "$SERVICES_STATE"
}

# A run that was killed outright could not clean up; the next run of the same user does.
sweep() {
  local left owner
  for left in "$TMP"/balance-services.??????; do
    if [ ! -f "$left/owner" ] || [ ! -O "$left/owner" ]; then continue; fi
    owner="$(cat "$left/owner")"
    kill -0 "$owner" 2>/dev/null && continue
    (
      # shellcheck disable=SC1091
      . "$left/environment" && stop
    ) </dev/null >/dev/null 2>&1
  done
}
sweep

SERVICES_STATE="$(mktemp -d "$TMP/balance-services.XXXXXX")" || exit 1
export SERVICES_STATE
export PG_DATA="$SERVICES_STATE/pg" PG_SOCKET_DIR="$SERVICES_STATE"
export PG_PORT="${PG_PORT:-$(free_port)}" REDIS_PORT="${REDIS_PORT:-$(free_port)}"
export PG_OPTIONS="-c listen_addresses=127.0.0.1 -p $PG_PORT -k $PG_SOCKET_DIR -c max_connections=300 -c logging_collector=off"
[ -n "$DURABLE" ] || PG_OPTIONS+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off"

chmod 755 "$SERVICES_STATE"
mkdir "$SERVICES_STATE/redis"
echo "$$" >"$SERVICES_STATE/owner"
for name in SERVICES_STATE PGBIN PG_DATA PG_PORT REDIS_SERVER REDIS_PORT; do
  printf 'export %s=%q\n' "$name" "${!name}"
done >"$SERVICES_STATE/environment"
[ "${#as[@]}" = 0 ] || chown postgres "$SERVICES_STATE" "$SERVICES_STATE/redis"
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

as_service() { (cd "$SERVICES_STATE" && ${as[@]+"${as[@]}"} "$@"); }
sql() { as_service "$PGBIN/psql" -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PG_PORT" -U postgres -q "$@" >/dev/null; }

locale=C
locale -a 2>/dev/null | grep -qixE 'C\.utf-?8' && locale=C.UTF-8
if ! as_service env LC_ALL=C "$PGBIN/initdb" -D "$PG_DATA" -U postgres -A trust -E UTF8 --locale="$locale" --no-sync \
  >"$SERVICES_STATE/initdb.log" 2>&1; then
  cat "$SERVICES_STATE/initdb.log" >&2
  exit 1
fi
"$HERE/service.sh" start-postgres || exit 1
"$HERE/service.sh" start-redis || exit 1

# in template1, so that the databases which tests create have them too; a PostgreSQL without one of them still serves
for extension in vector pg_trgm; do
  sql -d template1 -c "create extension if not exists $extension" 2>/dev/null
done
sql -d postgres \
  -c "create role app login nosuperuser nobypassrls nocreatedb nocreaterole" \
  -c "create role migrator login nosuperuser nobypassrls createdb nocreaterole" \
  -c "create database balance owner migrator" || exit 1

if [ -n "$DURABLE" ]; then
  FSYNC_MEDIAN_MS="$(
    as_service python3 - "$SERVICES_STATE" <<'PYTHON'
import os, statistics, sys, time
path = os.path.join(sys.argv[1], "fsync-probe")
fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
took = []
for _ in range(200):
    os.write(fd, b"x" * 8192)
    start = time.perf_counter()
    os.fsync(fd)
    took.append(time.perf_counter() - start)
os.close(fd)
os.unlink(path)
print(f"{statistics.median(took) * 1000:.3f}")
PYTHON
  )" || { echo "with-services.sh: --durable needs python3 to time the disk: sudo apt-get install python3" >&2; exit 1; }
  export FSYNC_MEDIAN_MS
  kind="$(stat -f -c %T "$SERVICES_STATE" 2>/dev/null || echo unknown)"
  echo "fsync: median $FSYNC_MEDIAN_MS ms of 200 (8 KiB each, $kind, in $TMP)" >&2
  [ "$kind" != tmpfs ] || echo "fsync: $TMP is memory, not a disk; set TMPDIR to a folder on one" >&2
fi

export SUPERUSER_DATABASE_URL="postgres://postgres@127.0.0.1:$PG_PORT/balance"
export MIGRATION_DATABASE_URL="postgres://migrator@127.0.0.1:$PG_PORT/balance"
export DATABASE_URL="postgres://app@127.0.0.1:$PG_PORT/balance"
export REDIS_URL="redis://127.0.0.1:$REDIS_PORT"
"$@"
