#!/usr/bin/env bash
# ./dev package
# Builds what is installed with the preset release and packs them, into
# build/release/package: weir_*.deb (servers and the command line), weir-dev_*.deb (headers, library
# and CMake configuration for authors of jobs) and a .tar.gz with all of it.
source "$WEIR_ROOT/deploy/dev/environment.sh"

case "${1:-}" in
  "") ;;
  -h | --help) print_help "$0"; exit 0 ;;
  *) wrong_usage package "unknown option '$1'" ;;
esac
bash deploy/dev/setup.sh --kafka none
configure_and_build release weir weir-jobmanager weir-taskmanager weir_archive
packages=build/release/package
rm -rf "$packages"
log=build/release/package.log
if ! cpack --config build/release/CPackConfig.cmake -B "$packages" >"$log" 2>&1; then
  cat "$log" >&2
  fail "packing failed."
fi
rm -rf "$packages/_CPack_Packages"
ls -sh "$packages"
