#!/usr/bin/env bash
# Starts and stops real Apache Kafka: KRaft, broker 1 is also the only controller.
#
#   kafka_server.sh start --dir DIR [--brokers N] [--host HOST] [--port PORT] [--parent-pid PID]
#                         [--broker-config KEY=VALUE]...
#       writes everything below DIR, picks free ports (but for --port, of broker 1) of HOST
#       (127.0.0.1), waits until all brokers are up and prints "bootstrap=HOST:PORT,...". With
#       --parent-pid the brokers end when that process is gone.
#   kafka_server.sh ready --dir DIR              exit code 0 when every broker is up
#   kafka_server.sh restart-broker --dir DIR --broker I    starts broker I again after its death
#   kafka_server.sh stop --dir DIR               SIGTERM, after a few seconds SIGKILL
#
# In DIR: broker-I/{server.properties,port,pid,log,data}, bootstrap, host, watchdog.pid.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/kafka_env.sh"

readonly START_SECONDS=60
readonly STOP_SECONDS="${KAFKA_STOP_SECONDS:-3}"
readonly PORT_ATTEMPTS=5

usage() {
  sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

parse_arguments() {
  dir="" brokers=1 host="" port_of_first="" parent_pid="" broker="" broker_config=()
  while (($# > 0)); do
    case "$1" in
      --dir) dir="$2" ;;
      --brokers) brokers="$2" ;;
      --host) host="$2" ;;
      --port) port_of_first="$2" ;;
      --parent-pid) parent_pid="$2" ;;
      --broker) broker="$2" ;;
      --broker-config) broker_config+=("$2") ;;
      *) kafka_die "unknown option $1 (see --help)" ;;
    esac
    shift 2 || kafka_die "option $1 needs a value"
  done
  [[ -n "$dir" ]] || kafka_die "--dir is missing (see --help)"
  # The other verbs find it where start has left it.
  [[ -n "$host" ]] || host="$(cat "$dir/host" 2>/dev/null)" || host=127.0.0.1
}

