"""The broker of the demo, with programs that write and read lines: real Apache Kafka with its own
Java tools or, where that cannot be fetched, librdkafka's mock cluster (weir-devbroker).

Both offer: start(topics), bootstrap, write(topic) and read(topic) -> Popen, await_reading() for the
time that a reader needs until records reach it, stop(), and for --keep: look and stop_later().
A line written is "key TAB value"; a line read is "CreateTime:t TAB Partition:p TAB Offset:o TAB key
TAB value".
"""

import os
import subprocess
import time

import processes

READER_SECONDS = 20


class RealKafka:
    name = "kafka"
    transactions = True

    def __init__(self, source, folder, keep):
        self._scripts = source / "tests" / "support" / "kafka"
        self._folder = folder / "kafka"
        self._errors = folder / "logs"
        self._keep = keep
        self.bootstrap = None

    def fetch(self):
        """None when the jars are there, else the sentence that says why not."""
        result = subprocess.run([self._scripts / "fetch_kafka.sh"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, check=False)
        return None if result.returncode == 0 else result.stderr.strip()

    def start(self, topics):
        command = [self._scripts / "kafka_server.sh", "start", "--dir", self._folder]
        if not self._keep:
            command += ["--parent-pid", str(os.getpid())]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        self.bootstrap = result.stdout.strip().removeprefix("bootstrap=")
        # One JVM a topic, side by side.
        creations = [self._tool("topics", "--create", "--topic", topic, "--partitions", partitions,
                                stdout=subprocess.DEVNULL) for topic, partitions in topics.items()]
        for creation in creations:
            if creation.wait() != 0:
                raise RuntimeError(f"a topic could not be created (see {self._errors})")

    def write(self, topic):
        return self._tool("console-producer", "--topic", topic, "--timeout", 5,
                          # Its own three tries give records up while a broker is away.
                          "--message-send-max-retries", 1_000_000,
                          "--request-required-acks", "all", "--batch-size", 65536,
                          "--property", "parse.key=true", stdin=subprocess.PIPE)

    def read(self, topic):
        printed = ("key", "partition", "offset", "timestamp")
        properties = [part for field in printed for part in ("--property", f"print.{field}=true")]
        return self._tool("console-consumer", "--topic", topic, "--from-beginning",
                          "--isolation-level", "read_committed", *properties,
                          stdout=subprocess.PIPE)

    def await_reading(self):
        log = self._errors / "console-consumer.log"
        deadline = time.monotonic() + READER_SECONDS
        while "newly assigned partitions" not in log.read_text(errors="replace"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Java's console consumer does not read (see {log})")
            time.sleep(0.02)

    @property
    def look(self):
        return (f"{self._scripts / 'kafka_tool.sh'} console-consumer --bootstrap-server "
                f"{self.bootstrap} --topic delays --from-beginning")

    def stop_later(self):
        """What stop(DIR) of a later demo.py needs to know: {pid: start time}."""
        return {}

    def stop(self):
        if self._folder.exists():
            subprocess.run([self._scripts / "kafka_server.sh", "stop", "--dir", self._folder],
                           check=False, start_new_session=True)

    def _tool(self, name, *arguments, **popen_options):
        with open(self._errors / f"{name}.log", "ab") as errors:
            return processes.spawn([self._scripts / "kafka_tool.sh", name, "--bootstrap-server",
                                    self.bootstrap, *arguments], stderr=errors, **popen_options)


class MockKafka:
    name = "mock"
    transactions = False

    def __init__(self, program, folder, keep):
        self._program = program
        self._errors = folder / "logs"
        self._keep = keep
        self._server = None
        self.bootstrap = None

    def start(self, topics):
        listed = ",".join(f"{topic}:{partitions}" for topic, partitions in topics.items())
        self._server = self._run("serve", f"--topics={listed}", keep=self._keep,
                                 stdout=subprocess.PIPE)
        line = self._server.stdout.readline().decode().strip()
        if not line.startswith("bootstrap="):
            raise RuntimeError(f"weir-devbroker did not start (see {self._errors})")
        self.bootstrap = line.removeprefix("bootstrap=")

    def write(self, topic):
        return self._run("produce", f"--brokers={self.bootstrap}", f"--topic={topic}",
                         stdin=subprocess.PIPE)

    def read(self, topic):
        return self._run("consume", f"--brokers={self.bootstrap}", f"--topic={topic}",
                         stdout=subprocess.PIPE)

    def await_reading(self):
        pass  # it assigns itself its partitions, in no time

    @property
    def look(self):
        return f"{self._program} consume --brokers={self.bootstrap} --topic=delays"

    def stop_later(self):
        return processes.descendants([self._server.pid])

    def stop(self):
        if self._server is not None:
            processes.stop(self._server)

    def _run(self, verb, *arguments, **options):
        with open(self._errors / f"devbroker-{verb}.log", "ab") as errors:
            return processes.spawn([self._program, verb, *arguments], stderr=errors, **options)
