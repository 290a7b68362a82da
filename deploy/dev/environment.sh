# shellcheck shell=bash
# Sourced by every verb: where things are, the compiler cache, and configure-and-build.
set -euo pipefail
: "${WEIR_ROOT:?is set by ./dev}"
cd "$WEIR_ROOT"
WEIR_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/weir"
# Not exported: to a process of Weir its name would be an option.
# shellcheck disable=SC2034
WEIR_PYTHON_HOME="$WEIR_CACHE/python-client"
# shellcheck disable=SC2034
WEIR_PROMTOOL="$WEIR_CACHE/promtool"
WEIR_JOBS="${WEIR_JOBS:-$(nproc)}"
# The cache serves every checkout of the same sources: paths are taken relative to the checkout.
export CCACHE_DIR="${CCACHE_DIR:-$WEIR_CACHE/ccache}"
export CCACHE_BASEDIR="$WEIR_ROOT"
export CCACHE_NOHASHDIR=1
export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-15G}"

# One sentence, to stderr, and out.
fail() {
  echo "./dev: $*" >&2
  exit "${WEIR_EXIT_CODE:-1}"
}

# wrong_usage VERB MESSAGE
wrong_usage() {
  WEIR_EXIT_CODE=2 fail "$1: $2; see './dev $1 --help'."
}

# The comment block at the head of a verb's file is its help.
print_help() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"
}

wants_help() {
  [[ "${1:-}" == "--help" || "${1:-}" == "-h" ]]
}

require_preset() {
  case "$1" in
    dev | release | asan | tsan) ;;
    *) WEIR_EXIT_CODE=2 fail "there is no preset '$1'; there are dev, release, asan and tsan." ;;
  esac
}

# configure_and_build PRESET [TARGET...]
configure_and_build() {
  local preset="$1"
  shift
  local log="$WEIR_ROOT/build/$preset/configure.log"
  mkdir -p "$(dirname "$log")"
  # Always configured: it takes a second, and folders that came with a pull are seen.
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log" >&2
    fail "configuring the preset '$preset' failed."
  fi
  cmake --build "build/$preset" --parallel "$WEIR_JOBS" ${1:+--target "$@"} ||
    fail "building the preset '$preset' failed."
}
