#!/usr/bin/env python3
"""Unit tests of what judges the chart's client pods: credentials.py and helm_test.py."""

import unittest

import credentials
import helm_test
import references


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


if __name__ == "__main__":
    unittest.main()
