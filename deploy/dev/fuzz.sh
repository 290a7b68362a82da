#!/usr/bin/env bash
# ./dev fuzz [--seconds N] [TARGET...]
# Builds the fuzz targets (preset asan) and runs each, or those named, for N seconds (default 60).
# What they find is kept in build/asan/fuzz: the grown corpora, and <target>-crash-... inputs;
# 'build/asan/fuzz/<target> <input>' replays one.
source "$WEIR_ROOT/deploy/dev/environment.sh"

seconds=60
wanted=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --seconds) seconds="${2:-}"; shift 2 || wrong_usage fuzz "--seconds needs a number" ;;
    -*) wrong_usage fuzz "unknown option '$1'" ;;
    *) wanted+=("$1"); shift ;;
  esac
done
if [[ ! "$seconds" =~ ^[1-9][0-9]*$ ]]; then
  wrong_usage fuzz "--seconds is a number from 1, not '$seconds'"
fi
bash deploy/dev/setup.sh --kafka none
configure_and_build asan weir_fuzzers
# Written by weir_fuzz_test: "<target> <corpus folder>..." a line.
list=build/asan/fuzz/targets.txt
[[ -s "$list" ]] || fail "the tree has no fuzz targets."
for target in "${wanted[@]}"; do
  grep -q "^$target " "$list" || fail "there is no fuzz target '$target'; see $list."
done
while read -r target corpora; do
  if [[ ${#wanted[@]} -gt 0 && " ${wanted[*]} " != *" $target "* ]]; then continue; fi
  echo "fuzz: $target for $seconds s"
  # shellcheck disable=SC2086  # a list of folders
  "build/asan/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/asan/fuzz/$target-" $corpora </dev/null ||
    fail "fuzz target '$target' failed; the input is build/asan/fuzz/$target-*."
done <"$list"
