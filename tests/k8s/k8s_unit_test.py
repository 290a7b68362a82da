#!/usr/bin/env python3
"""Unit tests of the parts of ./dev k8s-test that decide: manifests to pods, names, probes, oracle.
Those of the cluster are in cluster_unit_test.py, those of the steps in scenario_unit_test.py. Run
in the environment of requirements.txt: python -m unittest."""

import base64
import http.server
import os
import socket
import struct
import tempfile
import threading
import unittest

import chart_reference
import kustomize_base
import manifests
import nameserver
import podman_cluster
import references
import running_oracle
import upgrade_check
import yaml
from kubelet import Probe

OBJECTS = manifests.load("""
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: tm}
spec:
  serviceName: tm
  replicas: 2
  selector: {matchLabels: {app: tm}}
  volumeClaimTemplates: [{metadata: {name: local}}]
  template:
    metadata: {labels: {app: tm}, annotations: {a: b}}
    spec:
      enableServiceLinks: false
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 7
      securityContext: {runAsUser: 10001, fsGroup: 10001}
      containers:
        - name: main
          image: weir
          args: [--host=$(POD_IP), --price=$$(NOT), --left=$(UNKNOWN)]
          env:
            - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            - {name: URL, value: "http://$(POD_IP)/"}
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: token}}}
          ports: [{name: http, containerPort: 6181}]
          readinessProbe: {httpGet: {path: /readyz, port: http}}
          resources: {requests: {memory: 1Gi}, limits: {memory: 1Gi}}
      volumes:
        - {name: config, configMap: {name: c}}
        - {name: tls, secret: {secretName: s, defaultMode: 0440, items: [{key: token, path: t/x}]}}
        - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {weir.yaml: "a: 1"}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {token: %s}}
---
apiVersion: v1
kind: Service
metadata: {name: my-tm}
spec: {selector: {app: tm}, ports: [{port: 80, targetPort: http}]}
""" % base64.b64encode(b"geheim").decode())


class Place:
    namespace, node, ip = "ns", "node-1", "10.244.1.2"
    nameserver, domain, services = "10.250.0.1", "cluster.local", {"my-tm": "10.96.0.10"}

    @staticmethod
    def directory(volume):
        return "/dirs/" + (volume.claim or volume.name)


def plan(ordinal=1, **fields):
    name, metadata, spec = list(manifests.pods_of(OBJECTS[("StatefulSet", "tm")]))[ordinal]
    spec.update(fields)
    return manifests.plan_pod(name, metadata, spec, OBJECTS, Place())


