#!/usr/bin/env bash
# ./dev test [--preset dev|release|asan|tsan] [-L label] [-R regex] [other ctest options]
# Sets up, builds and runs the tests; an empty selection is an error. Labels: tidy unit contract
# sim integration e2e kafka chaos compat fuzz bench examples.
#   ./dev test -L unit                       ./dev test -R Checkpoint
#   ./dev test -LE 'e2e|chaos|bench'         ./dev test --preset tsan -L sim
# WEIR_REQUIRE_KAFKA=1 and WEIR_REQUIRE_ROOT=1 turn skips for want of a broker or of root into
# failures. WEIR_FLIGHTS_FULL names the flights of half a year for the test that wants them all;
# with WEIR_REQUIRE_FLIGHTS=1 it fails without, and does not make do with the committed ones. Whole
# clusters and measurements get the machine for themselves.
source "$WEIR_ROOT/deploy/dev/environment.sh"

preset=dev
ctest_arguments=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --preset) preset="${2:-}"; shift 2 || wrong_usage test "--preset needs a value" ;;
    --preset=*) preset="${1#*=}"; shift ;;
    *) ctest_arguments+=("$1"); shift ;;
  esac
done
require_preset "$preset"
bash deploy/dev/setup.sh --kafka optional
configure_and_build "$preset"
export WEIR_TEST_PYTHON="$WEIR_PYTHON_HOME/bin/python" WEIR_TEST_PROMTOOL="$WEIR_PROMTOOL"
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
  --parallel "$WEIR_JOBS" "${ctest_arguments[@]}"
