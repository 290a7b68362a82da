"""Feeds the events of running_oracle to a topic at a steady rate, and reads what is committed to
another as it comes. Each from a thread of its own; librdkafka's Python client, not Weir's. A Stream
is both, and the job between them."""

import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import running_oracle

PARTITIONS = 4
FEEDS_PER_SECOND = 20


def create_topics(brokers, names):
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 3})
    for future in admin.create_topics(
            [NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)
             for name in names]).values():
        future.result(timeout=30)


class Feeder:
    """Produces until stop(); `fed` is how many were produced."""

    def __init__(self, brokers, topic, per_second):
        self.fed = 0
        self._producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True,
                                   "linger.ms": 5, "log_level": 3})
        self._topic = topic
        self._batch = max(1, per_second // FEEDS_PER_SECOND)
        self._stopping = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _delivered(self, error, _):
        if error is not None:
            self._failure = error

    def _feed(self):
        while not self._stopping.wait(1 / FEEDS_PER_SECOND):
            for number in range(self.fed, self.fed + self._batch):
                self._producer.produce(
                    self._topic, running_oracle.event(number), on_delivery=self._delivered,
                    partition=running_oracle.partition_of(number, PARTITIONS))
            self.fed += self._batch
            self._producer.poll(0)

    def stop(self):
        self._stopping.set()
        self._thread.join()
        self._producer.flush(30)
        if self._failure is not None:
            raise RuntimeError(f"an event was not fed: {self._failure}")


class Reader:
    """Hands committed records of a topic to an Oracle; `last` is when the newest one came."""

    def __init__(self, brokers, topic):
        self.oracle = running_oracle.Oracle()
        self.count = 0
        self.first = None
        self.last = 0.0
        self._consumer = Consumer({"bootstrap.servers": brokers, "group.id": "oracle",
                                   "isolation.level": "read_committed",
                                   "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        self._consumer.assign([TopicPartition(topic, one, 0) for one in range(PARTITIONS)])
        self._stopping = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stopping:
            for message in self._consumer.consume(1000, timeout=0.1):
                if message.error() is not None:
                    continue
                self.oracle.take(message.value())
                self.count += 1
                self.last = time.monotonic()
                self.first = self.first or self.last

    def stop(self):
        self._stopping = True
        self._thread.join()
        self._consumer.close()


class Stream:
    """Events fed to a topic, the job that counts them, and what it commits to another topic. `job`
    is its id, once it has been submitted with `arguments`."""

    def __init__(self, brokers, name, per_second):
        self.name = name
        self.job = ""
        self.input, output = f"events-{name}", f"counts-{name}"
        self.arguments = [f"--input={self.input}", f"--output={output}", f"--prefix={name}"]
        create_topics(brokers, [self.input, output])
        self.feeder = Feeder(brokers, self.input, per_second)
        self.reader = Reader(brokers, output)

    @property
    def oracle(self):
        return self.reader.oracle

    def is_complete(self):
        """Every event that was fed has a record."""
        return len(self.oracle.seen) >= self.feeder.fed

    def broken(self):
        """What no record that is still to come can mend; empty when all is well so far."""
        if self.oracle.duplicated or self.oracle.wrong:
            return f"the {self.name} job: {self.oracle.verdict(self.feeder.fed)}"
        return ""