class PodsOfStatefulSets(unittest.TestCase):
    def test_names_labels_and_claims_are_of_the_ordinal(self):
        made = plan(1)
        self.assertEqual("tm-1", made.name)
        self.assertEqual("tm-1", made.manifest["spec"]["hostname"])
        self.assertEqual("tm-1", made.labels["statefulset.kubernetes.io/pod-name"])
        self.assertEqual(["local-tm-1"], [one.claim for one in made.volumes if one.claim])
        self.assertEqual(7, made.grace_seconds)

    def test_variables_and_arguments_are_literal(self):
        container = plan().manifest["spec"]["containers"][0]
        self.assertEqual(["--host=10.244.1.2", "--price=$(NOT)", "--left=$(UNKNOWN)"],
                         container["args"])
        values = {one["name"]: one["value"] for one in container["env"]}
        self.assertEqual({"POD_IP": "10.244.1.2", "URL": "http://10.244.1.2/", "TOKEN": "geheim"},
                         values)

    def test_variables_of_services_come_unless_they_are_switched_off(self):
        container = plan(enableServiceLinks=True).manifest["spec"]["containers"][0]
        self.assertIn({"name": "MY_TM_SERVICE_HOST", "value": "10.96.0.10"}, container["env"])

    def test_volumes_have_files_with_modes_and_the_group(self):
        volumes = {one.name: one for one in plan().volumes}
        self.assertEqual({"weir.yaml": (b"a: 1", 0o644)}, volumes["config"].files)
        self.assertEqual({"t/x": (b"geheim", 0o440)}, volumes["tls"].files)
        self.assertEqual((2**30, 10001), (volumes["tmp"].size, volumes["tmp"].group))

    def test_podman_gets_host_paths_names_and_limits_only(self):
        spec = plan().manifest["spec"]
        self.assertTrue(all(list(one) == ["name", "hostPath"] for one in spec["volumes"]))
        self.assertEqual(["10.250.0.1"], spec["dnsConfig"]["nameservers"])
        self.assertEqual("ns.svc.cluster.local", spec["dnsConfig"]["searches"][0])
        self.assertEqual({"limits": {"memory": "1Gi"}}, spec["containers"][0]["resources"])
        self.assertNotIn("readinessProbe", spec["containers"][0])
        self.assertNotIn("automountServiceAccountToken", spec)

    def test_what_cannot_be_done_is_refused(self):
        for fields, words in ((dict(volumes=[{"name": "x", "nfs": {}}]), "kind 'nfs'"),
                              (dict(volumes=[{"name": "x", "configMap": {"name": "gone"}}]),
                               "no ConfigMap gone"),
                              (dict(volumes=[{"name": "x", "persistentVolumeClaim":
                                              {"claimName": "gone"}}]),
                               "no PersistentVolumeClaim gone")):
            with self.assertRaisesRegex(manifests.Unsupported, words):
                plan(**fields)
        with self.assertRaisesRegex(manifests.Unsupported, "kind Deployment"):
            manifests.load("{kind: Deployment, metadata: {name: d}}")

    def test_claims_of_ordinals_that_are_there_are_known(self):
        self.assertTrue(manifests.has_claim(OBJECTS, "local-tm-1"))
        self.assertFalse(manifests.has_claim(OBJECTS, "local-tm-2"))

    def test_claims_that_are_to_be_deleted_with_pods_are_refused(self):
        other = yaml.safe_load(yaml.safe_dump(OBJECTS[("StatefulSet", "tm")]))
        other["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenScaled": "Delete"}
        with self.assertRaisesRegex(manifests.Unsupported, "to be deleted with their pods"):
            list(manifests.pods_of(other))

    def test_a_set_that_does_not_select_its_pods_is_refused(self):
        other = yaml.safe_load(yaml.safe_dump(OBJECTS[("StatefulSet", "tm")]))
        other["spec"]["selector"]["matchLabels"]["app"] = "jm"
        with self.assertRaisesRegex(manifests.Unsupported, "does not select"):
            list(manifests.pods_of(other))

    def test_services_select_by_labels_and_ports_by_name(self):
        service = OBJECTS[("Service", "my-tm")]
        self.assertTrue(manifests.selects(service, plan().labels))
        self.assertFalse(manifests.selects(service, {"app": "jm"}))
        self.assertFalse(manifests.selects({"spec": {}}, {"app": "jm"}))
        self.assertEqual(6181, manifests.port_number("http", plan().containers))


