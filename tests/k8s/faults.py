#!/usr/bin/env python3
"""The chart in pods, jobs in it, and what they survive.

  faults.py --image IMAGE --job-image IMAGE --helm HELM --brokers NAME:PORT --work DIRECTORY
            [--results FILE] [--checks TEXT] [STEP...]

Runs in run_in_namespaces.sh, with Kafka at --brokers. A feeder and a reader go on all the time;
each step does something to the pods, and then the job has to run and records have to be committed
that were fed after that. Steps after which all jobs have to go on are done to two of them. In the
end every event of each has its one record, with the right count. --results gets what was measured
and survived, as JSON. Steps by name run alone, after install and submit. --checks is what the last
line says before what was survived.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time

import podman_cluster
from kafka_stream import create_topics
from podman_cluster import memory_of, processes_of
from scenario import JM, RECOVERY_SECONDS, TM, Failed, Scenario, id_of

EVENTS_PER_SECOND = 1000
EVENTS_OF_SECOND = 200
FETCHED = "fetching an artifact"  # in a TaskManager's log, with the program of a job


def helm_test(scenario):
    scenario.run_to_end(scenario.render("templates/tests/cluster.yaml")[0])


def install(scenario):
    start = time.monotonic()
    scenario.apply()
    scenario.cluster.wait_ready()
    ready = time.monotonic() - start
    helm_test(scenario)
    refused = scenario.weir("--security.token-file=/etc/hostname", "list", check=False)
    scenario.expect("token" in refused and "NAME" not in refused,
                    f"a wrong token is not refused: {refused}")
    for pod in (f"{JM}-0", f"{TM}-0"):
        said = scenario.cluster.execute(pod, "sh", "-c", "id -u; touch /here 2>&1 || true")
        scenario.expect("10001" in said and "Read-only file system" in said,
                        f"{pod} runs as another user, or may write to its root: {said}")
    scenario.results["install_seconds"] = round(ready, 1)
    scenario.say(f"installed: all pods ready after {ready:.1f} s, helm test passed")


def submit(scenario):
    seconds = scenario.start_job("first", EVENTS_PER_SECOND, "--parallelism=4")
    scenario.results["submit_to_first_record_seconds"] = round(seconds, 1)
    scenario.results["cold_start_seconds"] = round(
        scenario.results["install_seconds"] + seconds, 1)
    scenario.say(f"submitted by a pod: the first committed record after {seconds:.1f} s")
    workers = {worker["taskmanager"] for worker in scenario.describe()["workers"]}
    scenario.expect(len(workers) == 2, f"the job runs on {len(workers)} TaskManagers, not on 2")


def have_jobs(scenario, count):
    """Two: a second job runs beside the first, on one TaskManager more. One: it has ended, with
    every record once, and the first job is on the others."""
    if count > len(scenario.streams):
        scenario.grow(3)
        seconds = scenario.start_job("second", EVENTS_OF_SECOND)
        scenario.say(f"a second job: its first committed record after {seconds:.1f} s")
    elif count < len(scenario.streams):
        verdict = scenario.end_job(scenario.streams[1])
        scenario.results["second_verdict"] = verdict
        scenario.say(f"the second job has ended: {verdict}")
        scenario.shrink(2)
        scenario.settle()


def workers_of(job):
    """The ids and processes of the job's workers."""
    return {(worker["worker_id"], worker["pid"]) for worker in job["workers"]}


def rolled_back(scenario, before):
    """All jobs started from a checkpoint: they have a later generation. (before, after) of each."""
    pairs = list(zip(before, scenario.describe_all(), strict=True))
    for number, (then, now) in enumerate(pairs, 1):
        scenario.expect(now["generation"] > then["generation"],
                        f"job {number} was not started anew: generation {now['generation']}")
    return pairs


def rolled_back_in_place(scenario, before):
    """The same processes, at another generation."""
    for then, now in rolled_back(scenario, before):
        scenario.expect(workers_of(then) == workers_of(now),
                        f"workers ended: {workers_of(then)} became {workers_of(now)}")


def rolled_back_anew(scenario, before):
    """In other processes, all of them."""
    for then, now in rolled_back(scenario, before):
        both = workers_of(then) & workers_of(now)
        scenario.expect(not both, f"workers are still there: {both}")


def kill_taskmanager(scenario):
    def back(before):
        rolled_back(scenario, before)
        scenario.expect(scenario.cluster.pods[f"{TM}-0"].kubelet.restarts > 0, "it was restarted")
    scenario.survive("kill -9 of a TaskManager, whose pod restarts it",
                     lambda: scenario.cluster.kill_container(f"{TM}-0"), back)


