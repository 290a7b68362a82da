#!/usr/bin/env python3
"""The chart in pods, a job in it, and what it survives.

  faults.py --image IMAGE --job-image IMAGE --helm HELM --brokers NAME:PORT --work DIRECTORY
            [--results FILE] [STEP...]

Runs in run_in_namespaces.sh, with Kafka at --brokers. A feeder and a reader go on all the time;
each step does something to the pods, and then the job has to run and records have to be committed
that were fed after that. In the end every event has its one record, with the right count. --results
gets what was measured and survived, as JSON. Steps by name run alone, after install and submit.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time

import podman_cluster
import yaml
from kafka_stream import Feeder, Reader, create_topics
from podman_cluster import Cluster, memory_of, processes_of

NAMESPACE = "streams"
RELEASE = "weir"
JM = "weir-jobmanager"
TM = "weir-taskmanager"
EVENTS_PER_SECOND = 1000
RECOVERY_SECONDS = 120  # of a machine that does other things, too
HERE = os.path.dirname(os.path.abspath(__file__))
CHART = os.path.join(os.path.dirname(os.path.dirname(HERE)), "deploy/chart/weir")


class Failed(Exception):
    """Something did not hold."""


class Scenario:
    """The cluster, the job and the stream through it."""

    def __init__(self, options):
        self.options = options
        self.cluster = Cluster(options.work, NAMESPACE)
        kafka, port = options.brokers.rsplit(":", 1)
        self.cluster.extra_names[f"kafka.{NAMESPACE}.svc.{podman_cluster.DOMAIN}"] = [kafka]
        self.brokers = f"kafka:{port}"
        self.results = {"survived": []}
        self.values = {"jobmanager.replicas": 1, "taskmanager.replicas": 2}
        self.feeder = self.reader = None
        self.job = ""

    # Manifests.

    def render(self, only=None):
        """helm template, with what was rendered the first time for credentials: `lookup`."""
        secrets = os.path.join(self.options.work, "secrets.yaml")
        command = [self.options.helm, "template", RELEASE, CHART, "--namespace", NAMESPACE,
                   "--values", os.path.join(HERE, "values/podman.yaml"),
                   "--set", f"image.repository={self.options.image.rsplit(':', 1)[0]}",
                   "--set", f"image.tag={self.options.image.rsplit(':', 1)[1]}"]
        for key, value in self.values.items():
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

    def apply(self):
        documents = [one for one in self.render() if "helm.sh/hook" not in
                     one["metadata"].get("annotations", {})]
        self.cluster.apply(yaml.safe_dump_all(documents))

    # What is asked of Weir, in a pod.

    def weir(self, *arguments, check=True):
        pod = next(name for name, one in sorted(self.cluster.pods.items())
                   if name.startswith(JM) and one.ready)
        return self.cluster.execute(pod, "weir", *arguments, check=check)

    def describe(self):
        return json.loads(self.weir("-o", "json", "describe", self.job))

    def state(self):
        try:
            return self.describe()["state"]
        except (RuntimeError, StopIteration, ValueError, KeyError):
            return "unknown"

    def task_managers(self):
        return self.weir("-o", "name", "tm", "list").split()

    def leader(self):
        text = self.weir("-o", "json", "cluster", "describe")
        return json.loads(text)["leader"]["address"].split(".")[0]

    def say(self, text):
        print(f"k8s: {time.strftime('%H:%M:%S')} {text}", flush=True)

    # Whether the stream goes on.

    def await_progress(self, what):
        """Seconds until a record is committed that was fed from now on."""
        mark = self.feeder.fed
        seconds = self.cluster.wait(lambda: len(self.reader.oracle.seen) > mark,
                                    RECOVERY_SECONDS, f"records flow after: {what}")
        if self.reader.oracle.duplicated or self.reader.oracle.wrong:
            raise Failed(f"after: {what}: {self.reader.oracle.verdict(self.feeder.fed)}")
        return seconds

    def survive(self, row, fault):
        """One row of the table: does it, and waits until all is well again."""
        self.say(row)
        start = time.monotonic()
        fault()
        done = time.monotonic() - start
        seconds = done + self.await_progress(row)
        self.cluster.wait_ready()
        self.cluster.wait(lambda: self.state() == "RUNNING", RECOVERY_SECONDS, "the job runs")
        self.results["survived"].append({"fault": row, "seconds": round(seconds, 1)})
        self.say(f"  records flow again after {seconds:.1f} s; {self.describe()['reason']}")

    def expect(self, condition, what):
        if not condition:
            raise Failed(f"{what}\n{self.cluster.describe()}")


def helm_test(scenario):
    code, log = scenario.cluster.run_to_end(scenario.render("templates/tests/cluster.yaml")[0])
    scenario.expect(code == 0, f"helm test: exit code {code}: {log}")


def install(scenario):
    start = time.monotonic()
    scenario.apply()
    scenario.cluster.wait_ready()
    ready = time.monotonic() - start
    helm_test(scenario)
    refused = scenario.weir("--security.token-file=/etc/hostname", "list", check=False)
    scenario.expect("token" in refused and "NAME" not in refused,
                    f"a wrong token is not refused: {refused}")
    scenario.results["install_seconds"] = round(ready, 1)
    scenario.say(f"installed: all pods ready after {ready:.1f} s, helm test passed")


def submit(scenario):
    """By a pod of the job's own image, through the service."""
    brokers = f"{podman_cluster.NODE_ADDRESS}:{scenario.options.brokers.rsplit(':', 1)[1]}"
    create_topics(brokers, ["events", "counts"])
    scenario.feeder = Feeder(brokers, "events", EVENTS_PER_SECOND)
    scenario.reader = Reader(brokers, "counts")
    with open(os.path.join(HERE, "submit.yaml"), encoding="utf-8") as file:
        pod = yaml.safe_load(file)
    container = pod["spec"]["containers"][0]
    container["image"] = scenario.options.job_image
    container["args"] += ["--", f"--brokers={scenario.brokers}", "--parallelism=4"]
    start = time.monotonic()
    code, log = scenario.cluster.run_to_end(pod)
    scenario.expect(code == 0, f"the submitting pod: exit code {code}: {log}")
    scenario.job = json.loads(scenario.weir("-o", "json", "list"))["jobs"][0]["job_id"]
    scenario.cluster.wait(lambda: scenario.reader.first, RECOVERY_SECONDS, "the first record")
    seconds = scenario.reader.first - start
    scenario.results["submit_to_first_record_seconds"] = round(seconds, 1)
    scenario.results["cold_start_seconds"] = round(
        scenario.results["install_seconds"] + seconds, 1)
    scenario.say(f"submitted by a pod: the first committed record after {seconds:.1f} s")
    workers = {worker["taskmanager"] for worker in scenario.describe()["workers"]}
    scenario.expect(len(workers) == 2, f"the job runs on {len(workers)} TaskManagers, not on 2")


