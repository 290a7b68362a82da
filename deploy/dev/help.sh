#!/usr/bin/env bash
# ./dev help
# Lists the verbs.
source "$WEIR_ROOT/deploy/dev/environment.sh"
if wants_help "$@"; then
  print_help "$0"
  exit 0
fi
cat <<'TEXT'
./dev VERB [options]      ('./dev VERB --help' says more)

  setup    install what is missing: Debian packages, and Kafka for the tests
  build    compile                          ./dev build [--preset dev] [targets]
  test     setup, build and run tests       ./dev test [--preset dev] [-L label] [-R regex]
  demo     build and run the demo           ./dev demo
  bench    benchmarks                       ./dev bench list
  chaos    kills and hangs, repeated        ./dev chaos [-n times] | --steps [--rounds N]
  fuzz     every fuzz target for a while    ./dev fuzz [--seconds 60]
  package  .deb and .tar.gz                 ./dev package
  k8s-test the Kubernetes chart, its image, and pods that are killed
  lint     clang-tidy on changed files, tidy tests, shellcheck
  format   clang-format of the tree
  clean    remove the build folders

Presets: dev (daily), release (-O3), asan (clang, ASan+UBSan, fuzz), tsan.
WEIR_JOBS sets the number of parallel jobs (default: all processors).
TEXT
