#!/usr/bin/env bash
# Measures balance beside Mercurius 16, Apollo Server 5 and graphql-ws, on the same PostgreSQL data and in the same minutes.
#   benches/peers/run.sh            builds a release binary, or takes BALANCE_BIN
#   benches/peers/run.sh soak       a million requests of a mix, with the memory of the server on the way
#
# Starts PostgreSQL (fsync on) and Redis of its own by tools/with-services.sh, and installs what package-lock.json names.
# PEERS_ROUNDS (5), PEERS_REQUESTS (2000), PEERS_SOCKETS (1000), PEERS_EVENTS (20), SOAK_REQUESTS (1000000). Needs Node 20.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../.." && pwd)"
if [ -z "${SERVICES_STATE:-}" ]; then
  if [ -z "${BALANCE_BIN:-}" ]; then
    (cd "$ROOT" && cargo build --release --locked)
    BALANCE_BIN="${CARGO_TARGET_DIR:-$ROOT/target}/release/balance"
  fi
  BALANCE_BIN="$(realpath "$BALANCE_BIN")"
  export BALANCE_BIN
  (cd "$HERE" && npm ci --no-audit --no-fund --loglevel=error)
  exec "$ROOT/tools/with-services.sh" --durable "$0" "$@"
fi
# a socket is an open file, on both ends
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
cd "$HERE"
exec node "${1:-run}.mjs"
