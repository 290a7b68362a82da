"""One run of the demo, from the broker to the result."""

import os
import pathlib
import time

import flights
import oracle
import processes
from feeder import Feeder, preload
from kafka_cluster import MockKafka, RealKafka
from kills import Kills
from observer import OutputObserver
from report import Result
from weir_cluster import WeirCluster

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = SOURCE / "examples" / "data" / "us-flights-2001-200k.csv.zst"
TOPICS = {"flights": 4, "delays": 4}
RECORDS = 200_000
MOCK_RECORDS = 20_000
FEED_PER_SECOND = 10_000
# With few records the feed is slower, or there would be no time for two kills.
FEED_SECONDS_AT_LEAST = 8
# Without any new record for so long, the missing ones are lost.
PATIENCE_SECONDS = 30
# Without any for so long the preloaded half is taken to be through, complete or not.
DRAIN_PATIENCE_SECONDS = 5
# How long to listen for late duplicates.
QUIET_SECONDS = 1.0
TICK_SECONDS = 0.02


class DemoFailure(Exception):
    """The run did not show what it must; the message is for the user."""


def find_program(build, name):
    for place in (build / "bin" / name, build / "examples" / name / name):
        if os.access(place, os.X_OK) and place.is_file():
            return place
    raise DemoFailure(f"{name} is not built in {build}; run ./dev build")


