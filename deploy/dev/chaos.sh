#!/usr/bin/env bash
# ./dev chaos [-n TIMES] [other ctest options]
# ./dev chaos --steps [--rounds N] [--minutes M] [--seed S] [--stable-seconds T]
# Kills, hangs and restarts real processes under a running stream on real Kafka: the tests of
# tests/e2e/recovery_test.cc and their like, TIMES times (default 3) or until one fails.
# './dev chaos -R WorkerKilled -n 20' repeats one.
# --steps: the step campaign. A process stops at a named step of docs/protocols/transactions.md,
# and the worker, its TaskManager, the leading JobManager or the broker is killed there: every step
# with every victim, in random order, N rounds (default 1000, about 90 minutes) or M minutes. It
# prints how often each was hit; a lost, repeated or misplaced record, a transaction that stays
# open or a last stable offset that does not move within T seconds of the restore (default 5) ends
# in exit code 1, and the folders are kept.
source "$WEIR_ROOT/deploy/dev/environment.sh"

times=3
ctest_arguments=()
chosen=
steps=
step_arguments=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --steps) steps=1; shift ;;
    --rounds | --minutes | --seed | --stable-seconds)
      if [[ ! "${2:-}" =~ ^[0-9]+$ ]]; then wrong_usage chaos "$1 needs a number"; fi
      step_arguments+=("$1=$2")
      shift 2
      ;;
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
if [[ -n "$steps" ]]; then
  if [[ ${#ctest_arguments[@]} -gt 0 ]]; then
    wrong_usage chaos "--steps does not take '${ctest_arguments[0]}'"
  fi
  bash deploy/dev/setup.sh --kafka required
  configure_and_build dev step_chaos
  export WEIR_SOURCE_DIR="$WEIR_ROOT" WEIR_BINARY_DIR="$WEIR_ROOT/build/dev"
  exec build/dev/bin/step_chaos "${step_arguments[@]}"
fi
if [[ ${#step_arguments[@]} -gt 0 ]]; then
  wrong_usage chaos "${step_arguments[0]%%=*} goes with --steps"
fi
if [[ -z "$chosen" ]]; then
  ctest_arguments+=(-L e2e -R 'RecoveryTest|Hangs|Killed')
fi
exec bash deploy/dev/test.sh --repeat "until-fail:$times" "${ctest_arguments[@]}"