class Claims(unittest.TestCase):
    objects = manifests.load("""
{kind: PersistentVolumeClaim, metadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}}
---
{kind: PersistentVolumeClaim, metadata: {name: other, annotations: {a: b}}}
---
{kind: PersistentVolumeClaim, metadata: {name: bare}}
""")

    def test_an_uninstalled_release_takes_its_claims_unless_they_are_kept(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("kept", "other", "bare", "local-tm-0"):
                os.makedirs(os.path.join(directory, name, "files"))
            podman_cluster.end_claims(directory, self.objects)
            self.assertEqual(["kept", "local-tm-0"], sorted(os.listdir(directory)))


class References(unittest.TestCase):
    """Manifests that fit together, and what is wrong when one word of them is another."""
    text = """
kind: Service
metadata: {name: tm}
spec: {clusterIP: None, selector: {app: tm}}
---
kind: PodDisruptionBudget
metadata: {name: budget}
spec: {selector: {matchLabels: {app: tm}}}
---
kind: NetworkPolicy
metadata: {name: policy}
spec: {podSelector: {matchLabels: {app: tm}}}
---
{kind: ServiceAccount, metadata: {name: account}}
---
{kind: ConfigMap, metadata: {name: config}, data: {key: a}}
---
{kind: PersistentVolumeClaim, metadata: {name: disk}}
---
{kind: Certificate, metadata: {name: c}, spec: {secretName: tls}}
---
kind: StatefulSet
metadata: {name: set}
spec:
  serviceName: tm
  selector: {matchLabels: {app: tm}}
  template:
    metadata: {labels: {app: tm}}
    spec:
      serviceAccountName: account
      imagePullSecrets: [{name: registry}]
      topologySpreadConstraints: [{labelSelector: {matchLabels: {app: tm}}}]
      containers:
        - name: main
          env: [{name: A, valueFrom: {configMapKeyRef: {name: config, key: key}}}]
          envFrom: [{secretRef: {name: given}}]
      volumes:
        - {name: a, secret: {secretName: tls, items: [{key: tls.crt, path: x}]}}
        - {name: b, persistentVolumeClaim: {claimName: disk}}
        - {name: c, configMap: {name: perhaps, optional: true}}
"""
    known = {"given", "registry"}

    def test_what_fits_is_accepted(self):
        references.check(self.text, self.known)

    def test_what_does_not_fit_is_refused(self):
        for before, after, words in (
                ("clusterIP: None, selector: {app: tm}", "clusterIP: None, selector: {app: jm}",
                 "Service tm selects no pod"),
                ("{selector: {matchLabels: {app: tm}}}", "{selector: {matchLabels: {app: jm}}}",
                 "PodDisruptionBudget budget selects no pod"),
                ("podSelector: {matchLabels: {app: tm}}", "podSelector: {matchLabels: {app: jm}}",
                 "NetworkPolicy policy selects no pod"),
                ("{selector: {matchLabels", "{selector: {matchExpressions", "is not understood"),
                ("serviceName: tm", "serviceName: jm", "has no headless Service jm"),
                ("clusterIP: None, ", "", "has no headless Service tm"),
                ("[{labelSelector: {matchLabels: {app: tm}}}]",
                 "[{labelSelector: {matchLabels: {app: jm}}}]", "labels that it has not"),
                ("metadata: {name: account}", "metadata: {name: other}",
                 "set names the ServiceAccount account"),
                ("claimName: disk", "claimName: drive", "PersistentVolumeClaim drive, which"),
                ("secretName: tls, items", "secretName: token, items", "Secret token, which"),
                ("key: tls.crt", "key: tls.pem", r"needs \['tls.pem'\] of the Secret tls"),
                ("key: key}", "key: other}", r"needs \['other'\] of the ConfigMap config"),
                (", optional: true", "", "ConfigMap perhaps, which nobody"),
                ("{name: given}", "{name: taken}", "Secret taken, which nobody"),
                ("PersistentVolumeClaim, metadata: {name: disk}",
                 "ConfigMap, metadata: {name: config}", "ConfigMap config is there twice"),
                ("kind: NetworkPolicy", "kind: NetworkPolicy\nkind: Service",
                 "the key 'kind' is there twice")):
            with self.subTest(words):
                self.assertEqual(1, self.text.count(before), before)
                with self.assertRaisesRegex(references.Problem, words):
                    references.check(self.text.replace(before, after), self.known)

    def test_names_of_resources_are_kubernetes(self):
        self.assertEqual(["services", "networkpolicies"],
                         [upgrade_check.plural(one) for one in ("Service", "NetworkPolicy")])


def query(name, kind=1, flags=0x0100):
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    header = struct.pack(">HHHHHH", 7, flags, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack(">HH", kind, 1)


class Names(unittest.TestCase):
    table = {"a.ns.svc": ["10.0.0.1", "10.0.0.2"], "empty.ns.svc": []}

    def header(self, packet):
        return struct.unpack(">HHHHHH", nameserver.answer(packet, self.table)[:12])

    def test_addresses_of_a_name_in_any_case(self):
        answer = nameserver.answer(query("A.ns.svc"), self.table)
        self.assertEqual((7, 0x8500, 1, 2, 0, 0), struct.unpack(">HHHHHH", answer[:12]))
        self.assertEqual(socket.inet_aton("10.0.0.2"), answer[-4:])

    def test_unknown_names_do_not_exist_and_others_have_no_ipv6_address(self):
        self.assertEqual(3, self.header(query("b.ns.svc"))[1] & 0xf)
        self.assertEqual((0, 0), (self.header(query("a.ns.svc", 28))[1] & 0xf,
                                  self.header(query("a.ns.svc", 28))[3]))
        self.assertEqual(0, self.header(query("empty.ns.svc"))[1] & 0xf)

    def test_what_is_no_query_gets_no_answer(self):
        for packet in (b"", b"x" * 11, query("a", flags=0x8100), query("a")[:-6]):
            self.assertEqual(b"", nameserver.answer(packet, self.table))

    def test_over_udp(self):
        server = nameserver.NameServer("127.0.0.1", 0)
        server.table = self.table
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(query("a.ns.svc"), ("127.0.0.1", server.port))
            self.assertEqual(nameserver.answer(query("a.ns.svc"), self.table), client.recv(500))
        server.close()


class Probes(unittest.TestCase):
    def test_an_answer_above_399_is_trouble_and_counts(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/good" else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        document = {"httpGet": {"path": "/good", "port": server.server_port}, "failureThreshold": 2}
        self.assertIsNone(Probe(document, []).ask("127.0.0.1"))
        document["httpGet"]["path"] = "/bad"
        bad = Probe(document, [])
        self.assertIn("/bad: 503", bad.ask("127.0.0.1"))
        self.assertFalse(bad.take("trouble", 0))
        self.assertTrue(bad.take("trouble", 10))
        self.assertFalse(bad.take(None, 20))
        server.shutdown()
        server.server_close()
        self.assertIn("/bad", bad.ask("127.0.0.1"))


class Oracle(unittest.TestCase):
    def fed(self, numbers):
        oracle = running_oracle.Oracle()
        counts = {}
        for number in numbers:
            key = running_oracle.key_of(number)
            counts[key] = counts.get(key, 0) + 1
            oracle.take('{"id":%d,"key":"%s","count":%d}' % (number, key, counts[key]))
        return oracle

    def test_all_once_holds(self):
        self.assertTrue(self.fed(range(300)).holds(300))
        self.assertEqual("0 lost, 0 duplicated of 300", self.fed(range(300)).verdict(300))

    def test_a_lost_a_doubled_and_a_miscounted_event_do_not(self):
        lost = self.fed([number for number in range(300) if number != 5])
        self.assertFalse(lost.holds(300))
        self.assertIn("1 lost", lost.verdict(300))
        doubled = self.fed(list(range(300)) + [299])
        self.assertFalse(doubled.holds(300))
        oracle = running_oracle.Oracle()
        oracle.take('{"id":0,"key":"k0","count":2}')
        self.assertFalse(oracle.holds(1))

    def test_events_of_a_key_are_in_one_partition(self):
        places = {(running_oracle.key_of(number), running_oracle.partition_of(number, 4))
                  for number in range(1000)}
        self.assertEqual(running_oracle.KEYS, len(places))


class Generators(unittest.TestCase):
    def test_reference_has_a_row_for_each_leaf_with_its_comment(self):
        text = "## Part\n\n# Top.\na:\n  # Deep.\n  b: 1\nc: {}\n"
        made = chart_reference.table(text)
        self.assertIn("### Part", made)
        self.assertIn("| `a` | | Top. |", made)
        self.assertIn("| `a.b` | `1` | Deep. |", made)
        self.assertIn("| `c` | `{}` |  |", made)

    def test_base_has_a_file_for_each_template_without_marks_of_helm(self):
        made = kustomize_base.files_of(
            "---\n# Source: weir/templates/x.yaml\nkind: A\nmetadata:\n  labels:\n    a: b\n"
            "    helm.sh/chart: weir-1\n---\n# Source: weir/templates/x.yaml\nkind: B\n")
        self.assertNotIn("helm.sh", made["x.yaml"])
        self.assertIn("kind: A", made["x.yaml"])
        self.assertIn("---\nkind: B", made["x.yaml"])
        self.assertIn("  - x.yaml\n", made["kustomization.yaml"])


if __name__ == "__main__":
    unittest.main()
