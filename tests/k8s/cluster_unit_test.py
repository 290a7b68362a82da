#!/usr/bin/env python3
"""Unit tests of the stand-in for a cluster, podman_cluster.py, with pods that nobody runs, and of
what it decides about StatefulSets, stateful_sets.py."""

import tempfile
import threading
import unittest
from unittest import mock

import manifests
import podman_cluster
import stateful_sets
import yaml

SET = """
kind: StatefulSet
metadata: {name: tm}
spec:
  serviceName: tm
  replicas: 3
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: tm}}
  template: {metadata: {labels: {app: tm}}, spec: {containers: [{name: main, image: weir:1}]}}
"""


def made(**fields):
    """The StatefulSet with fields of its spec changed; `image` is the template's."""
    one = yaml.safe_load(SET)
    one["spec"]["template"]["spec"]["containers"][0]["image"] = fields.pop("image", "weir:1")
    one["spec"].update(fields)
    return one


def pods(*images, ready=True):
    """name -> pod, of these images by ordinal; "" is one that is not there."""
    return {f"tm-{ordinal}": mock.Mock(template=made(image=image)["spec"]["template"], ready=ready)
            for ordinal, image in enumerate(images) if image}


class Rolling(unittest.TestCase):
    new = made(image="weir:2")

    def test_the_highest_ordinal_of_another_template_goes_first(self):
        self.assertEqual("tm-2", stateful_sets.to_roll(self.new, pods(*["weir:1"] * 3)))
        self.assertEqual("tm-1",
                         stateful_sets.to_roll(self.new, pods("weir:1", "weir:1", "weir:2")))
        self.assertEqual("tm-1",
                         stateful_sets.to_roll(self.new, pods("weir:2", "weir:1", "weir:2")))
        self.assertEqual("", stateful_sets.to_roll(self.new, pods(*["weir:2"] * 3)))

    def test_the_next_one_waits_until_those_above_are_there_and_ready(self):
        self.assertEqual("", stateful_sets.to_roll(self.new, pods("weir:1", "weir:1", "")))
        self.assertEqual("", stateful_sets.to_roll(self.new, {}))
        there = pods("weir:1", "weir:1", "weir:2")
        there["tm-2"].ready = False
        self.assertEqual("", stateful_sets.to_roll(self.new, there))
        there["tm-2"].ready = True
        there["tm-0"].ready = False
        self.assertEqual("tm-1", stateful_sets.to_roll(self.new, there))

    def test_one_that_never_was_ready_is_made_anew(self):
        self.assertEqual("tm-2",
                         stateful_sets.to_roll(self.new, pods(*["weir:1"] * 3, ready=False)))

    def test_more_replicas_come_before_the_others_are_made_anew(self):
        more = made(image="weir:2", replicas=4)
        self.assertEqual("", stateful_sets.to_roll(more, pods(*["weir:1"] * 3)))
        self.assertEqual("tm-2",
                         stateful_sets.to_roll(more, pods(*["weir:1"] * 3, "weir:2")))

    def test_pods_that_are_left_to_whoever_deletes_them_are_not_rolled(self):
        left = made(image="weir:2", updateStrategy={"type": "OnDelete"})
        self.assertEqual("", stateful_sets.to_roll(left, pods(*["weir:1"] * 3)))
        self.assertTrue(stateful_sets.is_settled(left, pods(*["weir:1"] * 3)))

    def test_a_set_is_settled_when_all_of_its_pods_are_ready_and_new(self):
        self.assertTrue(stateful_sets.is_settled(self.new, pods(*["weir:2"] * 3)))
        for other in (pods("weir:1", "weir:2", "weir:2"), pods("weir:2", "weir:2"),
                      pods(*["weir:2"] * 4), pods(*["weir:2"] * 3, ready=False)):
            self.assertFalse(stateful_sets.is_settled(self.new, other))
        self.assertTrue(stateful_sets.is_settled(
            self.new, {**pods(*["weir:2"] * 3), "jm-0": mock.Mock(ready=False)}))

    def test_what_would_not_be_heeded_is_refused(self):
        stateful_sets.check(made(updateStrategy={"rollingUpdate": {"partition": 0}}))
        for fields, words in (
                (dict(podManagementPolicy="OrderedReady"), "one after another"),
                (dict(minReadySeconds=5), "minReadySeconds"),
                (dict(updateStrategy={"rollingUpdate": {"partition": 1}}), "partition"),
                (dict(updateStrategy={"rollingUpdate": {"maxUnavailable": 2}}), "maxUnavailable")):
            with self.subTest(words):
                with self.assertRaisesRegex(manifests.Unsupported, words):
                    stateful_sets.check(made(**fields))
        unsaid = made()
        del unsaid["spec"]["podManagementPolicy"]
        with self.assertRaisesRegex(manifests.Unsupported, "one after another"):
            stateful_sets.check(unsaid)


