#!/usr/bin/env bash
# ./dev chaos [-n TIMES] [other ctest options]
# Kills, hangs and restarts real processes under a running stream on real Kafka: the tests of
# tests/e2e/recovery_test.cc and their like, TIMES times (default 3) or until one fails.
# './dev chaos -R WorkerKilled -n 20' repeats one.
source "$WEIR_ROOT/deploy/dev/environment.sh"

times=3
ctest_arguments=()
chosen=
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    -n) times="${2:-}"; shift 2 || wrong_usage chaos "-n needs a number" ;;
    -R | -L)
      chosen=1
      ctest_arguments+=("$1" "${2:-}")
      shift 2 || wrong_usage chaos "$1 needs a value"
      ;;
    *) ctest_arguments+=("$1"); shift ;;
  esac
done
if [[ ! "$times" =~ ^[1-9][0-9]*$ ]]; then
  wrong_usage chaos "-n is a number from 1, not '$times'"
fi
if [[ -z "$chosen" ]]; then
  ctest_arguments+=(-L e2e -R 'RecoveryTest|Hangs|Killed')
fi
exec bash deploy/dev/test.sh --repeat "until-fail:$times" "${ctest_arguments[@]}"