class DemoRun:
    """Owns every process of a run: stop() ends them whatever has happened before."""

    def __init__(self, folder, build, keep):
        self._folder = folder
        self._build = build
        self._keep = keep
        self._programs = {name: find_program(build, name) for name in
                          ("weir", "weir-jobmanager", "weir-taskmanager", "flight_delays")}
        self._begin = time.monotonic()
        self._children = []
        self._broker = self._weir = self._observer = self._feeder = self._kills = None
        self._job_id = None
        self._preloaded_end = None

    def execute(self, broker, records):
        """The result, also of a run that lost records."""
        self._start_broker(broker)
        if records is None:
            records = MOCK_RECORDS if self._broker.name == "mock" else RECORDS
        try:
            everything = flights.load(DATA, records)
        except ValueError as error:
            raise DemoFailure(error) from error
        self._half = records // 2
        expected = oracle.expected(everything)
        self._preloaded = sum(identity <= self._half for identity in expected)
        self._start_weir()
        self._preload_and_observe(everything, expected)
        self._submit()
        self._watch()
        return self._result(len(expected))

    def problem(self):
        """Why the run failed although it came to its end, or None."""
        if self._observer.wrong:
            text = self._observer.wrong[0].decode(errors="replace")
            return f"{len(self._observer.wrong):,} records are not what they must be: {text}"
        if self._observer.lost:
            some = ", ".join(map(str, self._observer.lost_ids()[:5]))
            return f"{self._observer.lost:,} records were lost, among them the ids {some}"
        if self._broker.transactions and self._observer.duplicates:
            return f"{self._observer.duplicates:,} records came twice"
        if self._broker.transactions and self._observer.disordered:
            return f"{self._observer.disordered:,} records came behind a later one of their key"
        return self._kills.problem(self._observer.arrivals[0], self._observer.last_new())

    @property
    def wrong(self):
        return len(self._observer.wrong)

    @property
    def throughput_note(self):
        during = self._kills.worker is not None and self._kills.worker < (self._preloaded_end or 0)
        return " (with the worker's recovery)" if during else ""

    def leave(self):
        """For --keep: stops the demo's own readers and writers only. Returns how to look at the
        cluster, and {pid: start time} of what a later stop has to end beside Kafka."""
        for child in self._children:
            processes.stop(child)
        commands = [" ".join(self._weir.command("describe", self._job_id)),
                    " ".join(self._weir.command("checkpoint", "list", self._job_id)),
                    self._broker.look]
        return commands, {**self._weir.family(), **self._broker.stop_later()}

    def stop(self):
        """Ends all processes. Returns the pids of workers that outlived their TaskManager."""
        outlived = self._weir.stop() if self._weir else []
        for child in self._children:
            processes.stop(child)
        if self._broker:
            self._broker.stop()
        return outlived

    def _say(self, text):
        print(f"{time.monotonic() - self._begin:6.1f} s  {text}", flush=True)

    def _child(self, process):
        self._children.append(process)
        return process

    def _start_broker(self, wanted):
        if wanted != "mock":
            self._broker = RealKafka(SOURCE, self._folder, self._keep)
            reason = self._broker.fetch()
            if reason is not None and wanted == "kafka":
                raise DemoFailure(reason)
            if reason is not None:
                print(f"{reason}\nGoing on with librdkafka's mock cluster instead.")
                wanted = "mock"
        if wanted == "mock":
            self._broker = MockKafka(find_program(self._build, "weir-devbroker"), self._folder,
                                     self._keep)
        self._broker.start(TOPICS)
        what = "the mock cluster" if wanted == "mock" else "Apache Kafka"
        self._say(f"{what} is up at {self._broker.bootstrap}")

    def _start_weir(self):
        self._weir = WeirCluster(self._programs, self._folder, self._keep)
        self._weir.start()
        self._say("a JobManager, a standby and two TaskManagers are up")

    def _preload_and_observe(self, everything, expected):
        rest = everything[self._half:]
        rate = min(FEED_PER_SECOND, len(rest) / FEED_SECONDS_AT_LEAST)
        self._observer = OutputObserver(self._child(self._broker.read("delays")), expected)
        preload(self._child(self._broker.write("flights")), everything[:self._half])
        self._feeder = Feeder(self._child(self._broker.write("flights")), rest, rate)
        self._broker.await_reading()
        self._say(f"{self._half:,} flights are preloaded, {len(rest):,} will follow at "
                  f"{rate:,.0f} a second")

    def _submit(self):
        self._job_id = self._weir.submit(
            self._programs["flight_delays"], f"--brokers={self._broker.bootstrap}",
            "--input=flights", "--output=delays",
            f"--delivery={'exactly-once' if self._broker.transactions else 'at-least-once'}")
        self._kills = Kills(self._weir, self._observer, self._job_id, self._say)
        self._say(f"job {self._job_id} is running")

    def _watch(self):
        """Feeds, kills and prints until everything has come, or nothing comes any more."""
        now = next_line = last_news = time.monotonic()
        seen = 0
        while not (self._observer.complete and self._feeder.done):
            time.sleep(TICK_SECONDS)
            now = time.monotonic()
            self._start_feed_when_drained(now - last_news)
            self._kills.advance(self._records_flow())
            if self._kills.jobmanager is not None:
                self._feeder.release()
            if self._feeder.error:
                raise DemoFailure(self._feeder.error)
            if len(self._observer.first_seen) > seen:
                last_news, seen = now, len(self._observer.first_seen)
            elif now > last_news + PATIENCE_SECONDS:
                self._say(f"nothing new for {PATIENCE_SECONDS} s")
                if not self._feeder.waiting:
                    return
                self._feeder.release()  # without the kill; what is lost is counted all the same
                last_news = now
            if now >= next_line:
                self._print_progress()
                next_line = now + 1
        self._print_progress()
        self._await_quiet()

    def _start_feed_when_drained(self, silent_seconds):
        if self._feeder.started:
            return
        if len(self._observer.first_seen) >= self._preloaded:
            self._preloaded_end = self._observer.last_new()
            self._feeder.start()
            self._say("the preloaded half is through, now feeding")
        elif self._observer.records and silent_seconds > DRAIN_PATIENCE_SECONDS:
            self._feeder.start()
            self._say("records of the preloaded half are missing; feeding nevertheless")

    def _records_flow(self):
        """While the preloaded half is drained, and from the first record of the feed on."""
        return not self._feeder.started or len(self._observer.first_seen) > self._preloaded

    def _print_progress(self):
        observer = self._observer
        held = ", the feed waits for the next kill" if self._feeder.waiting else ""
        self._say(f"in {self._half + self._feeder.fed:>9,}   out {observer.records:>8,}   "
                  f"{observer.progress:4.0%}   duplicates {observer.duplicates:,}{held}")

    def _await_quiet(self):
        while time.monotonic() - self._observer.arrivals[-1] < QUIET_SECONDS:
            time.sleep(TICK_SECONDS)

    def _result(self, expected):
        observer, kills = self._observer, self._kills
        kills.count_checkpoints()
        if not observer.records:
            raise DemoFailure("the job wrote nothing")
        if not self._keep:
            self._weir.ask("cancel", self._job_id)
            self._await_quiet()
        recovery = gap = throughput = None
        if kills.worker is not None:
            new = observer.recovered_at(kills.worker, kills.jobmanager)
            recovery = None if new is None else round((new - kills.worker) * 1000)
        if kills.jobmanager is not None:
            gap = round(observer.silence(kills.jobmanager, observer.last_new())[0] * 1000)
        if self._preloaded_end is not None and self._preloaded_end > observer.arrivals[0]:
            throughput = round(self._half / (self._preloaded_end - observer.arrivals[0]))
        return Result(
            records_in=self._half + self._feeder.fed, records_out=observer.records,
            expected=expected, duplicates=observer.duplicates, lost=observer.lost,
            out_of_order=observer.disordered,
            recovery_ms=recovery, jobmanager_gap_ms=gap, checkpoints=kills.checkpoints,
            throughput_per_s=throughput, rss_mb=round(self._weir.peak_rss_mb),
            broker=self._broker.name)