class TestingCluster(podman_cluster.Cluster):
    """Pods that nobody runs, and that end when `may_end` is set. They are ready at once, unless
    their names are in `unready`. `notes`: how they came and went."""

    def __init__(self, directory):
        self.may_end = threading.Event()
        self.unready = set()
        self.notes = []
        self._rounds = 0
        with mock.patch.object(podman_cluster, "NameServer"):
            super().__init__(directory, "ns")

    def settle(self):
        """Returns when the controller has looked at everything twice more."""
        rounds = self._rounds
        self.wait(lambda: self._rounds > rounds + 1, 30, "the controller has looked")

    def _reconcile(self):
        super()._reconcile()
        self._rounds += 1

    def _prepare_network(self):
        pass

    def _publish(self):
        pass

    def _start_pod(self, name, metadata, spec, watched=True):
        plan = manifests.PodPlan(name, {}, {}, [], spec["containers"], 1, False)
        pod = podman_cluster.Pod(plan, "10.244.1.1", "")
        pod.kubelet = mock.Mock(ready=name not in self.unready)
        self.notes.append(f"{name} of {spec['containers'][0]['image']}")
        return pod

    def _remove_pod(self, pod, grace_seconds):
        self.notes.append(f"{pod.name} ends")
        self.may_end.wait(30)


@mock.patch.object(podman_cluster, "run", lambda *_, **__: "")
class PodsOfTheCluster(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.cluster = TestingCluster(directory.name)
        self.cluster.apply(yaml.safe_dump(made(replicas=2)))
        self.cluster.wait(lambda: self.cluster.is_ready("tm"), 30, "two pods")

    def tearDown(self):
        self.cluster.may_end.set()
        self.cluster.close()

    def test_a_pod_that_is_scaled_away_is_gone_when_it_has_ended(self):
        self.cluster.scale("tm", 1)
        self.cluster.wait(lambda: "tm-1" not in self.cluster.pods, 30, "it is being ended")
        self.assertFalse(self.cluster.is_gone("tm-1"))
        self.cluster.may_end.set()
        self.cluster.wait(lambda: self.cluster.is_gone("tm-1"), 30, "it has ended")
        self.assertFalse(self.cluster.is_gone("tm-0"))

    def test_a_pod_that_is_held_is_not_made_anew_until_it_is_released(self):
        self.cluster.may_end.set()
        self.cluster.hold("tm-0")
        self.cluster.lose_pod("tm-0")
        self.cluster.lose_pod("tm-1")
        self.cluster.wait(lambda: "tm-1" in self.cluster.pods, 30, "the other one is made anew")
        self.assertTrue(self.cluster.is_gone("tm-0"))
        self.cluster.release("tm-0")
        self.cluster.wait(lambda: "tm-0" in self.cluster.pods, 30, "it is made anew")

    def test_an_upgrade_makes_pods_anew_one_by_one_from_the_highest_ordinal(self):
        self.cluster.may_end.set()
        self.cluster.notes.clear()
        self.cluster.apply(yaml.safe_dump(made(replicas=3, image="weir:2")))
        self.assertFalse(self.cluster.is_ready("tm"))
        self.cluster.wait_ready()
        self.assertEqual(["tm-2 of weir:2", "tm-1 ends", "tm-1 of weir:2", "tm-0 ends",
                          "tm-0 of weir:2"], self.cluster.notes)

    def test_an_upgrade_goes_no_further_than_a_pod_that_is_not_ready(self):
        self.cluster.unready.add("tm-1")
        self.cluster.notes.clear()
        self.cluster.apply(yaml.safe_dump(made(replicas=2, image="weir:2")))
        self.cluster.wait(lambda: self.cluster.notes == ["tm-1 ends"], 30, "it is being ended")
        self.cluster.may_end.set()
        self.cluster.wait(lambda: "tm-1" in self.cluster.pods, 30, "it is made anew")
        self.cluster.settle()
        self.assertEqual(["tm-1 ends", "tm-1 of weir:2"], self.cluster.notes)
        self.cluster.pods["tm-1"].kubelet.ready = True
        self.cluster.wait_ready()
        self.assertEqual(["tm-0 ends", "tm-0 of weir:2"], self.cluster.notes[2:])

    def test_a_pod_that_is_lost_in_between_is_made_of_the_new_template(self):
        self.cluster.may_end.set()
        self.cluster.unready.add("tm-1")
        self.cluster.apply(yaml.safe_dump(made(replicas=2, image="weir:2")))
        self.cluster.wait(lambda: "tm-1 of weir:2" in self.cluster.notes, 30, "it is made anew")
        self.cluster.lose_pod("tm-0")
        self.cluster.wait(lambda: "tm-0" in self.cluster.pods, 30, "it is made anew")
        self.assertEqual("tm-0 of weir:2", self.cluster.notes[-1])

    def test_pods_that_are_too_many_end_at_the_same_time(self):
        self.cluster.notes.clear()
        self.cluster.scale("tm", 0)
        self.cluster.wait(lambda: len(self.cluster.notes) == 2, 30, "both are being ended")
        self.assertEqual(["tm-0 ends", "tm-1 ends"], sorted(self.cluster.notes))

    def test_manifests_that_would_not_be_heeded_are_refused_by_apply(self):
        with self.assertRaisesRegex(manifests.Unsupported, "minReadySeconds"):
            self.cluster.apply(yaml.safe_dump(made(minReadySeconds=1)))


if __name__ == "__main__":
    unittest.main()
