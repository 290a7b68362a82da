#!/usr/bin/env bash
# Runs one of Kafka's Java command-line tools from the fetched jars.
# Usage: kafka_tool.sh TOOL ARGUMENT...
# TOOL: topics | console-consumer | console-producer | get-offsets | groups | transactions | storage
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/kafka_env.sh"

case "${1:-}" in
  topics) main=org.apache.kafka.tools.TopicCommand ;;
  console-consumer) main=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
  console-producer) main=kafka.tools.ConsoleProducer ;;
  get-offsets) main=org.apache.kafka.tools.GetOffsetShell ;;
  groups) main=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  transactions) main=org.apache.kafka.tools.TransactionsCommand ;;
  storage) main=kafka.tools.StorageTool ;;
  *)
    sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
kafka_is_fetched || kafka_die "Kafka is not fetched; run $kafka_scripts/fetch_kafka.sh first."
kafka_java_command "$1" 256m
shift
exec "${java_command[@]}" "$main" "$@"
