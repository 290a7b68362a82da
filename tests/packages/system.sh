#!/usr/bin/env bash
# system.sh SCRIPT [ARGUMENT...]
# Runs a script as root in a system that is this one, but for what Weir has here: no checkout, no
# build folder, no home. It has a network of its own with a Kafka broker on localhost:9092, Kafka's
# scripts on the PATH, the packages that were made of the build folder in /packages, and the page
# docs/getting-started.md there, too. Whatever the script does to the system is gone afterwards.
# Exit code 77 without root.
set -euo pipefail

: "${WEIR_SOURCE_DIR:?}" "${WEIR_BINARY_DIR:?}"
kafka="$WEIR_SOURCE_DIR/tests/support/kafka"

if ((EUID != 0)); then
  echo "this test makes file systems and networks of its own, which needs root" >&2
  [[ "${WEIR_REQUIRE_ROOT:-}" == 1 ]] && exit 1
  exit 77
fi
# shellcheck source=/dev/null
source "$kafka/kafka_env.sh"
: "${kafka_home:?}"
if ! kafka_is_fetched; then
  echo "this test needs Apache Kafka, which is not fetched" >&2
  [[ "${WEIR_REQUIRE_KAFKA:-}" == 1 ]] && exit 1
  exit 77
fi

if [[ "${1:-}" != --inside ]]; then
  # A script of the tests, given by its name.
  exec unshare --mount --net --pid --fork --kill-child "$0" --inside "$@"
fi
shift

make_packages() {
  if ! cpack --config "$WEIR_BINARY_DIR/CPackConfig.cmake" -B "$1" >"$1.log" 2>&1; then
    cat "$1.log" >&2
    return 1
  fi
  rm -rf "$1/_CPack_Packages"
}

# The overlay, with what has to be hidden below empty file systems.
make_root() {
  local top="$1" root="$1/root" hidden
  mkdir -p "$top/changes" "$top/work" "$root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$top/changes,workdir=$top/work" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"
  for hidden in "$HOME" "$WEIR_SOURCE_DIR" "$WEIR_BINARY_DIR"; do
    if [[ -d "$root$hidden" ]]; then mount -t tmpfs tmpfs "$root$hidden"; fi
  done
}

# Kafka's scripts by their own names.
give_kafka_scripts() {
  local root="$1" tool
  mkdir -p "$root/opt/kafka" "$root$kafka_home"
  mount --bind "$kafka" "$root/opt/kafka"
  mount --bind "$kafka_home" "$root$kafka_home"
  for tool in topics console-consumer console-producer; do
    printf '#!/bin/sh\nHOME=%s exec /opt/kafka/kafka_tool.sh %s "$@"\n' "$HOME" "$tool" \
      >"$root/usr/local/bin/kafka-$tool.sh"
    chmod +x "$root/usr/local/bin/kafka-$tool.sh"
  done
  [[ -e "$root/usr/bin/sudo" ]] || printf '#!/bin/sh\nexec "$@"\n' >"$root/usr/local/bin/sudo"
  chmod +x "$root/usr/local/bin/"*
}

mount --make-rprivate /
ip link set lo up
top="$(mktemp -d)"
mount -t tmpfs tmpfs "$top"
make_packages "$top/packages"
"$kafka/kafka_server.sh" start --dir "$top/kafka" --port 9092
make_root "$top"
root="$top/root"
give_kafka_scripts "$root"
mkdir -p "$root/packages" "$root/home/author"
cp "$top/packages"/*.deb "$top/packages"/*.tar.gz "$WEIR_SOURCE_DIR/docs/getting-started.md" \
  "$WEIR_SOURCE_DIR/tests/packages/"*.{sh,py} "$root/packages"
script="/packages/$1"
shift
status=0
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
env -i HOME=/home/author "PATH=$path" LANG=C.UTF-8 \
  chroot "$root" "$script" "$@" || status=$?
"$kafka/kafka_server.sh" stop --dir "$top/kafka"
exit "$status"