def kill_taskmanager(scenario):
    scenario.survive("kill -9 of a TaskManager, whose pod restarts it",
                     lambda: scenario.cluster.kill_container(f"{TM}-0"))
    scenario.expect(scenario.cluster.pods[f"{TM}-0"].kubelet.restarts > 0, "it was restarted")


def lose_taskmanager(scenario):
    before = scenario.cluster.pods[f"{TM}-1"].ip
    scenario.survive("TaskManager pod lost with its disk, back at another address",
                     lambda: scenario.cluster.lose_pod(f"{TM}-1"))
    after = scenario.cluster.pods[f"{TM}-1"].ip
    scenario.expect(before != after, f"the pod came back at the same address {after}")


def kill_jobmanager(scenario):
    scenario.survive("kill -9 of the JobManager, whose pod restarts it",
                     lambda: scenario.cluster.kill_container(f"{JM}-0"))


def lose_jobmanager(scenario):
    scenario.survive("JobManager pod lost with its disk, back at another address",
                     lambda: scenario.cluster.lose_pod(f"{JM}-0"))


def kill_both(scenario):
    def fault():
        scenario.cluster.kill_container(f"{JM}-0")
        scenario.cluster.kill_container(f"{TM}-0")
    scenario.survive("kill -9 of JobManager and TaskManager", fault)


def lose_all(scenario):
    def fault():
        for pod in sorted(scenario.cluster.pods):
            scenario.cluster.lose_pod(pod)
    scenario.survive("all pods lost with their disks", fault)