port_accepts() {
  (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null
}

# A free port below the range the kernel gives to clients, so that no connection takes it meanwhile.
# A clash with another server shows when the broker binds, and start tries others.
free_port() {
  local port
  while true; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    port_accepts "$port" || break
  done
  echo "$port"
}

# Only a process whose command line names our folder is ours: pids come again.
broker_pid() {
  local pid
  pid="$(cat "$dir/broker-$1/pid" 2>/dev/null)" || return 1
  grep -q -z -F -- "$dir/broker-$1/server.properties" "/proc/$pid/cmdline" 2>/dev/null || return 1
  echo "$pid"
}

broker_count() {
  local -a folders=("$dir"/broker-*)
  echo "${#folders[@]}"
}

write_broker_files() {
  local id="$1" controller_port="$2" cluster_id="$3" home="$dir/broker-$1"
  local port listeners roles=broker replicas=$((brokers < 3 ? brokers : 3))
  mkdir -p "$home/data"
  port="$(free_port)"
  if ((id == 1)) && [[ -n "$port_of_first" ]]; then port="$port_of_first"; fi
  echo "$port" >"$home/port"
  listeners="PLAINTEXT://$host:$port"
  if ((id == 1)); then
    roles=broker,controller
    listeners+=",CONTROLLER://127.0.0.1:$controller_port"
  fi
  # What kafka-storage.sh format writes; doing it here saves a JVM per start.
  printf 'version=1\ncluster.id=%s\nnode.id=%d\n' "$cluster_id" "$id" >"$home/data/meta.properties"
  {
    cat <<PROPERTIES
process.roles=$roles
node.id=$id
controller.quorum.voters=1@127.0.0.1:$controller_port
controller.listener.names=CONTROLLER
listeners=$listeners
advertised.listeners=PLAINTEXT://$host:$port
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$home/data
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$replicas
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
# Records carry timestamps of any age.
log.retention.ms=-1
# A killed broker may come back as soon as its old session is over.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
# A heartbeat that the controller of a starting broker never answers is repeated after this (30 s
# otherwise, for which no partition has a leader).
controller.socket.timeout.ms=2000
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
PROPERTIES
    printf '%s\n' "${broker_config[@]}"
  } >"$home/server.properties"
}

launch_broker() {
  local home="$dir/broker-$1"
  if [[ -f "$home/log" ]]; then mv "$home/log" "$home/log.before"; fi
  kafka_java_command broker 512m
  # A session of its own: Ctrl-C in the terminal is for the starter, which then stops the brokers.
  setsid "${java_command[@]}" kafka.Kafka "$home/server.properties" \
    </dev/null >"$home/log" 2>&1 &
  echo $! >"$home/pid"
  disown
}

broker_is_up() {
  grep -q -F "Kafka Server started" "$dir/broker-$1/log" 2>/dev/null &&
    port_accepts "$(cat "$dir/broker-$1/port")"
}

# 0 up, 1 died or too late.
await_broker() {
  local id="$1" deadline=$((SECONDS + START_SECONDS))
  until broker_is_up "$id"; do
    kill -0 "$(cat "$dir/broker-$id/pid")" 2>/dev/null || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# Stops all brokers, the controller last: the others need it for an orderly end.
stop_brokers() {
  local first_signal="$1" id pid deadline
  for ((id = $(broker_count); id >= 1; id--)); do
    pid="$(broker_pid "$id")" || continue
    kill "-$first_signal" "$pid" 2>/dev/null || true
    deadline=$((SECONDS + STOP_SECONDS + 1))
    while broker_pid "$id" >/dev/null; do
      if ((SECONDS >= deadline)); then kill -KILL "$pid" 2>/dev/null || true; fi
      sleep 0.02
    done
  done
}

start_watchdog() {
  setsid "${BASH_SOURCE[0]}" watch --dir "$dir" --parent-pid "$parent_pid" \
    </dev/null >/dev/null 2>&1 &
  echo $! >"$dir/watchdog.pid"
  disown
}

start() {
  kafka_is_fetched || kafka_die "Kafka is not fetched; run $kafka_scripts/fetch_kafka.sh first."
  mkdir -p "$dir"
  dir="$(cd "$dir" && pwd)"
  [[ ! -e "$dir/bootstrap" ]] || kafka_die "$dir already holds a cluster"
  echo "$host" >"$dir/host"
  local attempt id controller_port cluster_id up bootstrap
  for ((attempt = 1; attempt <= PORT_ATTEMPTS; attempt++)); do
    rm -rf "$dir"/broker-*
    controller_port="$(free_port)"
    cluster_id="$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c 1-22)"
    for ((id = 1; id <= brokers; id++)); do
      write_broker_files "$id" "$controller_port" "$cluster_id"
      launch_broker "$id"
    done
    if ((attempt == 1)) && [[ -n "$parent_pid" ]]; then start_watchdog; fi
    up=1
    for ((id = 1; id <= brokers; id++)); do await_broker "$id" || { up=0 && break; }; done
    ((up == 0)) || break
    stop_brokers KILL
    grep -q -E "Address already in use|BindException" "$dir"/broker-*/log || attempt=$PORT_ATTEMPTS
  done
  if ((up == 0)); then
    tail -n 5 "$dir/broker-$id/log" >&2
    stop_watchdog
    kafka_die "broker $id did not come up (see $dir/broker-$id/log)"
  fi
  for ((id = 1; id <= brokers; id++)); do
    bootstrap+="${bootstrap:+,}$host:$(cat "$dir/broker-$id/port")"
  done
  echo "bootstrap=$bootstrap" | tee "$dir/bootstrap"
}

stop_watchdog() {
  local pid
  pid="$(cat "$dir/watchdog.pid" 2>/dev/null)" || return 0
  if grep -q -z -F -- "$dir" "/proc/$pid/cmdline" 2>/dev/null; then
    # The watchdog leads a session: its waiting child goes with it.
    kill -KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$dir/watchdog.pid"
}

main() {
  local verb="${1:-}"
  case "$verb" in
    start | stop | ready | restart-broker | watch) shift ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  parse_arguments "$@"
  if [[ "$verb" == start ]]; then
    start
    return
  fi
  dir="$(cd "$dir" 2>/dev/null && pwd)" || kafka_die "there is no cluster in $dir"
  case "$verb" in
    stop)
      stop_watchdog
      stop_brokers TERM
      rm -f "$dir/bootstrap"
      ;;
    ready)
      local id
      for ((id = 1; id <= $(broker_count); id++)); do broker_is_up "$id" || exit 1; done
      ;;
    restart-broker)
      if broker_pid "$broker" >/dev/null; then kafka_die "broker $broker is still running"; fi
      launch_broker "$broker"
      await_broker "$broker" ||
        kafka_die "broker $broker did not come up (see $dir/broker-$broker/log)"
      ;;
    watch)
      tail --pid="$parent_pid" -s 0.2 -f /dev/null
      stop_brokers KILL
      ;;
  esac
}

main "$@"
