#!/usr/bin/env bash
# ./dev bench list | NAME [options of tests/bench/bench.py]
# Builds the programs with the preset release and runs a benchmark by name; 'list' names them.
source "$WEIR_ROOT/deploy/dev/environment.sh"

if wants_help "$@"; then
  print_help "$0"
  exit 0
fi
if [[ $# -eq 0 ]]; then wrong_usage bench "name a benchmark, or 'list'"; fi
if [[ "$1" != list ]]; then
  bash deploy/dev/setup.sh --kafka optional
  configure_and_build release weir_binaries
fi
export WEIR_SOURCE_DIR="$WEIR_ROOT" WEIR_BINARY_DIR="$WEIR_ROOT/build/release"
exec python3 tests/bench/bench.py "$@"
