# shellcheck shell=bash
# Sourced by the kafka_*.sh scripts: where the fetched Kafka lies and how a JVM is started.

kafka_scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
kafka_version="$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' \
  "$kafka_scripts/pom.xml")"
# Shared by all checkouts of one user; the version is part of the name.
kafka_home="${XDG_CACHE_HOME:-$HOME/.cache}/weir/kafka-$kafka_version"
kafka_libs="$kafka_home/libs"
java_program="${JAVA_HOME:+$JAVA_HOME/bin/}java"

kafka_die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Is a complete set of jars for this very pom.xml there? (fetch_kafka.sh renames it into place.)
kafka_is_fetched() {
  cmp -s "$kafka_scripts/pom.xml" "$kafka_home/pom.xml"
}

# Class path in a fixed order: a class archive is only used with the class path it was made with.
kafka_class_path() {
  local -a jars=("$kafka_libs"/*.jar)
  local IFS=:
  echo "${jars[*]}"
}

# Sets the array java_command for a tool ("broker" or a name of kafka_tool.sh). The class archives
# (fetch_kafka.sh) halve the start-up time; a JVM that cannot use one goes on without it.
kafka_java_command() {
  local name="$1" heap="$2"
  java_command=("$java_program" "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1
    -XX:-UsePerfData "-Dlog4j.configuration=file:$kafka_scripts/log4j.properties")
  if [[ -n "${KAFKA_TRAIN_ARCHIVE:-}" ]]; then
    java_command+=("-XX:ArchiveClassesAtExit=$KAFKA_TRAIN_ARCHIVE" -Xlog:disable)
  elif [[ -f "$kafka_home/archives/$name.jsa" ]]; then
    java_command+=("-XX:SharedArchiveFile=$kafka_home/archives/$name.jsa" -Xlog:disable)
  fi
  java_command+=(-cp "$(kafka_class_path)")
}
