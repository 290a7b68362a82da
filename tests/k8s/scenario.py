"""The chart in pods, jobs in it and a stream through each: what the steps of faults.py act on."""

import json
import os
import re
import subprocess
import time

import podman_cluster
import yaml
from kafka_stream import Stream
from podman_cluster import Cluster

NAMESPACE = "streams"
RELEASE = "weir"
JM = "weir-jobmanager"
TM = "weir-taskmanager"
RECOVERY_SECONDS = 120  # of a machine that does other things, too
HERE = os.path.dirname(os.path.abspath(__file__))
CHART = os.path.join(os.path.dirname(os.path.dirname(HERE)), "deploy/chart/weir")


class Failed(Exception):
    """Something did not hold."""


def id_of(log):
    """The job's, of what "weir submit" wrote."""
    return re.search(r"job-[0-9a-f]{32}", log).group(0)


class Scenario:
    """The cluster, and the streams of the jobs in it. "The job" is that of the first one, which is
    there from beginning to end."""

    def __init__(self, options):
        self.options = options
        self.cluster = Cluster(options.work, NAMESPACE)
        kafka, port = options.brokers.rsplit(":", 1)
        self.cluster.extra_names[f"kafka.{NAMESPACE}.svc.{podman_cluster.DOMAIN}"] = [kafka]
        self.brokers = f"kafka:{port}"
        self.host_brokers = f"{podman_cluster.NODE_ADDRESS}:{port}"
        self.results = {"survived": []}
        self.values = {"jobmanager.replicas": 1, "taskmanager.replicas": 2}
        self.streams = []

    # Manifests.

    def render(self, only=None, more=None):
        """helm template, with what was rendered the first time for credentials: `lookup`. `more`:
        values besides those of the release."""
        secrets = self._secrets()
        command = [self.options.helm, "template", RELEASE, CHART, "--namespace", NAMESPACE,
                   "--values", os.path.join(HERE, "values/podman.yaml"),
                   "--set", f"image.repository={self.options.image.rsplit(':', 1)[0]}",
                   "--set", f"image.tag={self.options.image.rsplit(':', 1)[1]}"]
        for key, value in {**self.values, **(more or {})}.items():
            command += ["--set", f"{key}={value}"]
        command += ["--show-only", only] if only else []
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        documents = [one for one in yaml.safe_load_all(text) if one]
        made = [one for one in documents if one["kind"] == "Secret"]
        if not os.path.exists(secrets):
            with open(secrets, "w", encoding="utf-8") as file:
                yaml.safe_dump_all(made, file)
        with open(secrets, encoding="utf-8") as file:
            kept = [one for one in yaml.safe_load_all(file) if only is None]
        return [one for one in documents if one["kind"] != "Secret"] + kept

    def _secrets(self):
        return os.path.join(self.options.work, "secrets.yaml")

    def uninstall(self):
        """With the credentials that the chart has made: installed again, it makes others."""
        self.cluster.uninstall()
        os.remove(self._secrets())

    def apply(self):
        documents = [one for one in self.render() if "helm.sh/hook" not in
                     one["metadata"].get("annotations", {})]
        self.cluster.apply(yaml.safe_dump_all(documents))

    def submission(self, name, *arguments):
        """The pod that submits the job's image with these arguments, under a name of its own."""
        pod = self.render("templates/submit.yaml", {"submit.image": self.options.job_image})[0]
        pod["metadata"]["name"] = name
        pod["spec"]["containers"][0]["args"] = list(arguments)
        return pod

    def run_to_end(self, pod):
        """What the pod wrote, which has to succeed."""
        code, log = self.cluster.run_to_end(pod)
        self.expect(code == 0, f"the pod {pod['metadata']['name']}: exit code {code}: {log}")
        return log

    # What is asked of Weir, in a pod.

    def weir(self, *arguments, check=True):
        pod = next(name for name, one in sorted(self.cluster.pods.items())
                   if name.startswith(JM) and one.ready)
        return self.cluster.execute(pod, "weir", *arguments, check=check)

    def describe(self, stream=None):
        """The description of the stream's job, or of the job."""
        job = (stream or self.streams[0]).job
        return json.loads(self.weir("-o", "json", "describe", job))

    def describe_all(self):
        return [self.describe(stream) for stream in self.streams]

    def state(self, stream=None):
        try:
            return self.describe(stream)["state"]
        except (RuntimeError, StopIteration, ValueError, KeyError):
            return "unknown"

    def task_managers(self):
        return self.weir("-o", "name", "tm", "list").split()

    def worker_pods(self, job=None):
        """The pods of the job's workers, by name; '?' for one whose pod is not there."""
        listed = json.loads(self.weir("-o", "json", "tm", "list"))["taskmanagers"]
        hosts = {one["taskmanager_id"]: one["host"] for one in listed}
        names = {pod.ip: name for name, pod in list(self.cluster.pods.items())}
        return {names.get(hosts.get(worker["taskmanager"]), "?")
                for worker in (job or self.describe())["workers"]}

    def await_running(self):
        for stream in self.streams:
            self.cluster.wait(lambda stream=stream: self.state(stream) == "RUNNING",
                              RECOVERY_SECONDS, f"the {stream.name} job runs")

    def grow(self, replicas):
        """More TaskManagers, and all of them ready."""
        self.cluster.scale(TM, replicas)
        self.cluster.wait_ready()

    def shrink(self, replicas):
        """Fewer TaskManagers; returns when the pods that go have ended."""
        gone = [name for name in self.cluster.pods
                if name.startswith(TM) and int(name.rpartition("-")[2]) >= replicas]
        self.cluster.scale(TM, replicas)
        for name in gone:
            self.cluster.wait(lambda name=name: self.cluster.is_gone(name), RECOVERY_SECONDS,
                              f"{name} has ended")

    def settle(self):
        """All jobs run, the job on pods that are there, and all pods are ready."""
        self.await_running()
        self.cluster.wait(lambda: self.worker_pods() <= set(self.cluster.pods), RECOVERY_SECONDS,
                          "the job is on pods that are there")
        self.cluster.wait_ready()

    def leader(self):
        text = self.weir("-o", "json", "cluster", "describe")
        return json.loads(text)["leader"]["address"].split(".")[0]

    def say(self, text):
        print(f"k8s: {time.strftime('%H:%M:%S')} {text}", flush=True)

    # Jobs and their streams.

    def start_job(self, name, per_second, *arguments):
        """Feeds a stream and submits its job, by a pod of the job's own image and through the
        service. Seconds until its first record."""
        stream = Stream(self.host_brokers, name, per_second)
        self.streams.append(stream)
        pod = self.submission(f"submit-{name}", "/job", "--", f"--brokers={self.brokers}",
                              *stream.arguments, *arguments)
        start = time.monotonic()
        stream.job = id_of(self.run_to_end(pod))
        self.cluster.wait(lambda: stream.reader.first, RECOVERY_SECONDS,
                          f"the first record of the {name} job")
        return stream.reader.first - start

    def end_job(self, stream):
        """Stops the stream and then its job. Every event has its record, once, with the right
        count; the sentence that says so."""
        stream.feeder.stop()
        self.cluster.wait(stream.is_complete, RECOVERY_SECONDS,
                          f"{stream.feeder.fed} records of the {stream.name} job are committed")
        self.weir("stop", stream.job, "--wait")
        time.sleep(2)  # what would come behind the last one
        stream.reader.stop()
        verdict = stream.oracle.verdict(stream.feeder.fed)
        self.expect(stream.oracle.holds(stream.feeder.fed), f"the {stream.name} job: {verdict}")
        self.streams.remove(stream)
        return verdict

    def await_progress(self, what):
        """Seconds until every job has committed a record that was fed from now on."""
        marks = [(stream, stream.feeder.fed) for stream in self.streams]
        seconds = sum(self.cluster.wait(
            lambda stream=stream, mark=mark: len(stream.oracle.seen) > mark, RECOVERY_SECONDS,
            f"records of the {stream.name} job flow after: {what}") for stream, mark in marks)
        for stream in self.streams:
            self.expect(not stream.broken(), f"after: {what}: {stream.broken()}")
        return seconds

    def survive(self, row, fault, expect):
        """One row of the table: does it, waits until all jobs run and records flow again, calls
        `expect` with the jobs' descriptions from before, to check what the row says that happens,
        and waits until all pods are ready."""
        self.say(row)
        before = self.describe_all()
        start = time.monotonic()
        fault()
        done = time.monotonic() - start
        seconds = done + self.await_progress(row)
        self.await_running()
        expect(before)
        self.cluster.wait_ready()
        self.await_running()
        self.results["survived"].append({"fault": row, "seconds": round(seconds, 1)})
        self.say(f"  records flow again after {seconds:.1f} s; {self.describe()['reason']}")

    def expect(self, condition, what):
        if not condition:
            raise Failed(f"{what}\n{self.cluster.describe()}")
