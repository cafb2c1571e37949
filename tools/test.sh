#!/usr/bin/env bash
# Runs the whole test suite, on both worlds, from one build:
#   embedded     SQLite and the in-process bus
#   production   PostgreSQL, as the application role, and Redis (fetched into .services/ when the machine has none)
# and then the checks of the JavaScript clients, where Node and Chromium are present, and requests made up by
# schemathesis, where Python is.
#
#   tools/test.sh                       everything
#   tools/test.sh --embedded            without PostgreSQL and Redis
#   tools/test.sh approvals feed_       only tests whose name contains one of these
#   tools/test.sh --production          only the second world
#
# Runs cargo nextest where it is installed, else cargo test; TEST_RUNNER=cargo-test or nextest decides.
# BALANCE_DATA names the folder with real statement files; without it the tests over them say that they were skipped.
set -uo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT" || exit 1

worlds=(embedded production)
filters=()
for argument in "$@"; do
  case "$argument" in
  --embedded) worlds=(embedded) ;;
  --production) worlds=(production) ;;
  --help | -h)
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  -*)
    echo "test.sh: no option $argument (see --help)" >&2
    exit 2
    ;;
  *) filters+=("$argument") ;;
  esac
done

command -v cargo >/dev/null || {
  echo "test.sh: no cargo on PATH; install Rust from https://rustup.rs" >&2
  exit 1
}
runner="${TEST_RUNNER:-}"
if [ -z "$runner" ]; then
  if cargo nextest --version >/dev/null 2>&1; then runner=nextest; else runner=cargo-test; fi
fi

# The same targets and profile for both runners and both worlds, so that there is one build.
if [ "$runner" = nextest ]; then
  build=(cargo nextest run --workspace --tests --no-run)
  run=(cargo nextest run --cargo-quiet --workspace --tests --no-fail-fast ${filters[@]+"${filters[@]}"})
else
  build=(cargo test --workspace --tests --no-run)
  run=(cargo test --workspace --tests --no-fail-fast -- ${filters[@]+"${filters[@]}"})
fi

started=$SECONDS
summary=()
failed=0
logs="${CARGO_TARGET_DIR:-$ROOT/target}/test-logs"
mkdir -p "$logs"
rm -f "$logs"/*.log

# subscriptions hold many sockets open; some systems allow 256 files
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

# What the environment holds for a real deployment must not leak into the embedded world.
embedded_only=(env -u DATABASE_URL -u MIGRATION_DATABASE_URL -u SUPERUSER_DATABASE_URL -u REDIS_URL)

# The figure a person looks for: nextest's summary line, or cargo test's results added up.
closing_line() {
  if grep -qE '^ *Summary \[' "$1"; then
    grep -E '^ *Summary \[' "$1" | tail -n 1 | sed 's/^ *Summary *//'
  elif grep -q '^test result:' "$1"; then
    awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
      END { printf "%d passed, %d failed, %d ignored\n", passed, failed, ignored }' "$1"
  else
    echo "no test ran"
  fi
}

# Their names once more, since the closing lines are what a person reads.
failed_tests() {
  {
    sed -nE '/^ *Summary \[/,$ s/^ *((FAIL|TIMEOUT|SIG[A-Z]*|ABORT)[^[]*)\[[^]]*\] *(\([^)]*\) *)?/\1 /p' "$1"
    sed -nE 's/^test (.*) \.\.\. FAILED$/FAIL \1/p' "$1"
  } | sort -u | head -n 40
}

# run_world NAME COMMAND…: shows the runner's output, keeps it, notes how it ended.
run_world() {
  local world="$1" since=$SECONDS status
  shift
  echo
  echo "==> tests: $world"
  BALANCE_TEST_WORLD="$world" "$@" 2>&1 | tee "$logs/$world.log"
  status=${PIPESTATUS[0]}
  [ "$status" = 0 ] || failed=1
  summary+=("$(printf '%-10s %s  %s (%d s)' "$world" "$([ "$status" = 0 ] && echo ok || echo "FAILED ($status)")" \
    "$(closing_line "$logs/$world.log")" $((SECONDS - since)))")
  [ "$status" = 0 ] || while IFS= read -r name; do summary+=("           $name"); done < <(failed_tests "$logs/$world.log")
}

# before the build, so that a missing service is known at once
if [[ " ${worlds[*]} " == *" production "* ]]; then
  services="$(tools/install-services.sh)" || exit 1
  SMTP_SINK="$(sed -n 's/^SMTP_SINK=//p' <<<"$services")"
  export SMTP_SINK
fi

echo "==> build"
"${build[@]}" || exit
summary+=("$(printf '%-10s ok  one build for every world (%d s)' build $((SECONDS - started)))")

for world in "${worlds[@]}"; do
  case "$world" in
  embedded) run_world embedded "${embedded_only[@]}" "${run[@]}" ;;
  production) run_world production tools/with-services.sh "${run[@]}" ;;
  esac
done

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
node_major() { node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/'; }

if [ -x tools/test-clients.sh ] && [ "${#filters[@]}" = 0 ]; then
  if [ "$(node_major || true)" -ge 20 ] 2>/dev/null && CHROMIUM="$(find_chromium)"; then
    since=$SECONDS
    echo
    echo "==> tests: clients"
    CHROMIUM="$CHROMIUM" "${embedded_only[@]}" tools/test-clients.sh 2>&1 | tee "$logs/clients.log"
    status=${PIPESTATUS[0]}
    [ "$status" = 0 ] || failed=1
    summary+=("$(printf '%-10s %s  %s (%d s)' clients "$([ "$status" = 0 ] && echo ok || echo "FAILED ($status)")" \
      "$(tail -n 1 "$logs/clients.log")" $((SECONDS - since)))")
  else
    summary+=("clients    skipped: they need Node 20 or newer and Chromium on PATH")
  fi
fi
if [ -x tools/fuzz.sh ] && [ "${#filters[@]}" = 0 ]; then
  since=$SECONDS
  echo
  echo "==> tests: fuzz"
  "${embedded_only[@]}" tools/fuzz.sh 2>&1 | tee "$logs/fuzz.log"
  status=${PIPESTATUS[0]}
  [ "$status" = 0 ] || failed=1
  summary+=("$(printf '%-10s %s  %s (%d s)' fuzz "$([ "$status" = 0 ] && echo ok || echo "FAILED ($status)")" \
    "$(tail -n 1 "$logs/fuzz.log")" $((SECONDS - since)))")
fi
if [ -z "${SMTP_SINK:-}" ]; then
  summary+=("mail       skipped: a real mail server needs Python with pip")
fi
if [ -z "${BALANCE_DATA:-}" ]; then
  summary+=("real data  skipped: set BALANCE_DATA to a folder with statement files")
fi

{
  echo
  echo "==> summary ($runner)"
  printf '%s\n' "${summary[@]}"
  if [ "$failed" = 0 ]; then
    echo "all tests passed in $((SECONDS - started)) s"
  else
    echo "TESTS FAILED after $((SECONDS - started)) s"
  fi
} | tee "$logs/summary.log"
exit "$failed"
