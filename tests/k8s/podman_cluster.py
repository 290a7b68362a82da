"""A stand-in for a Kubernetes cluster of one node: podman runs the pods; names, service addresses,
probes, restarts and StatefulSets work as a cluster's do. It lives in the network namespace of the
process that makes it (see run_in_namespaces.sh), so nothing of it is seen outside.

  pods       10.244.0.0/16, every pod that is made gets the next address
  services   10.96.0.0/16, DNAT to the pods that are ready, as kube-proxy's rules do
  the node   10.250.0.1: the nameserver, and what stands beside the cluster (Kafka)
"""

import json
import os
import shutil
import subprocess
import threading
import time

import manifests
import stateful_sets
import yaml
from kubelet import Kubelet
from nameserver import NameServer

NODE_ADDRESS = "10.250.0.1"
NODE_NAME = "node-1"
DOMAIN = "cluster.local"
NETWORK = "weir-pods"
RECONCILE_SECONDS = 0.2


def run(*command, check=True, timeout=120, text=None):
    """Output of a command, both streams; RuntimeError says what it wrote."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout, input=text)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stdout}")
    return done.stdout


class Pod:
    """A pod that podman runs. `template`: that of its StatefulSet, of which it was made."""

    def __init__(self, plan, ip, directory):
        self.plan = plan
        self.template = None
        self.ip = ip
        self.directory = directory
        self.kubelet = None

    @property
    def name(self):
        return self.plan.name

    @property
    def ready(self):
        return self.kubelet is not None and self.kubelet.ready

    def container(self, index=0):
        return f"{self.name}-{self.plan.containers[index]['name']}"

    def pid(self):
        """Of the container's first process; 0 while there is none."""
        out = run("podman", "inspect", self.container(), "--format", "{{.State.Pid}}", check=False)
        return int(out) if out.strip().isdigit() else 0


class Place:
    """Where a pod is put: see manifests.plan_pod."""

    def __init__(self, cluster, pod, ip):
        self.namespace = cluster.namespace
        self.node = NODE_NAME
        self.ip = ip
        self.nameserver = NODE_ADDRESS
        self.domain = DOMAIN
        self.services = cluster.service_addresses
        self._cluster = cluster
        self._pod = pod

    def directory(self, volume):
        if volume.kind == "claim":
            return self._cluster.claim_directory(volume.claim)
        return os.path.join(self._cluster.pod_directory(self._pod), volume.name)


