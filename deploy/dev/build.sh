#!/usr/bin/env bash
# ./dev build [--preset dev|release|asan|tsan] [TARGET...]
# Configures and compiles into build/<preset>; without targets, everything. Programs lie in
# build/<preset>/bin. The target weir_binaries is all programs without the tests.
source "$WEIR_ROOT/deploy/dev/environment.sh"

preset=dev
targets=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --preset) preset="${2:-}"; shift 2 || wrong_usage build "--preset needs a value" ;;
    --preset=*) preset="${1#*=}"; shift ;;
    -*) wrong_usage build "unknown option '$1'" ;;
    *) targets+=("$1"); shift ;;
  esac
done
require_preset "$preset"
bash deploy/dev/setup.sh --kafka none
configure_and_build "$preset" "${targets[@]}"
