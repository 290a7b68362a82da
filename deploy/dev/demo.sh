#!/usr/bin/env bash
# ./dev demo [options of examples/demo/demo.py]
# Sets up, builds the programs (preset dev) and runs the demo; './dev demo -- --help' shows the
# demo's own options.
source "$WEIR_ROOT/deploy/dev/environment.sh"

if wants_help "$@"; then
  print_help "$0"
  exit 0
fi
if [[ "${1:-}" == "--" ]]; then shift; fi
bash deploy/dev/setup.sh --kafka optional
configure_and_build dev weir_binaries
export WEIR_SOURCE_DIR="$WEIR_ROOT" WEIR_BINARY_DIR="$WEIR_ROOT/build/dev"
exec python3 examples/demo/demo.py "$@"
