#!/usr/bin/env python3
"""What can be known of the chart without running it:

  static_checks.py --helm HELM --kubectl KUBECTL --restricted PROGRAM

- helm lint --strict, and helm template, with every file of values/
- every manifest against the schemas of the oldest and the newest Kubernetes, strictly
- every pod by the Pod Security Standard "restricted"
- no pod has a token of its account, variables that Kubernetes makes of services, or a root file
  system that it can write to
- what is selected and what is named is there, and no key is in a map twice (references.py); who
  reads a configuration of Weir has the files that it names, and no private key besides
  (credentials.py)
- every file of refused/ is refused by one of these, with the words of its first line
- deploy/kustomize/base is fresh and builds, and so does deploy/kustomize/example, with what
  make_secrets.sh makes; the reference of values is fresh; the versions agree; options and pages
  that the chart names exist
- an upgrade keeps the release's secrets (upgrade_check.py)
- servers have their probes and their budgets (servers.py)
- every pod gets each field that values give it, clients' as servers' (given_fields.py)
- the pod of helm test counts TaskManagers that have registered, and no others (helm_test.py)

Last line: how many checks there were. Exit code 1, and what is wrong, otherwise.
"""

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import credentials
import given_fields
import helm_test
import references
import servers
import upgrade_check
import yaml
from references import Problem

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CHART = os.path.join(ROOT, "deploy/chart/weir")
OLDEST, NEWEST = "1.25", "1.37"
# Of operators; the schemas of Kubernetes do not have them.
CUSTOM_KINDS = ("Certificate", "PodMonitor")
# A release has no pod that submits; with this it is among what is checked.
SUBMIT = ["--set", "submit.image=registry.example/my-job:1"]


def output(command, text=None):
    """(exit code, both streams)"""
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def must(command, text=None):
    code, out = output(command, text)
    if code != 0:
        raise Problem(f"{' '.join(command)}: {out.strip()}")
    return out


def comment(text, name, default):
    """What a line "# name: value" of a file of values says."""
    found = re.search(rf"^# {name}: (\S+)$", text, re.MULTILINE)
    return found.group(1) if found else default


def check_schemas(text, version):
    documents = [one for one in references.load(text) if one["kind"] not in CUSTOM_KINDS]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(documents, file)
        file.flush()
        validator = os.path.join(os.path.dirname(sys.executable), "kubernetes-validate")
        code, out = output([validator, "--strict", "--no-warn", "-k", version, file.name])
        passed = out.count(" passed for resource ")
        if code != 0 or passed != len(documents):
            raise Problem(f"Kubernetes {version}: {passed} of {len(documents)} manifests are "
                          f"valid: {out.strip()}")


def check_pods(text):
    for name, _, spec in references.pods(references.load(text)):
        if spec.get("automountServiceAccountToken") is not False:
            raise Problem(f"{name} mounts the token of its account")
        if spec.get("enableServiceLinks") is not False:
            raise Problem(f"{name} has variables of services, which Weir takes for options")
        for container in spec.get("initContainers", []) + spec["containers"]:
            security = container.get("securityContext", {})
            if security.get("readOnlyRootFilesystem") is not True:
                raise Problem(f"the container {container['name']} of {name} can write to its root "
                              "file system")


def check_certificate(text, names, addresses):
    """The certificate in the Secret weir-tls is good for these."""
    secret = next(one for one in references.load(text)
                  if one["kind"] == "Secret" and one["metadata"]["name"] == "weir-tls")
    certificate = base64.b64decode(secret["data"]["tls.crt"]).decode()
    for option, values in (("-checkhost", names), ("-checkip", addresses)):
        for value in values:
            out = must(["openssl", "x509", "-noout", option, value], certificate)
            if "does match certificate" not in out:
                raise Problem(f"the certificate: {out.strip()}")