class Cluster:
    """Threads: one reconciles, one for each pod that it ends, each pod has a kubelet. Methods are
    called by one thread."""

    def __init__(self, directory, namespace):
        self.namespace = namespace
        self.objects = {}
        self.pods = {}
        self.service_addresses = {}
        self.extra_names = {}
        self.events = []
        self._ending = set()  # names that podman has still
        self._held = set()    # names that are not made anew
        self._endings = []    # threads that end pods
        self._directory = directory
        self._next_ip = 0
        self._pod_count = 0
        self._lock = threading.RLock()
        self._rules = None
        self._stopping = False
        self._prepare_network()
        self.names = NameServer(NODE_ADDRESS)
        self._thread = threading.Thread(target=self._reconcile_always, daemon=True)
        self._thread.start()

    # What a user of kubectl and helm does.

    def apply(self, text):
        """Asks for what the manifests say, as kubectl apply does, and returns: pods of StatefulSets
        that are gone end, those of another template are made anew one by one (stateful_sets.py),
        and wait_ready returns when that is done."""
        new = manifests.load(text)
        for (kind, _), document in new.items():
            if kind == "StatefulSet":
                stateful_sets.check(document)
        with self._lock:
            for key in new:
                if key[0] == "Service" and new[key]["spec"].get("clusterIP") != "None":
                    self.service_addresses.setdefault(
                        key[1], f"10.96.0.{10 + len(self.service_addresses)}")
            self.objects = {key: one for key, one in new.items() if key[0] != "Pod"}

    def uninstall(self):
        """The objects go, and all pods, each within its grace period; then claims that no
        annotation keeps."""
        with self._lock:
            before, self.objects = self.objects, {}
        self.wait(lambda: not self.pods and not self._ending, 90, "all pods are gone")
        left = run("podman", "ps", "-a", "--format", "{{.Names}}").split()
        if left:
            raise RuntimeError(f"these containers are left: {left}")
        end_claims(os.path.join(self._directory, "claims"), before)

    def scale(self, stateful_set, replicas):
        with self._lock:
            self.objects[("StatefulSet", stateful_set)]["spec"]["replicas"] = replicas

    def is_gone(self, name):
        """Nothing of the pod is left: its processes have ended, and its name is free."""
        with self._lock:
            return name not in self.pods and name not in self._ending

    def hold(self, name):
        """The pod is not made anew when it is gone: a cluster that has no room for it."""
        with self._lock:
            self._held.add(name)

    def release(self, name):
        with self._lock:
            self._held.discard(name)

    def delete_pod(self, name):
        """kubectl delete pod: SIGTERM, and SIGKILL after the grace period. Seconds it took."""
        with self._lock:
            pod = self.pods.pop(name)
            self._ending.add(name)
        start = time.monotonic()
        self._end_pod(pod, pod.plan.grace_seconds)
        return time.monotonic() - start

    def lose_pod(self, name):
        """The pod and its disk are gone at once, as with its node."""
        with self._lock:
            pod = self.pods.pop(name)
            self._ending.add(name)
            self._publish()
        self._end_pod(pod, 0)

    def kill_container(self, name):
        """kill -9 of the pod's first process; the pod stays and starts it again."""
        pid = self.pods[name].pid()
        if pid == 0:
            raise RuntimeError(f"pod {name} has no process")
        os.kill(pid, 9)

    def execute(self, pod, *command, check=True):
        return run("podman", "exec", self.pods[pod].container(), *command, check=check)

    def logs(self, pod):
        return run("podman", "logs", self.pods[pod].container(), check=False)

    def run_to_end(self, document, timeout=120):
        """A Pod that ends by itself: (exit code, what it wrote)."""
        pod = self._start_pod(document["metadata"]["name"], document["metadata"],
                              document["spec"], watched=False)
        try:
            code = run("podman", "wait", pod.container(), timeout=timeout).strip()
            return int(code), run("podman", "logs", pod.container())
        finally:
            self._end_pod(pod, 0)

    def is_ready(self, stateful_set):
        """All its pods are there, of its newest template, and ready."""
        with self._lock:
            return stateful_sets.is_settled(self.objects[("StatefulSet", stateful_set)], self.pods)

    def wait_ready(self, timeout=90):
        for kind, name in list(self.objects):
            if kind == "StatefulSet":
                self.wait(lambda name=name: self.is_ready(name), timeout, f"{name} is ready")

    def wait(self, condition, timeout, what):
        """Seconds until the condition held."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > timeout:
                raise TimeoutError(f"not within {timeout} s: {what}\n{self.describe()}")
            time.sleep(0.05)
        return time.monotonic() - start

    def describe(self):
        lines = [f"{name}: {pod.ip}, {'ready' if pod.ready else 'not ready'}, "
                 f"{pod.kubelet.restarts if pod.kubelet else 0} restarts, "
                 f"{pod.kubelet.trouble if pod.kubelet else ''}"
                 for name, pod in sorted(self.pods.items())]
        return "\n".join(lines + self.events[-10:])

    def close(self):
        self._stopping = True
        self._thread.join()
        for thread in self._endings:
            thread.join()
        with self._lock:
            pods, self.pods = list(self.pods.values()), {}
        for pod in pods:
            self._end_pod(pod, 0)
        run("podman", "network", "rm", "-f", NETWORK, check=False)
        self.names.close()

    # Directories.

    def claim_directory(self, claim):
        return os.path.join(self._directory, "claims", claim)

    def pod_directory(self, pod):
        return os.path.join(self._directory, "pods", pod)

    @staticmethod
    def _make_volume(path, volume):
        os.makedirs(path, exist_ok=True)
        if volume.kind == "files":
            for name, (data, mode) in volume.files.items():
                file = os.path.join(path, name)
                os.makedirs(os.path.dirname(file), exist_ok=True)
                with open(file, "wb") as out:
                    out.write(data)
                os.chown(file, 0, volume.group)
                os.chmod(file, mode | (mode & 0o400) >> 3)
        os.chown(path, 0, volume.group)
        os.chmod(path, 0o755 if volume.kind == "files" else 0o2775)

    # The network.

    def _prepare_network(self):
        run("ip", "addr", "replace", f"{NODE_ADDRESS}/32", "dev", "lo")
        run("ip", "route", "replace", "10.96.0.0/16", "dev", "lo", "src", NODE_ADDRESS)
        with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
            file.write("1")
        run("podman", "network", "rm", "-f", NETWORK, check=False)
        run("podman", "network", "create", "--subnet", "10.244.0.0/16", "--disable-dns", NETWORK)
        self._make_bridge(run("podman", "network", "inspect", NETWORK, "--format",
                              "{{.NetworkInterface}}").strip())
        for hook in ("PREROUTING", "OUTPUT"):
            run("iptables", "-t", "nat", "-N", f"KUBE-{hook}")
            run("iptables", "-t", "nat", "-A", hook, "-j", f"KUBE-{hook}")
        run("iptables", "-t", "nat", "-A", "POSTROUTING", "-m", "conntrack", "--ctstate", "DNAT",
            "-j", "MASQUERADE")
        run("iptables", "-N", "KUBE-REJECT")
        for hook in ("FORWARD", "OUTPUT"):
            run("iptables", "-A", hook, "-j", "KUBE-REJECT")

    @staticmethod
    def _make_bridge(name):
        """A bridge has the lowest address of its ports: another one whenever pods come and go, and
        the node is unreachable until pods have asked again. This one's stays, and with a port of
        its own it is not removed with the last pod."""
        run("ip", "link", "add", name, "address", "02:00:0a:f4:00:01", "type", "bridge")
        run("ip", "link", "add", "keep-a", "type", "veth", "peer", "name", "keep-b")
        run("ip", "link", "set", "keep-a", "master", name)
        run("ip", "addr", "add", "10.244.0.1/16", "dev", name)
        for link in (name, "keep-a", "keep-b"):
            run("ip", "link", "set", link, "up")

    def _publish(self):
        """Names and rules of the services, of the pods that are ready."""
        table, nat, reject = dict(self.extra_names), [], []
        for (kind, name), service in self.objects.items():
            if kind != "Service":
                continue
            full = f"{name}.{self.namespace}.svc.{DOMAIN}"
            chosen = [pod for pod in self.pods.values()
                      if manifests.selects(service, pod.plan.labels)]
            ready = [pod for pod in chosen if pod.ready]
            if service["spec"].get("clusterIP") == "None":
                shown = chosen if service["spec"].get("publishNotReadyAddresses") else ready
                table[full] = [pod.ip for pod in shown]
                for pod in shown:
                    table[f"{pod.name}.{full}"] = [pod.ip]
                continue
            address = self.service_addresses[name]
            table[full] = [address]
            for port in service["spec"]["ports"]:
                match = f"-d {address}/32 -p tcp --dport {port['port']}"
                if not ready:
                    reject.append(f"-A KUBE-REJECT {match} -j REJECT")
                for index, pod in enumerate(ready):
                    target = manifests.port_number(port["targetPort"], pod.plan.containers)
                    share = f"-m statistic --mode random --probability {1 / (len(ready) - index)}"
                    share = share if index + 1 < len(ready) else ""
                    for hook in ("PREROUTING", "OUTPUT"):
                        nat.append(f"-A KUBE-{hook} {match} {share} -j DNAT "
                                   f"--to-destination {pod.ip}:{target}")
        self.names.table = table
        if self._rules != (nat, reject):
            self._rules = (nat, reject)
            run("iptables-restore", "--noflush", text="\n".join(
                ["*nat", ":KUBE-PREROUTING - [0:0]", ":KUBE-OUTPUT - [0:0]", *nat, "COMMIT",
                 "*filter", ":KUBE-REJECT - [0:0]", *reject, "COMMIT", ""]))

    # Pods.

    def _take_address(self):
        self._next_ip += 1
        return f"10.244.{1 + self._next_ip // 250}.{1 + self._next_ip % 250}"

    def _start_pod(self, name, metadata, spec, watched=True):
        with self._lock:
            ip = self._take_address()
            self._pod_count += 1
            unique = f"{name}.{self._pod_count}"
            plan = manifests.plan_pod(name, metadata, spec, self.objects, Place(self, unique, ip))
        directory = self.pod_directory(unique)
        for volume in plan.volumes:
            path = (self.claim_directory(volume.claim) if volume.kind == "claim"
                    else os.path.join(directory, volume.name))
            self._make_volume(path, volume)
        file = os.path.join(directory, "pod.yaml")
        with open(file, "w", encoding="utf-8") as out:
            yaml.safe_dump(plan.manifest, out)
        pod = Pod(plan, ip, directory)
        try:
            run("podman", "kube", "play", "--network", NETWORK, "--ip", ip, "--log-driver",
                "k8s-file", file)
        except RuntimeError:
            run("podman", "pod", "rm", "-f", "-t", "0", name, check=False)
            raise
        if watched:
            pod.kubelet = Kubelet(pod, self._log)
        return pod

    def _end_pod(self, pod, grace_seconds):
        with self._lock:
            self._ending.add(pod.name)
        try:
            self._remove_pod(pod, grace_seconds)
        finally:
            with self._lock:
                self._ending.discard(pod.name)

    def _remove_pod(self, pod, grace_seconds):
        if pod.kubelet is not None:
            pod.kubelet.stop()
        with self._lock:
            self._publish()  # no endpoint any more, as soon as it is being deleted
        log = run("podman", "logs", pod.container(), check=False)
        if grace_seconds > 0:
            # The containers first, the network behind them, as a kubelet does.
            for index in range(len(pod.plan.containers)):
                run("podman", "stop", "-t", str(grace_seconds), pod.container(index), check=False)
            log = run("podman", "logs", pod.container(), check=False)
        self._keep_log(pod, log)
        run("podman", "pod", "rm", "-f", "-t", "0", pod.name)
        shutil.rmtree(pod.directory, ignore_errors=True)

    def _keep_log(self, pod, log):
        folder = os.path.join(self._directory, "logs")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, os.path.basename(pod.directory) + ".log"), "w",
                  encoding="utf-8") as out:
            out.write(log)

    def ended_log(self, name):
        """What the newest pod of that name that has ended wrote."""
        folder = os.path.join(self._directory, "logs")
        found = [file for file in os.listdir(folder) if file.rsplit(".", 2)[0] == name]
        newest = max(found, key=lambda file: int(file.rsplit(".", 2)[1]))
        with open(os.path.join(folder, newest), encoding="utf-8") as log:
            return log.read()

    def _log(self, text):
        self.events.append(f"{time.strftime('%H:%M:%S')} {text}")

    # The controller of StatefulSets.

    def _reconcile_always(self):
        while not self._stopping:
            try:
                self._reconcile()
            except Exception as error:  # as a controller does: say so, and try again
                self._log(f"reconciling failed: {error}")
            time.sleep(RECONCILE_SECONDS)

    def _reconcile(self):
        with self._lock:
            sets = [one for (kind, _), one in self.objects.items() if kind == "StatefulSet"]
            wanted = {name: (one["spec"]["template"], metadata, spec) for one in sets
                      for name, metadata, spec in manifests.pods_of(one)}
            rolled = {stateful_sets.to_roll(one, self.pods) for one in sets}
            ended = [self.pods.pop(name) for name in list(self.pods)
                     if name not in wanted or name in rolled]
            self._ending.update(pod.name for pod in ended)
            missing = [name for name in wanted if name not in self.pods and
                       name not in self._ending | self._held]
            self._publish()
        for pod in ended:
            self._log(f"ending pod {pod.name}")
            self._end_beside(pod)
        for name in missing:
            self._log(f"starting pod {name}")
            template, metadata, spec = wanted[name]
            pod = self._start_pod(name, metadata, spec)
            pod.template = template
            with self._lock:
                self.pods[name] = pod
                self._publish()

    def _end_beside(self, pod):
        """Ends it from a thread of its own: other pods need not wait for its grace period."""
        def end():
            try:
                self._end_pod(pod, pod.plan.grace_seconds)
            except Exception as error:  # pylint: disable=broad-except
                self._log(f"ending pod {pod.name} failed: {error}")
        self._endings = [one for one in self._endings if one.is_alive()]
        self._endings.append(threading.Thread(target=end, daemon=True))
        self._endings[-1].start()


def end_claims(directory, objects):
    """Deletes the directories of the claims that go with a release of these objects."""
    for claim in manifests.claims_that_go(objects):
        shutil.rmtree(os.path.join(directory, claim), ignore_errors=True)


def _memory_group(pod):
    """(the folder of the control group of the pod's container, whether it is of cgroup v1)"""
    with open(f"/proc/{pod.pid()}/cgroup", encoding="ascii") as file:
        groups = dict(line.strip().split(":", 2)[1:] for line in file)
    if "memory" in groups:
        return "/sys/fs/cgroup/memory" + groups["memory"], True
    return "/sys/fs/cgroup" + groups[""], False


def processes_of(pod):
    """The ids of all processes of the pod's container, its first process first."""
    with open(_memory_group(pod)[0] + "/cgroup.procs", encoding="ascii") as file:
        found = {int(line) for line in file}
    return [pod.pid()] + sorted(found - {pod.pid()})


def memory_of(pod):
    """Bytes of memory of the pod's container: (all processes without the page cache, limit)."""
    folder, first = _memory_group(pod)
    names = ("rss", "memory.limit_in_bytes") if first else ("anon", "memory.max")
    with open(folder + "/memory.stat", encoding="ascii") as file:
        stat = dict(line.split() for line in file)
    with open(f"{folder}/{names[1]}", encoding="ascii") as file:
        return int(stat[names[0]]), file.read().strip()


def image_bytes(image):
    return json.loads(run("podman", "image", "inspect", image))[0]["Size"]
