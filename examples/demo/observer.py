"""Reads the job's output while it comes and compares every record with the oracle."""

import bisect
import fcntl
import json
import os
import queue
import threading
import time

PIPE_BYTES = 1 << 20
# Without its worker a job writes nothing: a pause as long as this is the kill's.
PAUSE_SECONDS = 0.1


def _canonical(value):
    """Equal texts mean equal values; in Python itself 1 == 1.0 == True."""
    return json.dumps(value, sort_keys=True)


class OutputObserver:
    """Two threads: one notes when output arrives (time.monotonic(), s), the other checks it, so
    that checking does not slow the arrival down. What others read here only grows."""

    def __init__(self, consumer, expected):
        self._expected = {identity: (key, _canonical(value))
                          for identity, (key, value) in expected.items()}
        # One entry a record: when it arrived, and whether it was the first right one of its id.
        self.arrivals = []
        self.news = []
        self.first_seen = {}  # id -> arrival
        self.wrong = []
        self.disordered = 0  # new ones behind a later one of the same key
        self._last_of_key = {}
        self._output = consumer.stdout.fileno()
        fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._chunks = queue.SimpleQueue()
        for work in (self._receive, self._check_all):
            threading.Thread(target=work, daemon=True).start()

    @property
    def records(self):
        return len(self.arrivals)

    @property
    def progress(self):
        """The share of the expected ids that have come."""
        return len(self.first_seen) / max(1, len(self._expected))

    @property
    def complete(self):
        return len(self.first_seen) == len(self._expected)

    @property
    def duplicates(self):
        return self.records - len(self.first_seen) - len(self.wrong)

    @property
    def lost(self):
        return len(self._expected) - len(self.first_seen)

    def lost_ids(self):
        return sorted(self._expected.keys() - self.first_seen.keys())

    def last_new(self):
        return max(self.first_seen.values(), default=None)

    def silence(self, begin, end):
        """The longest time without a record that lies behind `begin` and ended before `end` (None:
        now), and when it ended. (0, None) when there was no record."""
        longest, resumed, before = 0.0, None, begin
        for index in range(bisect.bisect(self.arrivals, begin), self.records):
            after = self.arrivals[index]
            if end is not None and after > end:
                break
            if after - before > longest:
                longest, resumed = after - before, after
            before = after
        return longest, resumed

    def recovered_at(self, killed, end):
        """When the first new id came after a process was killed, or None. Records under way at
        that moment still arrive, then there is a pause; what counts is news behind it."""
        first = bisect.bisect(self.arrivals, killed)
        before = killed
        while first < self.records and self.arrivals[first] - before < PAUSE_SECONDS:
            before = self.arrivals[first]
            first += 1
        return next((arrival for arrival, new in zip(self.arrivals[first:], self.news[first:])
                     if new and (end is None or arrival <= end)), None)

    def _receive(self):
        while chunk := os.read(self._output, PIPE_BYTES):
            self._chunks.put((time.monotonic(), chunk))

    def _check_all(self):
        rest = b""
        while True:
            arrival, chunk = self._chunks.get()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(line, arrival)

    def _take(self, line, arrival):
        identity = self._check(line)
        new = identity is not None and identity not in self.first_seen
        if identity is None:
            self.wrong.append(line)
        elif new:
            self.first_seen[identity] = arrival
            key = self._expected[identity][0]
            self.disordered += identity < self._last_of_key.get(key, 0)
            self._last_of_key[key] = max(identity, self._last_of_key.get(key, 0))
        self.news.append(new)
        self.arrivals.append(arrival)

    def _check(self, line):
        """The id of a record that equals the oracle's, else None."""
        try:
            key, value = line.decode().split("\t")[3:5]
            record = json.loads(value)
            right = self._expected[record["id"]] == (key, _canonical(record))
            return record["id"] if right else None
        except (ValueError, KeyError, TypeError):
            return None
