"""Writes flights into a topic: at once, or at a steady rate."""

import threading
import time

TICK_SECONDS = 0.02


def preload(producer, flights):
    """Returns when all are acknowledged."""
    producer.stdin.write("".join(f"{flight.origin}\t{flight.json()}\n" for flight in flights)
                         .encode())
    producer.stdin.close()
    if producer.wait() != 0:
        raise RuntimeError("the preloading producer failed")


class Feeder:
    """A thread that writes `flights` at `rate` records a second. It holds the last fifth back until
    release(), so that there is output left when the last process is killed."""

    def __init__(self, producer, flights, rate):
        self._producer = producer
        self._lines = [f"{flight.origin}\t{flight.json()}\n".encode() for flight in flights]
        self._rate = rate
        self._released = threading.Event()
        self.fed = 0
        # Holding the last fifth back at this moment.
        self.waiting = False
        self.error = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    @property
    def started(self):
        return self._thread.ident is not None

    @property
    def done(self):
        return self.started and not self._thread.is_alive()

    def release(self):
        self._released.set()

    def _run(self):
        try:
            held_from = len(self._lines) * 4 // 5
            self._write_until(held_from)
            self.waiting = not self._released.is_set()
            self._released.wait()
            self.waiting = False
            self._write_until(len(self._lines))
            self._producer.stdin.close()
            if self._producer.wait() != 0:
                self.error = "the feeding producer failed"
        except OSError as error:
            self.error = f"the feeding producer is gone: {error}"

    def _write_until(self, end):
        begin, first = time.monotonic(), self.fed
        while self.fed < end:
            due = min(end, first + int((time.monotonic() - begin + TICK_SECONDS) * self._rate))
            self._producer.stdin.write(b"".join(self._lines[self.fed:due]))
            self._producer.stdin.flush()
            self.fed = due
            time.sleep(TICK_SECONDS)
