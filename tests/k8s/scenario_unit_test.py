#!/usr/bin/env python3
"""Unit tests of what the steps of faults.py do and expect, with scenario.py and jobs that nobody
runs."""

import unittest
from unittest import mock

import faults
import kafka_stream
import running_oracle
import scenario


def job(generation, *workers):
    return {"generation": generation, "state": "RUNNING", "reason": "",
            "workers": [{"worker_id": one, "pid": 1, "taskmanager": "tm-of-" + one}
                        for one in workers]}


class TestingStream(kafka_stream.Stream):
    """`fed` events were fed, and the first `committed` of them have a record."""

    def __init__(self, name, fed=0, committed=0):
        self.name, self.job = name, "job-" + name
        self.feeder, self.reader = mock.Mock(fed=fed), mock.Mock(oracle=running_oracle.Oracle())
        for number in range(committed):
            self.commit(number)

    def commit(self, number):
        self.oracle.take('{"id":%d,"key":"%s","count":%d}' % (
            number, running_oracle.key_of(number), number // running_oracle.KEYS + 1))


class TestingScenario(scenario.Scenario):
    """Jobs that are described by the next of `states`, the last one for good: a job, or a list of
    all. Notes what is waited for, which fails when it does not hold at once."""

    def __init__(self, *states):
        self.states = [one if isinstance(one, list) else [one] for one in states]
        self.notes = []
        self.results = {"survived": []}
        self.streams = [TestingStream(name)
                        for name in ("first", "second")[:len(self.states[0])]]
        self.cluster = mock.Mock()
        self.cluster.pods = {"weir-taskmanager-0": mock.Mock(ip="10.244.1.1")}
        self.cluster.wait.side_effect = self.wait
        self.cluster.wait_ready.side_effect = lambda *_: self.notes.append("all pods are ready")
        self.cluster.scale.side_effect = lambda _, count: self.notes.append(f"{count} pods")

    def wait(self, condition, _, what):
        if not condition():
            raise TimeoutError(what)
        self.notes.append(what)
        return 0.5

    def describe_all(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def describe(self, stream=None):
        return self.states[0][self.streams.index(stream) if stream else 0]

    def say(self, text):
        pass

    def weir(self, *arguments, check=True):
        if arguments[0] in ("stop", "cancel"):
            self.notes.append(" ".join(arguments))
        return ('{"taskmanagers": [{"taskmanager_id": "tm-of-a", "host": "10.244.1.1"},'
                '{"taskmanager_id": "tm-of-b", "host": "10.244.1.9"}]}')


class Expectations(unittest.TestCase):
    def test_a_job_of_the_same_generation_was_not_rolled_back(self):
        faults.rolled_back(TestingScenario(job(2, "b")), [job(1, "a")])
        with self.assertRaisesRegex(scenario.Failed, "not started anew"):
            faults.rolled_back(TestingScenario(job(1, "b")), [job(1, "a")])

    def test_every_job_has_to_be_rolled_back(self):
        before = [job(1, "a"), job(5, "b")]
        faults.rolled_back(TestingScenario([job(2, "a"), job(6, "b")]), before)
        for after in ([job(2, "a"), job(5, "b")], [job(1, "a"), job(6, "b")]):
            with self.assertRaisesRegex(scenario.Failed, "not started anew"):
                faults.rolled_back(TestingScenario(after), before)
        with self.assertRaises(ValueError):
            faults.rolled_back(TestingScenario(job(2, "a")), before)

    def test_another_worker_is_not_in_place(self):
        faults.rolled_back_in_place(TestingScenario(job(2, "a", "b")), [job(1, "b", "a")])
        for after in (job(1, "a"), job(2, "b"), job(2, "a", "b")):
            with self.assertRaises(scenario.Failed):
                faults.rolled_back_in_place(TestingScenario([job(2, "c"), after]),
                                            [job(1, "c"), job(1, "a")])

    def test_a_worker_that_is_still_there_is_not_anew(self):
        before = [job(1, "a", "b"), job(1, "c")]
        faults.rolled_back_anew(TestingScenario([job(2, "d", "e"), job(2, "f")]), before)
        for after in ([job(2, "d", "b"), job(2, "f")], [job(2, "d", "e"), job(2, "c")],
                      [job(2, "d", "e"), job(1, "f")]):
            with self.assertRaises(scenario.Failed):
                faults.rolled_back_anew(TestingScenario(after), before)

    def test_workers_are_in_pods_by_address_or_in_none_that_is_there(self):
        self.assertEqual({"weir-taskmanager-0"}, TestingScenario(job(1, "a")).worker_pods())
        self.assertEqual({"weir-taskmanager-0", "?"},
                         TestingScenario(job(1, "a", "b", "c")).worker_pods())

    def test_a_row_is_compared_with_what_was_before_while_pods_may_be_missing(self):
        made = TestingScenario([job(1, "a"), job(3, "b")], [job(2, "a"), job(4, "b")])

        def flows(what):
            made.notes.append("records flow after: " + what)
            return 0.5
        made.await_progress = flows
        made.survive("row", lambda: made.notes.append("fault"), lambda before: made.notes.append(
            f"expected, from {[one['generation'] for one in before]}"))
        run = ["the first job runs", "the second job runs"]
        self.assertEqual(["fault", "records flow after: row", *run, "expected, from [1, 3]",
                          "all pods are ready", *run], made.notes)
        self.assertEqual("row", made.results["survived"][0]["fault"])

    def test_pods_that_go_have_ended_when_the_set_is_smaller(self):
        made = TestingScenario(job(1, "a"))
        made.cluster.pods = dict.fromkeys(["weir-jobmanager-3", "weir-taskmanager-1",
                                           "weir-taskmanager-2", "weir-taskmanager-10"])
        made.cluster.wait.side_effect = lambda condition, _, what: made.notes.append(what)
        made.shrink(2)
        made.cluster.scale.assert_called_with("weir-taskmanager", 2)
        self.assertEqual(["2 pods", "weir-taskmanager-2 has ended",
                          "weir-taskmanager-10 has ended"], made.notes)


class Streams(unittest.TestCase):
    """Records that are committed while somebody waits for a stream."""

    def two(self, *committed):
        made = TestingScenario([job(1, "a"), job(1, "b")])
        made.streams = [TestingStream("first", 10, 5), TestingStream("second", 4, 2)]

        def wait(condition, _, what):
            for stream, count in zip(made.streams, committed):
                for number in range(len(stream.oracle.seen), count):
                    stream.commit(number)
            return made.wait(condition, _, what)
        made.cluster.wait.side_effect = wait
        return made

    def test_records_have_to_flow_through_all_of_them(self):
        self.assertEqual(1.0, self.two(11, 5).await_progress("x"))
        for name, committed in (("first", (10, 5)), ("second", (11, 4))):
            with self.assertRaisesRegex(TimeoutError, f"of the {name} job flow after: x"):
                self.two(*committed).await_progress("x")

    def test_a_duplicate_in_any_of_them_is_told(self):
        made = self.two(11, 5)
        made.streams[1].commit(0)
        with self.assertRaisesRegex(scenario.Failed, "the second job: -1 lost, 1 duplicated of 4"):
            made.await_progress("x")

    def test_a_job_that_does_not_run_is_waited_for(self):
        made = TestingScenario([job(1, "a"), {**job(1, "b"), "state": "SCHEDULING"}])
        with self.assertRaisesRegex(TimeoutError, "the second job runs"):
            made.await_running()

    @mock.patch.object(scenario.time, "sleep")
    def test_a_job_ends_when_every_event_has_its_record_once(self, _):
        made = self.two(5, 4)
        second = made.streams[1]
        self.assertEqual("0 lost, 0 duplicated of 4", made.end_job(second))
        self.assertEqual(["first"], [stream.name for stream in made.streams])
        self.assertEqual("stop job-second --wait", made.notes[-1])
        second.feeder.stop.assert_called_once()
        second.reader.stop.assert_called_once()

    @mock.patch.object(scenario.time, "sleep")
    def test_a_job_whose_records_are_lost_or_doubled_is_told(self, _):
        made = self.two(5, 3)
        with self.assertRaisesRegex(TimeoutError, "4 records of the second job"):
            made.end_job(made.streams[1])
        made = self.two(5, 4)
        made.streams[1].commit(1)
        with self.assertRaisesRegex(scenario.Failed, "the second job: 0 lost, 1 duplicated of 4"):
            made.end_job(made.streams[1])

    def test_jobs_come_and_go_with_a_taskmanager(self):
        made = TestingScenario(job(1, "a"))
        made.start_job = lambda name, *_: made.streams.append(TestingStream(name)) or 0.5
        made.end_job = lambda stream: made.streams.remove(stream) or "0 lost"
        faults.have_jobs(made, 2)
        self.assertEqual(["first", "second"], [stream.name for stream in made.streams])
        self.assertEqual(["3 pods", "all pods are ready"], made.notes)
        faults.have_jobs(made, 2)
        self.assertEqual(2, len(made.notes))
        faults.have_jobs(made, 1)
        self.assertEqual("0 lost", made.results["second_verdict"])
        self.assertEqual("2 pods", made.notes[2])

    def test_steps_that_lose_a_jobmanager_have_two(self):
        self.assertEqual({"kill_jobmanager", "lose_jobmanager", "kill_both", "lose_all",
                          "delete_jobmanager"}, {step.__name__ for step in faults.ALL_JOBS})
        self.assertLessEqual(set(faults.ALL_JOBS), set(faults.STEPS))

    def test_a_stream_has_topics_and_a_prefix_of_its_own(self):
        with mock.patch.multiple(kafka_stream, create_topics=mock.DEFAULT, Feeder=mock.DEFAULT,
                                 Reader=mock.DEFAULT) as kafka:
            made = kafka_stream.Stream("host:1", "x", 10)
        self.assertEqual(["--input=events-x", "--output=counts-x", "--prefix=x"], made.arguments)
        kafka["create_topics"].assert_called_once_with("host:1", ["events-x", "counts-x"])
        kafka["Feeder"].assert_called_once_with("host:1", "events-x", 10)
        kafka["Reader"].assert_called_once_with("host:1", "counts-x")


if __name__ == "__main__":
    unittest.main()