def lose_taskmanager(scenario):
    address = scenario.cluster.pods[f"{TM}-1"].ip

    def back(before):
        rolled_back(scenario, before)
        new = scenario.cluster.pods[f"{TM}-1"].ip
        scenario.expect(address != new, f"the pod came back at the same address {new}")
        scenario.expect(FETCHED in scenario.cluster.logs(f"{TM}-1"),
                        "the job's program was not fetched, though its disk was lost")
    scenario.survive("TaskManager pod lost with its disk, back at another address",
                     lambda: scenario.cluster.lose_pod(f"{TM}-1"), back)


def kill_jobmanager(scenario):
    scenario.survive("kill -9 of the JobManager, whose pod restarts it",
                     lambda: scenario.cluster.kill_container(f"{JM}-0"),
                     lambda before: rolled_back_in_place(scenario, before))


def lose_jobmanager(scenario):
    address = scenario.cluster.pods[f"{JM}-0"].ip

    def back(before):
        rolled_back_in_place(scenario, before)
        new = scenario.cluster.pods[f"{JM}-0"].ip
        scenario.expect(address != new, f"the pod came back at the same address {new}")
    scenario.survive("JobManager pod lost with its disk, back at another address",
                     lambda: scenario.cluster.lose_pod(f"{JM}-0"), back)


def kill_both(scenario):
    def fault():
        scenario.cluster.kill_container(f"{JM}-0")
        scenario.cluster.kill_container(f"{TM}-0")
    scenario.survive("kill -9 of JobManager and TaskManager", fault,
                     lambda before: rolled_back(scenario, before))


def lose_all(scenario):
    def fault():
        # None comes back while others are still there.
        pods = sorted(scenario.cluster.pods)
        for act in (scenario.cluster.hold, scenario.cluster.lose_pod, scenario.cluster.release):
            for pod in pods:
                act(pod)
    scenario.survive("all pods lost with their disks", fault,
                     lambda before: rolled_back_anew(scenario, before))


def delete_taskmanager(scenario):
    def fault():
        seconds = scenario.cluster.delete_pod(f"{TM}-0")
        scenario.expect(seconds < 15, f"SIGTERM: the TaskManager took {seconds:.1f} s to end")
        log = scenario.cluster.ended_log(f"{TM}-0")
        for said in ("leaving the cluster", "left the cluster"):
            scenario.expect(said in log, f"SIGTERM: the TaskManager does not say '{said}': {log}")
    scenario.survive("TaskManager pod deleted (SIGTERM)", fault,
                     lambda before: rolled_back(scenario, before))


def delete_jobmanager(scenario):
    def fault():
        seconds = scenario.cluster.delete_pod(f"{JM}-0")
        scenario.expect(seconds < 15, f"SIGTERM: the JobManager took {seconds:.1f} s to end")
    scenario.survive("JobManager pod deleted (SIGTERM)", fault,
                     lambda before: rolled_back_in_place(scenario, before))


def scale(scenario):
    cluster = scenario.cluster
    scenario.grow(3)
    lost = f"{TM}-0"
    cluster.hold(lost)

    def on_the_spare(before):
        rolled_back(scenario, before)
        scenario.expect(cluster.is_gone(lost), f"{lost} has come back by itself")
        pods = scenario.worker_pods()
        scenario.expect(pods == {f"{TM}-1", f"{TM}-2"}, f"the job is on {pods}")
        cluster.release(lost)
    scenario.survive("scaled to 3 TaskManagers, then one lost: its tasks go to the spare",
                     lambda: cluster.lose_pod(lost), on_the_spare)

    def moved(before):
        rolled_back(scenario, before)
        pods = scenario.worker_pods()
        scenario.expect(pods == {f"{TM}-0", f"{TM}-1"}, f"the job is on {pods}")
    pods = scenario.worker_pods()
    scenario.expect(f"{TM}-2" in pods, f"no worker is on the pod that goes: {pods}")
    scenario.survive("scaled from 3 TaskManagers to 2", lambda: scenario.shrink(2), moved)

    def waits():
        scenario.shrink(1)
        cluster.wait(lambda: scenario.state() == "SCHEDULING", RECOVERY_SECONDS, "it waits")
        cluster.scale(TM, 2)
    scenario.survive("scaled to too few slots, where the job waits, and back", waits,
                     lambda before: rolled_back(scenario, before))


