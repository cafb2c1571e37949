#!/bin/sh
# What rules cost in balance and in json-rules-engine, on the same rules and records. Needs cargo, node and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BENCH_RULES_FILE=$(mktemp)
export BENCH_RULES_FILE
trap 'rm -f "$BENCH_RULES_FILE"' EXIT
cd "$here"
[ -d node_modules ] || npm ci --silent
(cd "$here/../../.." && cargo bench --bench figures -- rules)
node run.mjs