class Checks:
    """The tools, and how many checks there were."""

    def __init__(self, options):
        self.options = options
        self.count = 0

    def template(self, values, release="weir"):
        return [self.options.helm, "template", release, CHART, "--namespace", "streams", "-f",
                values]

    def pods(self, values, *more):
        return references.pods(references.load(must(self.template(values) + list(more))))

    def judge(self, text):
        must([self.options.restricted], text)

    def check_values(self, values):
        must([self.options.helm, "lint", "--quiet", "--strict", "-f", values, CHART])
        if any(name.endswith("-submit") for name, _, _ in self.pods(values)):
            raise Problem(f"{values} has a pod that submits, for which it does not ask")
        text = must(self.template(values) + SUBMIT)
        with open(values, encoding="utf-8") as file:
            given = file.read()
        for version in (comment(given, "oldest", OLDEST), NEWEST):
            check_schemas(text, version)
        self.judge(text)
        check_pods(text)
        references.check(text, set().union(*map(references.scalars, references.load(given))))
        credentials.check(references.load(text))
        servers.check(references.load(text), comment(given, "budgets", "yes") == "yes")
        self.count += 9

    def check_refused(self, values):
        with open(values, encoding="utf-8") as file:
            given = file.read()
        expected = given.partition("\n")[0].removeprefix("# refused: ").strip()
        release = comment(given, "release", "weir")
        code, text = output(self.template(values, release))
        try:
            if code != 0:
                raise Problem(text)
            check_schemas(text, NEWEST)
            self.judge(text)
            check_pods(text)
        except Problem as problem:
            if expected not in str(problem):
                raise Problem(f"{values} is refused, not with '{expected}': {problem}") from None
            self.count += 1
            return
        raise Problem(f"{values} is not refused: '{expected}'")

    def check_kustomize(self):
        base = os.path.join(ROOT, "deploy/kustomize/base")
        must([sys.executable, os.path.join(HERE, "kustomize_base.py"), "--helm",
              self.options.helm, "--check"])
        text = must([self.options.kubectl, "kustomize", base])
        self.check_rendered(text, {"weir-tls", "weir-token"})
        with open(os.path.join(ROOT, "deploy/kustomize/submit.yaml"), encoding="utf-8") as file:
            self.check_rendered(f"{text}\n---\n{file.read()}", {"weir-tls", "weir-token"})
        self.count += 12

    def check_overlay(self):
        """The example of an overlay, with the secrets of make_secrets.sh, which fit the names."""
        with tempfile.TemporaryDirectory() as directory:
            folder = os.path.join(directory, "kustomize")
            shutil.copytree(os.path.join(ROOT, "deploy/kustomize"), folder)
            example = os.path.join(folder, "example")
            must([os.path.join(folder, "make_secrets.sh"), example, "weir.example.com"])
            text = must([self.options.kubectl, "kustomize", example])
            must(["openssl", "verify", "-CAfile", os.path.join(example, "ca.crt"),
                  os.path.join(example, "tls.crt")])
        self.check_rendered(text, set())
        images = set(re.findall(r"image: (\S+)", text))
        if images != {"registry.example/streams/weir:0.1.0"}:
            raise Problem(f"the overlay's image is not everywhere: {sorted(images)}")
        check_certificate(text, ["weir.weir.svc.cluster.local", "localhost", "weir.example.com",
                                 "weir-jobmanager-2.weir-jobmanager.weir.svc.cluster.local"],
                          ["127.0.0.1"])
        self.count += 8

    def check_rendered(self, text, known):
        check_schemas(text, NEWEST)
        self.judge(text)
        check_pods(text)
        references.check(text, known)
        credentials.check(references.load(text))
        servers.check(references.load(text))

    def check_certificates(self):
        """Addresses among the names are addresses of the certificate, whoever makes it."""
        names = ["weir.example.com", "weir.streams.svc.cluster.local",
                 "weir-jobmanager-8.weir-jobmanager.streams.svc.cluster.local"]
        addresses = ["127.0.0.1", "10.20.30.40", "fd00::1"]
        newer = self.template(os.path.join(HERE, "values/newer.yaml"))
        check_certificate(must(newer), names, addresses)
        managed = must(newer + ["--set", "tls.certManager.enabled=true",
                                "--set", "tls.certManager.issuerRef.name=internal"])
        spec = next(one["spec"] for one in references.load(managed)
                    if one["kind"] == "Certificate")
        if spec["ipAddresses"] != addresses or set(addresses) & set(spec["dnsNames"]):
            raise Problem(f"cert-manager is asked for {spec['ipAddresses']} {spec['dnsNames']}")
        upgrade_check.check(self.options.helm)
        self.count += 3

    def check_helm_test(self):
        values = os.path.join(HERE, "values/default.yaml")
        pod = next(spec for name, _, spec in self.pods(values, "--set", "taskmanager.replicas=2")
                   if name == "weir-test")
        self.count += helm_test.check(pod["containers"][0])

    def check_given_fields(self):
        with open(os.path.join(CHART, "values.schema.json"), encoding="utf-8") as file:
            given_fields.check_schema(json.load(file))
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(given_fields.values(), file)
            file.flush()
            text = must(self.template(file.name) + SUBMIT)
        check_schemas(text, NEWEST)
        self.count += 2 + given_fields.check_pods(references.load(text))

    def check_agreement(self):
        must([sys.executable, os.path.join(HERE, "chart_reference.py"), "--check"])
        with open(os.path.join(CHART, "Chart.yaml"), encoding="utf-8") as file:
            chart = yaml.safe_load(file)
        with open(os.path.join(ROOT, "common/base/version.h"), encoding="utf-8") as file:
            version = re.search(r'kVersion\[\] = "([^"]+)"', file.read()).group(1)
        if not chart["version"] == chart["appVersion"] == version:
            raise Problem(f"the chart has the versions {chart['version']} and "
                          f"{chart['appVersion']}, common/base/version.h has {version}")
        with open(os.path.join(ROOT, "deploy/image/Dockerfile"), encoding="utf-8") as file:
            if f"ARG VERSION={version}\n" not in file.read():
                raise Problem(f"deploy/image/Dockerfile has not ARG VERSION={version}")
        self.check_options()
        self.check_table()
        self.count += 5

    def check_table(self):
        """What survives what: the rows of the page are the steps of faults.py."""
        with open(os.path.join(HERE, "faults.py"), encoding="utf-8") as file:
            steps = re.findall(r"\.survive\(\s*\"([^\"]+)\"", file.read())
        with open(os.path.join(ROOT, "docs/kubernetes.md"), encoding="utf-8") as file:
            page = file.read().partition("## What survives what")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| (?!-|what is done)([^|]+) \|", page, re.MULTILINE)
        if sorted(steps) != sorted(rows):
            raise Problem("docs/kubernetes.md and tests/k8s/faults.py differ in: "
                          f"{sorted(set(steps) ^ set(rows))}")

    def check_options(self):
        """Options that the templates name are in the reference of options."""
        with open(os.path.join(ROOT, "docs/configuration.md"), encoding="utf-8") as file:
            known = set(re.findall(r"^\| `([a-z.-]+)`", file.read(), re.MULTILINE))
        with open(os.path.join(CHART, "templates/configmap.yaml"), encoding="utf-8") as file:
            named = set(re.findall(r"^ +([a-z-]+\.[a-z.-]+):(?! \|)", file.read(), re.MULTILINE))
        with open(os.path.join(CHART, "templates/_helpers.tpl"), encoding="utf-8") as file:
            own = re.search(r"range \$key := list ((?:\"[a-z.-]+\" ?)+)", file.read()).group(1)
        refused = set(re.findall(r'"([a-z.-]+)"', own))
        if named - known or refused - known:
            raise Problem(f"there are no options {sorted((named | refused) - known)}")
        if named - refused:
            raise Problem(f"config may have {sorted(named - refused)}, which the chart sets")


def main():
    parser = argparse.ArgumentParser()
    for name in ("helm", "kubectl", "restricted"):
        parser.add_argument("--" + name, required=True)
    checks = Checks(parser.parse_args())
    try:
        for folder, check in (("values", checks.check_values), ("refused", checks.check_refused)):
            for name in sorted(os.listdir(os.path.join(HERE, folder))):
                check(os.path.join(HERE, folder, name))
        checks.check_kustomize()
        checks.check_overlay()
        checks.check_certificates()
        checks.check_given_fields()
        checks.check_helm_test()
        checks.check_agreement()
    except Problem as problem:
        sys.exit(f"chart: {problem}")
    print(f"chart: {checks.count} checks passed")


if __name__ == "__main__":
    main()
