#!/usr/bin/env python3
"""Unit tests of what judges the chart's client pods: credentials.py and helm_test.py; that all pods
get what they are given: given_fields.py; and that servers have what keeps them up: servers.py."""

import copy
import unittest

import credentials
import given_fields
import helm_test
import references
import servers


class Servers(unittest.TestCase):
    """Two sets that have all; what is wrong when one word of them is another."""
    text = "".join(f"""
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - startupProbe: {{httpGet: {{path: /startupz}}}}
          livenessProbe: {{httpGet: {{path: /livez}}}}
          readinessProbe: {{httpGet: {{path: /readyz}}}}
---
kind: PodDisruptionBudget
metadata: {{name: {name}}}
spec: {{selector: {{matchLabels: {{app: {name}}}}}}}
---
""" for name in ("jm", "tm"))

    def test_what_has_all_is_accepted(self):
        servers.check(references.load(self.text))

    def test_a_budget_that_was_taken_away_is_gone(self):
        with self.assertRaisesRegex(references.Problem, "jm has a PodDisruptionBudget"):
            servers.check(references.load(self.text), budgets=False)
        without = self.text.replace("PodDisruptionBudget", "NetworkPolicy")
        servers.check(references.load(without), budgets=False)

    def test_what_lacks_something_is_refused(self):
        for before, after, words in (
                ("livenessProbe", "otherProbe", "StatefulSet jm: the livenessProbe asks for None"),
                ("/readyz", "/livez", "the readinessProbe asks for /livez, and not for /readyz"),
                ("path: /startupz", "port: 1", "the startupProbe asks for None"),
                ("matchLabels: {app: jm}", "matchLabels: {app: tm}",
                 "StatefulSet jm has no PodDisruptionBudget"),
                ("kind: StatefulSet", "kind: Deployment", "there are 1 StatefulSets")):
            with self.subTest(before), self.assertRaisesRegex(references.Problem, words):
                servers.check(references.load(self.text.replace(before, after, 1)))


class Credentials(unittest.TestCase):
    """A client that has what its configuration names; what is wrong when one word is another."""
    text = """
kind: ConfigMap
metadata: {name: config}
data:
  client.yaml: |
    jobmanager.addresses: [weir:6123]
    security.tls.ca-file: /etc/tls/ca.crt
    security.tls.certificate-file: /etc/tls/tls.crt
    security.tls.key-file: /etc/tls/tls.key
    security.token-file: /etc/token/token
---
{kind: Secret, metadata: {name: tls}, data: {ca.crt: a, tls.crt: b, tls.key: c}}
---
kind: Pod
metadata: {name: client}
spec:
  containers:
    - name: main
      env: [{name: WEIR_CONFIG, value: /etc/weir/client.yaml}]
      volumeMounts:
        - {name: config, mountPath: /etc/weir}
        - {name: tls, mountPath: /etc/tls}
        - {name: token, mountPath: /etc/token}
        - {name: other, mountPath: /etc/other}
        - {name: tmp, mountPath: /tmp}
    - {name: sidecar}
  volumes:
    - {name: config, configMap: {name: config}}
    - {name: tls, secret: {secretName: tls}}
    - {name: token, secret: {secretName: given, items: [{key: token, path: token}]}}
    - {name: other, secret: {secretName: unknown}}
    - {name: tmp, emptyDir: {}}
"""

    def check(self, *changes):
        text = self.text
        for before, after in changes:
            self.assertEqual(1, text.count(before), before)
            text = text.replace(before, after)
        credentials.check(references.load(text))

    def test_what_is_named_is_there(self):
        self.check()
        self.check(("secretName: tls}", "secretName: given-too}"))

    def test_a_file_that_is_named_and_not_there_is_told(self):
        for before, after, file in (
                ("secretName: tls}", "secretName: tls, items: [{key: ca.crt, path: ca.crt}]}",
                 "/etc/tls/tls.crt, which its security.tls.certificate-file names"),
                ("tls.crt: b, ", "", "/etc/tls/tls.crt"),
                ("mountPath: /etc/tls", "mountPath: /etc/weir-tls", "/etc/tls/ca.crt"),
                ("path: token}", "path: secret}", "/etc/token/token"),
                ("- {name: token, secret", "- {name: tokens, secret", "/etc/token/token")):
            with self.subTest(file):
                with self.assertRaisesRegex(references.Problem, "main has no file " + file):
                    self.check((before, after))

    def test_a_private_key_that_is_not_named_is_told(self):
        unnamed = ("    security.tls.key-file: /etc/tls/tls.key\n", "")
        for changes in ([unnamed], [unnamed, ("secretName: tls}", "secretName: given-too}")]):
            with self.assertRaisesRegex(references.Problem, "has the private key /etc/tls/tls.key"):
                self.check(*changes)
        self.check(unnamed, ("secretName: tls}", "secretName: tls, items: [{key: ca.crt, path: "
                             "ca.crt}, {key: tls.crt, path: tls.crt}]}"))

    def test_a_configuration_that_nobody_has_is_told(self):
        for before, after in (("value: /etc/weir/client.yaml", "value: /etc/weir/other.yaml"),
                              ("mountPath: /etc/weir}", "mountPath: /etc/elsewhere}"),
                              ("configMap: {name: config}", "configMap: {name: other}")):
            with self.assertRaisesRegex(references.Problem, "no ConfigMap has /etc/weir/"):
                self.check((before, after))


