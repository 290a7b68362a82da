#!/usr/bin/env bash
# ./dev chaos [-n TIMES] [other ctest options]
# Runs the tests labelled chaos (real processes, real faults) TIMES times (default 1) or until
# one fails. './dev chaos -R Kill -n 20' repeats one.
source "$WEIR_ROOT/deploy/dev/environment.sh"

times=1
ctest_arguments=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    -n) times="${2:-}"; shift 2 || wrong_usage chaos "-n needs a number" ;;
    *) ctest_arguments+=("$1"); shift ;;
  esac
done
if [[ ! "$times" =~ ^[1-9][0-9]*$ ]]; then
  wrong_usage chaos "-n is a number from 1, not '$times'"
fi
exec bash deploy/dev/test.sh -L chaos --repeat "until-fail:$times" "${ctest_arguments[@]}"