def zombie(scenario):
    """A pod that is cut off, taken for dead, and comes back with its old workers."""
    cluster = scenario.cluster
    scenario.grow(3)
    job = scenario.describe()
    pods = scenario.worker_pods(job)
    scenario.expect(pods == {f"{TM}-0", f"{TM}-1"}, f"the job is on {pods}")
    pod = cluster.pods[f"{TM}-0"].container()
    workers = processes_of(cluster.pods[f"{TM}-0"])[1:]
    scenario.expect(workers, "the TaskManager has no worker")

    def fault():
        podman_cluster.run("podman", "pause", pod)
        cluster.wait(lambda: scenario.describe()["generation"] > job["generation"] and
                     scenario.state() == "RUNNING", RECOVERY_SECONDS, "its tasks are elsewhere")
        podman_cluster.run("podman", "unpause", pod)
        cluster.wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers),
                     RECOVERY_SECONDS, "its old workers have ended")

    def elsewhere(before):
        rolled_back(scenario, before)
        pods = scenario.worker_pods()
        scenario.expect(pods == {f"{TM}-1", f"{TM}-2"}, f"the job is on {pods}")
    scenario.survive("TaskManager pod frozen, taken for lost, and back with its old workers", fault,
                     elsewhere)
    scenario.shrink(2)
    scenario.settle()


def submit_hoarder(scenario):
    """Another job, which keeps all that it sees: its id."""
    create_topics(scenario.host_brokers, ["counts-hoarder"])
    pod = scenario.submission(
        "submit-hoarder", "--restart.strategy=none", "--no-wait", "/job", "--",
        f"--brokers={scenario.brokers}", f"--input={scenario.streams[0].input}",
        "--output=counts-hoarder", "--prefix=hoarder", "--hoard=4")
    return id_of(scenario.run_to_end(pod))


def spread_thin(scenario):
    """Two of the job's four slots go to two TaskManagers that have another one free each."""
    scenario.grow(4)
    scenario.cluster.hold(f"{TM}-0")
    scenario.cluster.lose_pod(f"{TM}-0")
    wanted = {f"{TM}-{ordinal}" for ordinal in (1, 2, 3)}
    scenario.cluster.wait(lambda: scenario.state() == "RUNNING" and
                          scenario.worker_pods() == wanted, RECOVERY_SECONDS,
                          f"the job is on {sorted(wanted)}")
    scenario.await_progress("spread over three TaskManagers")


def memory_limit(scenario):
    """Another job that hoards memory beside a worker of the job: it dies by its TaskManager's
    limit, and nothing else does."""
    cluster = scenario.cluster
    spread_thin(scenario)
    restarts = {name: pod.kubelet.restarts for name, pod in cluster.pods.items()}
    job = scenario.describe()

    def details():
        return json.loads(scenario.weir("-o", "json", "describe", hoarder))

    def alone(_):
        reason = details()["reason"]
        killed = re.search(r"on TaskManager (\S+) killed by its TaskManager: it used", reason)
        scenario.expect(killed, f"its reason: {reason}")
        neighbours = {worker["taskmanager"] for worker in job["workers"]}
        scenario.expect(killed.group(1) in neighbours, f"no worker was beside it: {reason}")
        after = scenario.describe()
        scenario.expect(job["generation"] == after["generation"] and
                        workers_of(job) == workers_of(after), "the other job was disturbed")
        scenario.expect(
            restarts == {name: one.kubelet.restarts for name, one in cluster.pods.items()},
            "a pod was restarted")
        cluster.release(f"{TM}-0")
    hoarder = submit_hoarder(scenario)
    scenario.survive(
        "worker over its memory limit: it alone dies",
        lambda: cluster.wait(lambda: details()["state"] == "FAILED", RECOVERY_SECONDS,
                             "the hoarder has failed"), alone)
    scenario.shrink(2)
    scenario.settle()


def standby(scenario):
    addresses = {name: pod.ip for name, pod in scenario.cluster.pods.items()}

    def anew(before):
        rolled_back(scenario, before)
        now = {name: pod.ip for name, pod in scenario.cluster.pods.items()}
        kept = [name for name in addresses if addresses[name] == now[name]]
        scenario.expect(not kept, f"these pods were not made anew: {kept}")
        scenario.expect(f"{JM}-1" in now, "there is no standby")

    def upgrade():
        scenario.values["jobmanager.replicas"] = 2
        scenario.apply()
        scenario.cluster.wait_ready()
    scenario.survive("upgrade to 2 JobManagers", upgrade, anew)
    leader = scenario.leader()

    def leads(before):
        rolled_back_in_place(scenario, before)
        scenario.expect(scenario.leader() != leader, f"{leader} leads again")
    scenario.survive("leading JobManager pod lost: the standby takes over",
                     lambda: scenario.cluster.lose_pod(leader), leads)


