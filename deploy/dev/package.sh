#!/usr/bin/env bash
# ./dev package [--preset release|dev]
# Builds what is installed, with the preset release unless told otherwise, and packs it, into
# build/PRESET/package: weir_*.deb (servers and the command line), weir-dev_*.deb (headers, library
# and CMake configuration for authors of jobs) and a .tar.gz with all of it.
source "$WEIR_ROOT/deploy/dev/environment.sh"

preset=release
case "${1:-}" in
  "") ;;
  --preset) preset="${2:-}" ;;
  --preset=*) preset="${1#*=}" ;;
  -h | --help) print_help "$0"; exit 0 ;;
  *) wrong_usage package "unknown option '$1'" ;;
esac
[[ "$preset" == release || "$preset" == dev ]] || wrong_usage package "no packages of '$preset'"
bash deploy/dev/setup.sh --kafka none
configure_and_build "$preset" weir weir-jobmanager weir-taskmanager weir_archive \
  weir_testing_archive
packages=build/$preset/package
rm -rf "$packages"
log=build/$preset/package.log
if ! cpack --config "build/$preset/CPackConfig.cmake" -B "$packages" >"$log" 2>&1; then
  cat "$log" >&2
  fail "packing failed."
fi
rm -rf "$packages/_CPack_Packages"
ls -sh "$packages"
