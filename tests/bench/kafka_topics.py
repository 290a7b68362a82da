"""A real Kafka broker for the length of a benchmark, and what it needs of its topics."""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time

FLIGHTS = "examples/data/us-flights-2001-200k.csv.zst"
NO_KAFKA = 77


class KafkaTopics:
    def __init__(self, options, folder):
        self._scripts = options.source_dir / "tests" / "support" / "kafka"
        self._flights = options.source_dir / FLIGHTS
        self._tool = options.binary_dir / "bin" / "bench_topic"
        self._folder = folder / "kafka"
        self.bootstrap = None

    def __enter__(self):
        self._require_kafka()
        answer = subprocess.run([self._scripts / "kafka_server.sh", "start", "--dir", self._folder,
                                 "--parent-pid", str(os.getpid())],
                                stdout=subprocess.PIPE, text=True, check=True)
        self.bootstrap = answer.stdout.strip().removeprefix("bootstrap=")
        return self

    def _require_kafka(self):
        """As the tests do: exit code 77 where Kafka is not there, unless it is required."""
        fetched = subprocess.run([self._scripts / "fetch_kafka.sh"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True, check=False)
        if fetched.returncode != 0:
            print(fetched.stderr.strip(), file=sys.stderr)
            sys.exit(1 if os.environ.get("WEIR_REQUIRE_KAFKA") == "1" else NO_KAFKA)

    def __exit__(self, *_):
        subprocess.run([self._scripts / "kafka_server.sh", "stop", "--dir", self._folder],
                       check=False)

    def _topics(self, *arguments):
        subprocess.run([self._scripts / "kafka_tool.sh", "topics", "--bootstrap-server",
                        self.bootstrap, *arguments], stdout=subprocess.DEVNULL, check=True)

    def create(self, topic, partitions):
        self._topics("--create", "--topic", topic, "--partitions", str(partitions))

    def delete(self, topic):
        self._topics("--delete", "--topic", topic)

    def _command(self, verb, topic, *more):
        return [self._tool, verb, f"--brokers={self.bootstrap}", f"--topic={topic}", *more]

    def load_flights(self, topic, events, days=0):
        """Writes the slice of real flights, repeated up to `events`, each time so many days later.
        Returns the rows of the slice."""
        text = subprocess.run(["zstd", "-dcq", self._flights], check=True,
                              stdout=subprocess.PIPE).stdout
        subprocess.run(self._command("load", topic, f"--events={events}", f"--days={days}"),
                       input=text, check=True, stdout=subprocess.DEVNULL)
        return list(csv.DictReader(io.StringIO(text.decode())))

    def wait_for(self, topic, records, timeout_seconds, check):
        """Returns when the topic holds so many records; `check` may raise meanwhile."""
        watch = subprocess.Popen(self._command("watch", topic, f"--until={records}"),
                                 stdout=subprocess.DEVNULL)
        _await_end(watch, f"{topic} has not got its {records} records", timeout_seconds, check)

    def digest(self, topic):
        words = subprocess.run(self._command("digest", topic, "--until=0"), stdout=subprocess.PIPE,
                               text=True, check=True).stdout.split()
        return {"records": int(words[1]), "digest": words[3]}

    def await_committed(self, topic, records, timeout_seconds, check):
        """Reads what is committed until so many records have come; what they were."""
        reader = subprocess.Popen(self._command("digest", topic, f"--until={records}"),
                                  stdout=subprocess.PIPE, text=True)
        _await_end(reader, f"{topic} has not got its {records} records", timeout_seconds, check)
        words = reader.stdout.read().split()
        return {"records": int(words[1]), "digest": words[3]}

    def latencies(self, source, sink, rate, seconds, skip_seconds, check):
        """Feeds flights into one topic at a rate and reads them from the other."""
        text = subprocess.run(["zstd", "-dcq", self._flights], check=True,
                              stdout=subprocess.PIPE).stdout
        with tempfile.TemporaryFile() as flights:
            flights.write(text)
            flights.seek(0)
            probe = subprocess.Popen(
                [self._tool.parent / "bench_latency", f"--brokers={self.bootstrap}",
                 f"--input={source}", f"--output={sink}", f"--rate={rate}",
                 f"--seconds={seconds}", f"--skip-seconds={skip_seconds}"],
                stdin=flights, stdout=subprocess.PIPE, text=True)
            _await_end(probe, f"{sink} has not got all records", seconds + 120, check)
            return json.loads(probe.stdout.read())

    def handles(self, topic, commits, mode):
        """What one commit of a transactional handle costs, by bench_handles."""
        answer = subprocess.run([self._tool.parent / "bench_handles", f"--brokers={self.bootstrap}",
                                 f"--topic={topic}", f"--commits={commits}", f"--mode={mode}"],
                                stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(answer.stdout)

    def broker_cpu_seconds(self):
        pid = (self._folder / "broker-1" / "pid").read_text().strip()
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def _await_end(process, what, timeout_seconds, check):
    deadline = time.monotonic() + timeout_seconds
    try:
        while process.poll() is None:
            check()
            if time.monotonic() > deadline:
                raise SystemExit(f"{what} within {timeout_seconds} s")
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if process.returncode != 0:
        raise SystemExit(f"{what}: exit code {process.returncode}")
