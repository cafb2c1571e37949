#!/usr/bin/env bash
# Lets schemathesis make up requests, to GraphQL and to every route of openapi.json, against a running balance:
# no answer may be a failure of the server or tell how it is made, and each answers with what the document says.
#
#   tools/fuzz.sh                       about two minutes, the same requests each time
#   tools/fuzz.sh --seconds 1800        longer, for each of the two
#   tools/fuzz.sh --seed 7              other requests
#   BALANCE_BIN=PATH  another binary    SCHEMATHESIS_DIR=DIR  where schemathesis is, or is put (.services/schemathesis)
#
# It starts the binary with a demo company in a folder of its own, and signs in as its owner. Needs Python 3.10 or newer
# with pip; without it everything is skipped. The last line says how it went.
set -uo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VERSION=4.32.5
seconds=60
seed=42
while [ $# -gt 0 ]; do
  case "$1" in
  --seconds) seconds="$2" && shift 2 ;;
  --seed) seed="$2" && shift 2 ;;
  *)
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    [ "$1" = --help ] && exit 0 || exit 2
    ;;
  esac
done

binary="$(realpath "${BALANCE_BIN:-${CARGO_TARGET_DIR:-$ROOT/target}/debug/balance}" 2>/dev/null)"
if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "skipped: Python 3.10 or newer with venv and pip is not on PATH"
  exit 0
fi
if [ ! -x "$binary" ]; then
  echo "no binary at ${BALANCE_BIN:-target/debug/balance}: run cargo build, or set BALANCE_BIN"
  exit 1
fi

tool="${SCHEMATHESIS_DIR:-${SERVICES_DIR:-$ROOT/.services}/schemathesis}"
if [ "$("$tool/bin/st" --version 2>/dev/null)" != "schemathesis, version $VERSION" ]; then
  echo "installing schemathesis $VERSION" >&2
  if ! { python3 -m venv "$tool" && "$tool/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"; } >&2; then
    echo "skipped: schemathesis $VERSION cannot be installed"
    exit 0
  fi
fi

home="$(mktemp -d)"
server=
cleanup() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
  rm -rf "$home"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# What the environment holds for a real deployment must not leak in.
touch "$home/log"
(
  cd "$home" || exit
  exec env -u DATABASE_URL -u MIGRATION_DATABASE_URL -u SUPERUSER_DATABASE_URL -u REDIS_URL -u OPENAI_API_KEY \
    -u PUBLIC_URL -u PASSKEY_DOMAIN -u OIDC_PROVIDERS -u GRAPHIQL -u SEED_DEMO -u MAIL_URL NO_COLOR=1 \
    ACCESS_TOKEN_MINUTES=600 "$binary" --env development --host 127.0.0.1 --port 0 --data-dir data
) >>"$home/log" 2>&1 &
server=$!
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
sign_in() {
  token="$(curl -fsS "$address/graphiql/session" | python3 -c 'import json, sys; print(json.load(sys.stdin)["accessToken"])')"
}

export PYTHONPATH="$ROOT/tests/fuzz" PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=hooks
failed=()
# fuzz NAME ARGUMENT…: one run; everything else is the same.
fuzz() {
  local name="$1"
  shift
  echo "--> $name"
  sign_in || { failed+=("$name: no sign-in") && return; }
  (cd "$home" && timeout $((seconds * 2 + 120)) "$tool/bin/st" run "$@" -H "Authorization: Bearer $token" \
    --seed "$seed" --max-time "$seconds" --workers 1 --continue-on-failure --request-timeout 20 --warnings off) 2>&1 |
    tee "$home/$name.log" | grep -vE '^ *$'
  [ "${PIPESTATUS[0]}" = 0 ] || failed+=("$name")
}

# Whoever signs themself out, or puts their company on hold, learns nothing more.
ending='^Mutation\.(signOut|signOutEverywhere|revokeSession|suspendTenant|requestTenantDeletion|deleteMyAccount|leaveTenant|transferOwnership|changePassword|removeMember|changeMemberRole)$'
fuzz graphql "$address/graphql" --checks nothing_breaks_and_nothing_leaks --exclude-name-regex "$ending"
fuzz openapi "$address/api/v1/openapi.json" --phases examples,coverage,fuzzing \
  --checks nothing_breaks_and_nothing_leaks,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance

# what the server says of itself after all this
if ! curl -fsS "$address/health/ready" >/dev/null; then failed+=("the server is not ready any more"); fi
if grep -qE 'panicked|ERROR' "$home/log"; then
  grep -E 'panicked|ERROR' "$home/log" | head -n 20
  failed+=("the server's log holds errors")
fi
made="$(sed -nE 's/^ *([0-9]+) generated.*/\1/p' "$home"/*.log | paste -sd+ | sed 's/$/+0/' | bc 2>/dev/null)"
[ "${#failed[@]}" = 0 ] && echo "${made:-many} requests, nothing broke" && exit 0
printf 'FAILED: %s\n' "${failed[*]}"
exit 1
