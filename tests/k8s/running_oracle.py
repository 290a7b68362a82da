"""What the job running_counts has to write, and whether it did. Pure.

Event number id has the key "k<id % KEYS>", so its count is id // KEYS + 1, whatever was killed: an
event that is lost or comes twice makes the count of every later one of its key another."""

import json

KEYS = 97


def key_of(number):
    return f"k{number % KEYS}"


def event(number):
    return json.dumps({"id": number, "key": key_of(number)}, separators=(",", ":")).encode()


def partition_of(number, partitions):
    """All events of a key are in one partition, so their order is the topic's."""
    return (number % KEYS) % partitions


class Oracle:
    """Takes committed records in any order of keys, each key's in its order."""

    def __init__(self):
        self.seen = set()
        self.duplicated = 0
        self.wrong = []

    def take(self, value):
        record = json.loads(value)
        number = record["id"]
        if number in self.seen:
            self.duplicated += 1
            return
        self.seen.add(number)
        expected = {"id": number, "key": key_of(number), "count": number // KEYS + 1}
        if record != expected and len(self.wrong) < 10:
            self.wrong.append(f"{record} instead of {expected}")

    def lost(self, fed):
        """How many of the events 0 .. fed - 1 have no record."""
        return fed - len(self.seen)

    def verdict(self, fed):
        """A sentence; begins with "0 lost, 0 duplicated" when all is well."""
        text = f"{self.lost(fed)} lost, {self.duplicated} duplicated of {fed}"
        return text + "".join(f"; {one}" for one in self.wrong)

    def holds(self, fed):
        return self.lost(fed) == 0 and self.duplicated == 0 and not self.wrong
