#!/usr/bin/env bash
# ./dev setup [--kafka required|optional|none] [--packages FILE]
# Installs what is missing, and nothing else; a second run takes less than a second.
#   1. the Debian packages of deploy/apt-packages.txt (as root or by sudo; a java, mvn, git or
#      python3 that is on PATH already will do),
#   2. Apache Kafka for the tests and the demo, by tests/support/kafka/fetch_kafka.sh,
#   3. a Python environment with what examples/python_client needs, from PyPI,
#   4. promtool, which the tests of metrics ask, out of Debian's package prometheus (whose server
#      nobody needs here).
# --packages: besides, those of another file.
# --kafka optional: go on without 2 to 4 when they cannot be fetched (tests that need them skip);
# --kafka none: do not look. Where Kafka lies is kept in ${XDG_CACHE_HOME:-~/.cache}/weir.
source "$WEIR_ROOT/deploy/dev/environment.sh"

kafka=required
lists=(deploy/apt-packages.txt)
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --packages) lists+=("${2:-}"); shift 2 || wrong_usage setup "--packages needs a file" ;;
    --kafka) kafka="${2:-}"; shift 2 || wrong_usage setup "--kafka needs a value" ;;
    *) wrong_usage setup "unknown option '$1'" ;;
  esac
done
case "$kafka" in
  required | optional | none) ;;
  *) wrong_usage setup "--kafka is required, optional or none, not '$kafka'" ;;
esac
if [[ "$kafka" == optional && "${WEIR_REQUIRE_KAFKA:-}" == 1 ]]; then kafka=required; fi

# Is the package's program there from elsewhere?
provided_otherwise() {
  case "$1" in
    maven) command -v mvn ;;
    default-jre-headless) command -v java ;;
    python3 | git) command -v "$1" ;;
    python3-venv) python3 -c 'import ensurepip, venv' ;;
    *) false ;;
  esac >/dev/null
}

missing_packages() {
  local wanted installed package
  mapfile -t wanted < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "${lists[@]}")
  # dpkg-query exits non-zero when it does not know one of them: that is the question, no error.
  installed=" $({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" || true; } \
    2>/dev/null | sed -n 's/^installed //p' | tr '\n' ' ') "
  for package in "${wanted[@]}"; do
    [[ "$installed" == *" $package "* ]] || provided_otherwise "$package" || echo "$package"
  done
}

install_packages() {
  local as_root=()
  if [[ "$(id -u)" != 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      fail "these packages are missing and this is not root: $*; run 'sudo apt-get install $*'."
    fi
    as_root=(sudo -n)
  fi
  local options=(-y -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
  echo "setup: installing $*"
  # A failed update alone does not matter when the lists at hand are good enough.
  "${as_root[@]}" apt-get update "${options[@]}" >/dev/null ||
    echo "setup: 'apt-get update' failed; trying with the package lists at hand" >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install "${options[@]}" --no-install-recommends "$@" >/dev/null ||
    fail "apt-get could not install: $*; is the Debian mirror of this machine reachable?"
}

fetch_kafka() {
  local folder=tests/support/kafka stamp libs
  stamp="$WEIR_CACHE/setup-kafka-$(cat "$folder"/*.sh "$folder"/pom.xml | cksum | tr ' ' '-')"
  if [[ -s "$stamp" && -d "$(cat "$stamp")" ]]; then return 0; fi
  mkdir -p "$WEIR_CACHE"
  echo "setup: fetching Apache Kafka for the tests"
  libs="$(bash "$folder/fetch_kafka.sh" | tail -n 1)" || return 1
  [[ -d "$libs" ]] || return 1
  echo "$libs" >"$stamp"
}

make_python_client() {
  local requirements=examples/python_client/requirements.txt
  if cmp -s "$requirements" "$WEIR_PYTHON_HOME/requirements.txt"; then return 0; fi
  echo "setup: fetching what the Python client needs"
  rm -rf "$WEIR_PYTHON_HOME"
  python3 -m venv "$WEIR_PYTHON_HOME" || return 1
  "$WEIR_PYTHON_HOME/bin/python" -m pip install -q --disable-pip-version-check -r "$requirements" ||
    return 1
  cp "$requirements" "$WEIR_PYTHON_HOME/requirements.txt"
}

fetch_promtool() {
  local folder
  if [[ -x "$WEIR_PROMTOOL" ]]; then return 0; fi
  echo "setup: fetching promtool"
  folder="$(mktemp -d)"
  # A machine that has all packages may have no package lists.
  if ! apt-cache show prometheus >/dev/null 2>&1 && [[ "$(id -u)" == 0 ]]; then
    apt-get update -q >/dev/null 2>&1 || true
  fi
  (cd "$folder" && apt-get download prometheus >/dev/null 2>&1 &&
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool &&
    mkdir -p "$WEIR_CACHE" && mv usr/bin/promtool "$WEIR_PROMTOOL") || return 1
  rm -rf "$folder"
}

packages="$(missing_packages)" || fail "dpkg could not say which packages are installed."
mapfile -t missing <<<"$packages"
if [[ -n "$packages" ]]; then install_packages "${missing[@]}"; fi
if [[ "$kafka" != none ]] && ! fetch_kafka; then
  if [[ "$kafka" == required ]]; then fail "Kafka could not be fetched (see above)."; fi
  echo "setup: Kafka could not be fetched; the tests that need a broker will be skipped" >&2
fi
if [[ "$kafka" != none ]] && ! make_python_client; then
  if [[ "${WEIR_REQUIRE_PYTHON:-}" == 1 ]]; then
    fail "grpcio could not be fetched from PyPI (see above)."
  fi
  echo "setup: grpcio could not be fetched; the tests of the Python client will be skipped" >&2
fi
if [[ "$kafka" != none ]] && ! fetch_promtool; then
  if [[ "${WEIR_REQUIRE_PROMTOOL:-}" == 1 ]]; then
    fail "the Debian package prometheus, which has promtool, could not be fetched."
  fi
  echo "setup: promtool could not be fetched; metrics are tested without it" >&2
fi
