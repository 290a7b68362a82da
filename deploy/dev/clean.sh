#!/usr/bin/env bash
# ./dev clean [--cache]
# Removes the build folders; --cache also the compiler cache and the note where Kafka
# lies (not Kafka itself).
source "$WEIR_ROOT/deploy/dev/environment.sh"

case "${1:-}" in
  "") ;;
  -h | --help) print_help "$0"; exit 0 ;;
  --cache) rm -rf "$CCACHE_DIR" "$WEIR_CACHE"/setup-kafka-* ;;
  *) wrong_usage clean "unknown option '$1'" ;;
esac
rm -rf build