class HelmTest(unittest.TestCase):
    """Scripts that the check has to see through; the chart's own is checked by static_checks.py."""

    def container(self, count):
        return {"command": ["sh", "-ec"], "args": [
            "weir cluster describe\n"
            f"registered=$({count} || true)\n"
            'echo "$registered of 2 TaskManagers have registered"\n'
            'test "$registered" -ge 2\n']}

    def test_a_script_that_counts_the_registered_ones_is_accepted(self):
        self.assertEqual(len(helm_test.CASES) + 1,
                         helm_test.check(self.container("weir tm list | grep -cw REGISTERED")))

    def test_others_are_not(self):
        for count in ("weir tm list | grep -c tm-", "weir tm list | grep -cE 'REGISTERED|SUSPECT'",
                      "weir tm list | grep -cw SUSPECT", "echo 2", "weir tm list | wc -l"):
            with self.subTest(count):
                with self.assertRaisesRegex(references.Problem, "helm test of TaskManagers"):
                    helm_test.check(self.container(count))

    def test_nor_is_one_that_passes_where_no_cluster_is_reached(self):
        container = self.container("weir tm list | grep -cw REGISTERED")
        container["args"][0] = container["args"][0].replace("describe", "describe || exit 0")
        with self.assertRaisesRegex(references.Problem, "cannot be reached passes"):
            helm_test.check(container)

    def test_the_table_is_that_of_the_command_line(self):
        self.assertEqual(["TASKMANAGER", "HOST", "PID", "SLOTS", "USED", "STATE"],
                         helm_test.columns())
        lines = helm_test.table(["REGISTERED", "SUSPECT"]).splitlines()
        self.assertEqual([6, 6, 6], [len(line.split()) for line in lines])
        self.assertEqual(["REGISTERED", "SUSPECT"], [line.split()[-1] for line in lines[1:]])


def dressed(component):
    """A pod with all that is given to pods of the component."""
    fields = given_fields.given(given_fields.mark_of(component))
    of_all = copy.deepcopy(given_fields.OF_ALL)
    return {
        "metadata": {"annotations": {"a": "b", **fields["podAnnotations"]},
                     "labels": {"a": "b", **fields["podLabels"], **of_all["commonLabels"]}},
        "spec": {
            **{key: fields[key] for key in ("nodeSelector", "tolerations", "affinity",
                                            "priorityClassName", "initContainers")},
            **fields["podSpec"], "imagePullSecrets": of_all["imagePullSecrets"],
            "securityContext": {"runAsUser": 1, **of_all["podSecurityContext"]},
            "volumes": [{"name": "tmp"}, *fields["extraVolumes"]],
            "containers": [{
                "env": [{"name": "A"}, *fields["extraEnv"]], "envFrom": fields["extraEnvFrom"],
                "volumeMounts": [{"name": "tmp"}, *fields["extraVolumeMounts"]],
                "securityContext": of_all["containerSecurityContext"]}]}}


class GivenFields(unittest.TestCase):
    def setUp(self):
        self.documents = []
        for name, component in given_fields.PODS.items():
            pod = dressed(component)
            if component != "clientPods":
                pod = {"metadata": {}, "spec": {"template": pod}, "kind": "StatefulSet"}
            pod.setdefault("kind", "Pod")
            pod["metadata"]["name"] = name
            self.documents.append(pod)

    def test_pods_that_have_all_are_accepted(self):
        self.assertEqual(4 * (len(given_fields.PLACES) + len(given_fields.PLACES_OF_ALL)),
                         given_fields.check_pods(self.documents))

    def test_a_field_that_a_pod_lacks_is_told(self):
        places = {**given_fields.PLACES, **given_fields.PLACES_OF_ALL,
                  "podSpec": lambda pod: pod["spec"].pop("runtimeClassName"),
                  "priorityClassName": lambda pod: pod["spec"].pop("priorityClassName"),
                  "podLabels": lambda pod: pod["metadata"]["labels"].pop("of"),
                  "commonLabels": lambda pod: pod["metadata"]["labels"].pop("team")}
        for name in given_fields.PODS:
            for field, place in places.items():
                with self.subTest(f"{name} {field}"):
                    documents = copy.deepcopy(self.documents)
                    there = place(given_fields.pods_by_name(documents)[name])
                    if not isinstance(there, str):
                        there.clear()
                    with self.assertRaisesRegex(
                            references.Problem, rf"{name} does not get (\w+\.)?{field}:"):
                        given_fields.check_pods(documents)

    def test_what_is_anothers_is_told(self):
        pod = given_fields.pods_by_name(self.documents)["weir-test"]
        pod["spec"]["tolerations"].append({"key": "of-jobmanager"})
        with self.assertRaisesRegex(references.Problem, "weir-test gets what is .'of-jobmanager'"):
            given_fields.check_pods(self.documents)

    def test_a_pod_that_is_not_there_is_told(self):
        with self.assertRaisesRegex(references.Problem, "the pods are"):
            given_fields.check_pods(self.documents[:-1])

    def test_a_field_that_clients_do_not_get_is_told(self):
        fields = dict.fromkeys(set(given_fields.PLACES) | {"replicas"})
        schema = {"properties": {name: {"properties": dict(fields)}
                                 for name in ("jobmanager", "taskmanager", "clientPods")}}
        del schema["properties"]["clientPods"]["properties"]["replicas"]
        given_fields.check_schema(schema)
        schema["properties"]["taskmanager"]["properties"]["hostAliases"] = {}
        with self.assertRaisesRegex(references.Problem, "taskmanager has .'hostAliases'., which"):
            given_fields.check_schema(schema)
        del schema["properties"]["taskmanager"]["properties"]["hostAliases"]
        del schema["properties"]["clientPods"]["properties"]["tolerations"]
        with self.assertRaisesRegex(references.Problem, "differ in .'tolerations'"):
            given_fields.check_schema(schema)


if __name__ == "__main__":
    unittest.main()
