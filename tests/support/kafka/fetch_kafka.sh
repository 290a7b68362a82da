#!/usr/bin/env bash
# Fetches Apache Kafka's published jars (pom.xml) once into the user's cache and prints the folder
# that holds them. Warm runs only look. Usage: fetch_kafka.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/kafka_env.sh"

if [[ "${1:-}" == "--help" || "${1:-}" == "-h" ]]; then
  sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"
  exit 0
fi

# Makes a class archive for the broker and for the tools by one run of each. Only a matter of
# start-up time, so nothing here is an error. A new JVM makes the archives anew.
make_archives() {
  local archives="$kafka_home/archives" java_path scratch bootstrap
  java_path="$(readlink -f "$(command -v "$java_program")")"
  [[ -f "$archives/made" && ! "$java_path" -nt "$archives/made" ]] && return 0
  scratch="$(mktemp -d)"
  rm -rf "$archives"
  mkdir -p "$archives"
  local server="$kafka_scripts/kafka_server.sh" tool="$kafka_scripts/kafka_tool.sh"
  if bootstrap="$(KAFKA_TRAIN_ARCHIVE="$archives/broker.jsa" \
    "$server" start --dir "$scratch/cluster" --parent-pid $$)"; then
    bootstrap="${bootstrap#bootstrap=}"
    KAFKA_TRAIN_ARCHIVE="$archives/topics.jsa" "$tool" topics \
      --bootstrap-server "$bootstrap" --create --topic warm-up --partitions 2
    printf 'key\tvalue\n' | KAFKA_TRAIN_ARCHIVE="$archives/console-producer.jsa" \
      "$tool" console-producer --bootstrap-server "$bootstrap" --topic warm-up \
      --property parse.key=true
    KAFKA_TRAIN_ARCHIVE="$archives/console-consumer.jsa" "$tool" console-consumer \
      --bootstrap-server "$bootstrap" --topic warm-up --from-beginning --max-messages 1 \
      --isolation-level read_committed --property print.key=true
    # Writing the archive happens in the shutdown, and takes longer than a usual one.
    KAFKA_STOP_SECONDS=30 "$server" stop --dir "$scratch/cluster"
  fi >"$kafka_home/archives.log" 2>&1 || true
  rm -rf "$scratch"
  touch "$archives/made"
}

fetch() {
  command -v mvn >/dev/null || kafka_die "cannot fetch Apache Kafka $kafka_version:" \
    "mvn is not installed (apt-get install maven)."
  local fresh
  fresh="$(mktemp -d "${kafka_home%/*}/fetch.XXXXXX")"
  # shellcheck disable=SC2064
  trap "rm -rf '$fresh'" EXIT
  if ! mvn -q -B -f "$kafka_scripts/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$fresh/libs" >"$fresh/mvn.log" 2>&1; then
    cp "$fresh/mvn.log" "${kafka_home%/*}/fetch_kafka.log"
    kafka_die "cannot fetch Apache Kafka $kafka_version: Maven failed, most likely because its" \
      "repository cannot be reached from here (see ${kafka_home%/*}/fetch_kafka.log)."
  fi
  cp "$kafka_scripts/pom.xml" "$fresh/pom.xml"
  rm -rf "$kafka_home"
  mv -T "$fresh" "$kafka_home"
  trap - EXIT
}

command -v "$java_program" >/dev/null || kafka_die "cannot run Apache Kafka: $java_program is not" \
  "installed (apt-get install openjdk-17-jre-headless)."
mkdir -p "${kafka_home%/*}"
exec 9>"${kafka_home%/*}/fetch.lock"
flock 9
kafka_is_fetched || fetch
make_archives 9>&-
echo "$kafka_libs"