def submit_with_certificate(scenario):
    """Where clients have to present a certificate, the pod that submits has one. There is no slot
    for the job, which is cancelled before it runs."""
    pod = scenario.submission("submit-certified", "--no-wait", "/job", "--",
                              f"--brokers={scenario.brokers}",
                              f"--input={scenario.streams[0].input}", "--prefix=certified")
    scenario.weir("cancel", id_of(scenario.run_to_end(pod)), "--wait")


def reinstall(scenario):
    """helm uninstall, and install again: the claim has stayed, and with it the job; the
    credentials are others."""
    cluster = scenario.cluster

    def fault():
        scenario.uninstall()
        scenario.values["taskmanager.localState.type"] = "persistentVolumeClaim"
        scenario.values["tls.requireClientCertificate"] = "true"
        scenario.apply()
    scenario.survive("uninstalled, and installed again with the same storage", fault,
                     lambda before: rolled_back_anew(scenario, before))
    helm_test(scenario)
    submit_with_certificate(scenario)

    def has_its_disk(before):
        rolled_back(scenario, before)
        cluster.wait_ready()
        log = cluster.logs(f"{TM}-0")
        scenario.expect(FETCHED not in log,
                        f"the job's program was fetched again, though its disk came back: {log}")
    scenario.survive("TaskManager pod lost, whose disk is a claim and comes back",
                     lambda: cluster.lose_pod(f"{TM}-0"), has_its_disk)


# With two jobs: all of them have to be found, and started again.
ALL_JOBS = [kill_jobmanager, lose_jobmanager, kill_both, lose_all, delete_jobmanager]
STEPS = [kill_taskmanager, lose_taskmanager, delete_taskmanager, *ALL_JOBS, scale, zombie,
         memory_limit, standby, reinstall]


def measure(scenario):
    found = {}
    for name, pod in sorted(scenario.cluster.pods.items()):
        used, limit = memory_of(pod)
        found[name] = {"mib": round(used / 2**20, 1), "limit": limit}
    scenario.results["memory"] = found
    scenario.results["image_mb"] = round(
        podman_cluster.image_bytes(scenario.options.image) / 1e6, 1)


def finish(scenario):
    """Every event has its record, once, with the right count; then nothing is left. What the last
    line says of that."""
    have_jobs(scenario, 1)
    verdict = scenario.results["verdict"] = scenario.end_job(scenario.streams[0])
    storage = scenario.cluster.claim_directory("weir-storage")
    scenario.cluster.uninstall()
    scenario.expect(os.path.exists(storage), "the storage went with the release, though it is kept")
    scenario.values["storage.keep"] = "false"
    scenario.apply()
    scenario.cluster.wait_ready()
    scenario.cluster.uninstall()
    scenario.expect(not os.path.exists(storage), "the storage stayed, though it is not kept")
    second = scenario.results.get("second_verdict")
    return f"{verdict}; of a second job {second}" if second else verdict


def tell(scenario):
    """All that may say why something failed."""
    for name in list(scenario.cluster.pods):
        print(f"--- {name}\n" + "\n".join(scenario.cluster.logs(name).splitlines()[-40:]))
    for stream in scenario.streams:
        for arguments in (["describe"], ["logs", "--tail=40"]) if stream.job else ():
            try:
                print(f"--- weir {arguments[0]}: the {stream.name} job\n" +
                      scenario.weir(*arguments, stream.job, check=False))
            except (RuntimeError, StopIteration, subprocess.TimeoutExpired) as error:
                print(f"weir {arguments[0]}: {error}")
    print("\n".join(scenario.cluster.events))


def parse():
    parser = argparse.ArgumentParser()
    for name in ("image", "job-image", "helm", "brokers", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--results")
    parser.add_argument("--checks", default="")
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
            have_jobs(scenario, 2 if step in ALL_JOBS else 1)
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
    checks = f"{options.checks}, " if options.checks else ""
    print(f"k8s: {checks}{len(scenario.results['survived'])} faults survived: {verdict}")


if __name__ == "__main__":
    main()
