#!/usr/bin/env bash
# Drives a running balance with the clients people really use:
#   examples       GraphiQL's saved examples fit the served schema, and each of their operations runs
#   graphql-http   the audits of the GraphQL-over-HTTP specification: 0 errors, 0 warnings
#   graphql-ws     the official WebSocket client: events, and resuming without loss
#   graphql-sse    the official client of event streams: the same, and what is refused
#   apollo-multipart  Apollo Client 4 over HTTP alone: subscriptions as multipart answers
#   relay-compiler, graphql-eslint
#                  judges of the schema: what Relay needs, and the rules for schemas and operations
#   codegen        graphql-codegen over the whole schema and the examples, compiled strictly
#   snippets       the code of docs/clients.md: fetch, Apollo Client, urql and Relay, through a cut of the socket
#   oidc           a real OpenID Connect provider: signing in, linking, tokens that are kept, and what is refused
#   graphiql       the page in Chromium: its own origin, its policy, query, subscription, sign-in
#   spa            examples/spa, built: signing in, approving, a live list that survives a cut
#   queues         the page /admin/queues in Chromium: figures, dead jobs, signing in, keyboard, its own origin
#   passkeys       a virtual authenticator in Chromium: adding a passkey, and signing in with it
#
#   tools/test-clients.sh               against target/debug/balance, which must be built
#   BALANCE_BIN=PATH  another binary    CHROMIUM=PATH  another browser    SCREENSHOT=FILE  a picture of GraphiQL
#
# It starts the binary with a demo company in a folder of its own. Needs Node 20 or newer; without it everything is
# skipped, without Chromium the last four parts. The last line says how it went.
set -uo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
binary="$(realpath "${BALANCE_BIN:-${CARGO_TARGET_DIR:-$ROOT/target}/debug/balance}" 2>/dev/null)"

node_major="$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/')"
if ! [ "${node_major:-0}" -ge 20 ] 2>/dev/null; then
  echo "skipped: Node 20 or newer is not on PATH"
  exit 0
fi
if [ ! -x "$binary" ]; then
  echo "no binary at ${BALANCE_BIN:-target/debug/balance}: run cargo build, or set BALANCE_BIN"
  exit 1
fi
CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}"

home="$(mktemp -d)"
touch "$home/log"
server=
cleanup() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
  rm -rf "$home"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# What the environment holds for a real deployment must not leak in.
(
  cd "$home" || exit
  exec env -u DATABASE_URL -u MIGRATION_DATABASE_URL -u SUPERUSER_DATABASE_URL -u REDIS_URL -u OPENAI_API_KEY \
    -u PUBLIC_URL -u PASSKEY_DOMAIN -u OIDC_PROVIDERS -u GRAPHIQL -u SEED_DEMO NO_COLOR=1 "$binary" --env development --host 127.0.0.1 --port 0 --data-dir data
) >>"$home/log" 2>&1 &
server=$!

# It takes a free port and says which.
address=
for _ in $(seq 300); do
  address="$(sed -nE 's,.* listens on (http://[0-9.:]+).*,\1,p' "$home/log" | head -n 1)"
  [ -z "$address" ] || break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
if [ -z "$address" ]; then
  cat "$home/log"
  echo "balance did not start"
  exit 1
fi
export BASE_URL="$address" CHROMIUM BALANCE_BIN="$binary"

cd "$ROOT/tests/clients" || exit 1
if ! npm ci --no-audit --no-fund >"$home/npm" 2>&1; then
  cat "$home/npm"
  echo "npm ci failed in tests/clients"
  exit 1
fi

passed=0
failed=0
# part NAME: runs the checks of one file and counts them.
part() {
  echo "--> $1"
  timeout 180 node --test-reporter=spec "$1.mjs" 2>&1 | tee "$home/part"
  local status=${PIPESTATUS[0]}
  local pass fail
  pass="$(sed -nE 's/^ℹ pass ([0-9]+)$/\1/p' "$home/part")"
  fail="$(sed -nE 's/^ℹ fail ([0-9]+)$/\1/p' "$home/part")"
  # a part that ends badly without naming a failure, or with no check run, has failed as well
  { [ "$status" = 0 ] && [ "${pass:-0}" -gt 0 ]; } || [ "${fail:-0}" -gt 0 ] || fail=1
  passed=$((passed + ${pass:-0}))
  failed=$((failed + ${fail:-0}))
}

part examples
part graphql-http
part graphql-ws
part graphql-sse
part apollo-multipart
part relay-compiler
part graphql-eslint
part codegen
part snippets
part oidc
note=
if [ -x "$CHROMIUM" ]; then
  part graphiql
  part spa
  part passkeys
  part queues
else
  note="; GraphiQL, the example, passkeys and the page of the queues skipped: Chromium is not on PATH"
fi

[ "$failed" = 0 ] || { echo "--> the server's log" && tail -n 40 "$home/log"; }
echo "$passed passed, $failed failed$note"
[ "$failed" = 0 ]