def delete_taskmanager(scenario):
    def fault():
        seconds = scenario.cluster.delete_pod(f"{TM}-0")
        scenario.expect(seconds < 15, f"SIGTERM: the TaskManager took {seconds:.1f} s to end")
    scenario.survive("TaskManager pod deleted (SIGTERM)", fault)


def delete_jobmanager(scenario):
    workers = {worker["worker_id"] for worker in scenario.describe()["workers"]}

    def fault():
        seconds = scenario.cluster.delete_pod(f"{JM}-0")
        scenario.expect(seconds < 15, f"SIGTERM: the JobManager took {seconds:.1f} s to end")
    scenario.survive("JobManager pod deleted (SIGTERM)", fault)
    after = {worker["worker_id"] for worker in scenario.describe()["workers"]}
    scenario.expect(workers == after, "SIGTERM of the JobManager ended workers")


def scale(scenario):
    cluster = scenario.cluster

    def up():
        cluster.scale(TM, 3)
        cluster.wait_ready()
        cluster.lose_pod(f"{TM}-0")
    scenario.survive("scaled to 3 TaskManagers, then one lost: its tasks go to the spare", up)

    def down():
        cluster.scale(TM, 2)
        cluster.wait(lambda: f"{TM}-2" not in cluster.pods, RECOVERY_SECONDS, "2 TaskManagers")
    scenario.survive("scaled from 3 TaskManagers to 2", down)

    def one():
        cluster.scale(TM, 1)
        cluster.wait(lambda: scenario.state() == "SCHEDULING", RECOVERY_SECONDS, "it waits")
        cluster.scale(TM, 2)
    scenario.survive("scaled to too few slots, where the job waits, and back", one)


def zombie(scenario):
    """A pod that is cut off, taken for dead, and comes back with its old workers."""
    cluster = scenario.cluster
    cluster.scale(TM, 3)
    cluster.wait_ready()
    busy = {worker["taskmanager"] for worker in scenario.describe()["workers"]}
    scenario.expect(len(busy) == 2, f"the job runs on {len(busy)} TaskManagers")
    pod = cluster.pods[f"{TM}-0"].container()
    former = scenario.describe()["generation"]
    workers = processes_of(cluster.pods[f"{TM}-0"])[1:]
    scenario.expect(workers, "the TaskManager has no worker")

    def fault():
        podman_cluster.run("podman", "pause", pod)
        cluster.wait(lambda: scenario.describe()["generation"] > former and
                     scenario.state() == "RUNNING", RECOVERY_SECONDS, "its tasks are elsewhere")
        podman_cluster.run("podman", "unpause", pod)
        cluster.wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers),
                     RECOVERY_SECONDS, "its old workers have ended")
    scenario.survive("TaskManager pod frozen, taken for lost, and back with its old workers", fault)
    cluster.scale(TM, 2)


def memory_limit(scenario):
    """A second job that hoards memory: its worker dies by its own limit, and nothing else."""
    cluster = scenario.cluster
    cluster.scale(TM, 3)
    cluster.wait_ready()
    before = scenario.describe()
    restarts = {name: pod.kubelet.restarts for name, pod in cluster.pods.items()}
    with open(os.path.join(HERE, "submit.yaml"), encoding="utf-8") as file:
        pod = yaml.safe_load(file)
    pod["metadata"]["name"] = "submit-hoarder"
    container = pod["spec"]["containers"][0]
    container["image"] = scenario.options.job_image
    container["args"] = [one for one in container["args"] if one != "/job"] + [
        "--restart.strategy=none", "--no-wait", "/job", "--", f"--brokers={scenario.brokers}",
        "--prefix=hoarder", "--hoard=4"]
    code, log = cluster.run_to_end(pod)
    scenario.expect(code == 0, f"the hoarder was not submitted: {log}")
    hoarder = re.search(r"job-[0-9a-f]{32}", log).group(0)

    def failed():
        return json.loads(scenario.weir("-o", "json", "describe", hoarder))["state"] == "FAILED"
    cluster.wait(failed, RECOVERY_SECONDS, "the hoarder has failed")
    reason = json.loads(scenario.weir("-o", "json", "describe", hoarder))["reason"]
    scenario.expect("killed by its TaskManager: it used" in reason, f"its reason: {reason}")
    after = scenario.describe()
    scenario.expect(before["generation"] == after["generation"], "the other job was disturbed")
    scenario.expect(restarts == {name: one.kubelet.restarts for name, one in cluster.pods.items()},
                    "a pod was restarted")
    scenario.survive("worker over its memory limit: it alone dies", lambda: None)
    cluster.scale(TM, 2)


