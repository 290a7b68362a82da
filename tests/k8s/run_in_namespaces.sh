#!/usr/bin/env bash
# run_in_namespaces.sh WORK COMMAND [ARGUMENT...]
# Runs a command with a network, mounts and processes of its own, and Kafka at 10.250.0.1:9092: what
# it starts ends with it, and nothing outside sees its pods, names and addresses. WORK is a folder
# for Kafka's files. podman keeps what it runs in the folders of CONTAINERS_STORAGE_CONF.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
kafka="$here/../support/kafka/kafka_server.sh"
work="$1"
shift
if [[ "${1:-}" != --inside ]]; then
  exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$work" --inside "$@"
fi
shift
mount --make-rprivate /
# Where podman keeps the networks of its pods, and the addresses it has given.
for folder in /run/netns /run/containers; do
  mkdir -p "$folder"
  mount -t tmpfs tmpfs "$folder"
done
ip link set lo up
ip addr replace 10.250.0.1/32 dev lo
"$kafka" start --dir "$work/kafka" --port 9092 --host 10.250.0.1 >/dev/null
status=0
"$@" || status=$?
"$kafka" stop --dir "$work/kafka" || true
exit "$status"