def standby(scenario):
    scenario.values["jobmanager.replicas"] = 2
    scenario.survive("upgrade to 2 JobManagers", scenario.apply)
    leader = scenario.leader()
    scenario.survive("leading JobManager pod lost: the standby takes over",
                     lambda: scenario.cluster.lose_pod(leader))
    scenario.expect(scenario.leader() != leader, f"{leader} leads again")


def reinstall(scenario):
    """helm uninstall, and install again: the claim has stayed, and with it the job."""
    def fault():
        scenario.cluster.uninstall()
        scenario.values["taskmanager.localState.type"] = "persistentVolumeClaim"
        scenario.values["tls.requireClientCertificate"] = "true"
        scenario.apply()
    scenario.survive("uninstalled, and installed again with the same storage", fault)
    helm_test(scenario)
    scenario.survive("TaskManager pod lost, whose disk is a claim and comes back",
                     lambda: scenario.cluster.lose_pod(f"{TM}-0"))
    log = scenario.cluster.logs(f"{TM}-0")
    scenario.expect("fetching an artifact" not in log,
                    f"the job's program was fetched again, though its disk came back: {log}")


STEPS = [kill_taskmanager, lose_taskmanager, kill_jobmanager, lose_jobmanager, kill_both, lose_all,
         delete_taskmanager, delete_jobmanager, scale, zombie, memory_limit, standby, reinstall]


def measure(scenario):
    found = {}
    for name, pod in sorted(scenario.cluster.pods.items()):
        used, limit = memory_of(pod)
        found[name] = {"mib": round(used / 2**20, 1), "limit": limit}
    scenario.results["memory"] = found
    scenario.results["image_mb"] = round(
        podman_cluster.image_bytes(scenario.options.image) / 1e6, 1)


def finish(scenario):
    """Every event has its record, once, with the right count; then nothing is left."""
    scenario.feeder.stop()
    fed = scenario.feeder.fed
    scenario.cluster.wait(lambda: len(scenario.reader.oracle.seen) >= fed, RECOVERY_SECONDS,
                          f"{fed} records are committed")
    scenario.weir("stop", scenario.job, "--wait")
    time.sleep(2)  # what would come behind the last one
    scenario.reader.stop()
    verdict = scenario.reader.oracle.verdict(fed)
    scenario.expect(scenario.reader.oracle.holds(fed), verdict)
    scenario.results["verdict"] = verdict
    scenario.cluster.uninstall()
    return verdict


def tell(scenario):
    """All that may say why something failed."""
    for name in list(scenario.cluster.pods):
        print(f"--- {name}\n" + "\n".join(scenario.cluster.logs(name).splitlines()[-40:]))
    for arguments in (["describe"], ["logs", "--tail=40"]) if scenario.job else ():
        try:
            print(f"--- weir {arguments[0]}\n" + scenario.weir(*arguments, scenario.job,
                                                              check=False))
        except (RuntimeError, StopIteration, subprocess.TimeoutExpired) as error:
            print(f"weir {arguments[0]}: {error}")
    print("\n".join(scenario.cluster.events))


def parse():
    parser = argparse.ArgumentParser()
    for name in ("image", "job-image", "helm", "brokers", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--results")
    parser.add_argument("steps", nargs="*")
    return parser.parse_args()


def main():
    options = parse()
    known = {step.__name__: step for step in STEPS}
    for name in options.steps:
        if name not in known:
            sys.exit(f"there is no step '{name}'; there are: {', '.join(known)}")
    scenario = Scenario(options)
    try:
        install(scenario)
        submit(scenario)
        measure(scenario)
        for step in [known[name] for name in options.steps] or STEPS:
            step(scenario)
        verdict = finish(scenario)
    except (Failed, TimeoutError, RuntimeError) as error:
        tell(scenario)
        sys.exit(f"k8s: failed: {error}")
    finally:
        scenario.cluster.close()
    if options.results:
        with open(options.results, "w", encoding="utf-8") as file:
            json.dump(scenario.results, file, indent=1)
    print(f"k8s: {len(scenario.results['survived'])} faults survived: {verdict}")


if __name__ == "__main__":
    main()
