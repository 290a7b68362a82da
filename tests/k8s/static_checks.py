#!/usr/bin/env python3
"""What can be known of the chart without running it:

  static_checks.py --helm HELM --kubectl KUBECTL --restricted PROGRAM

- helm lint --strict, and helm template, with every file of values/
- every manifest against the schemas of the oldest and the newest Kubernetes, strictly
- every pod by the Pod Security Standard "restricted"
- no pod has a token of its account, or variables that Kubernetes makes of services
- every file of refused/ is refused by one of these, with the words of its first line
- deploy/kustomize/base is fresh and builds; the reference of values is fresh; the versions agree;
  options and pages that the chart names exist

Last line: how many checks there were. Exit code 1, and what is wrong, otherwise.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CHART = os.path.join(ROOT, "deploy/chart/weir")
OLDEST, NEWEST = "1.25", "1.37"
# Of operators; the schemas of Kubernetes do not have them.
CUSTOM_KINDS = ("Certificate", "PodMonitor")


class Problem(Exception):
    """A check that does not hold."""


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


def check_schemas(text, version):
    documents = [one for one in yaml.safe_load_all(text)
                 if one and one["kind"] not in CUSTOM_KINDS]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all(documents, file)
        file.flush()
        validator = os.path.join(os.path.dirname(sys.executable), "kubernetes-validate")
        code, out = output([validator, "--strict", "--no-warn", "-k", version, file.name])
        passed = out.count(" passed for resource ")
        if code != 0 or passed != len(documents):
            raise Problem(f"Kubernetes {version}: {passed} of {len(documents)} manifests are "
                          f"valid: {out.strip()}")


def pod_specs(text):
    for one in yaml.safe_load_all(text):
        if one and one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]
        elif one and "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def check_pods(text):
    for name, spec in pod_specs(text):
        if spec.get("automountServiceAccountToken") is not False:
            raise Problem(f"{name} mounts the token of its account")
        if spec.get("enableServiceLinks") is not False:
            raise Problem(f"{name} has variables of services, which Weir takes for options")


class Checks:
    """The tools, and how many checks there were."""

    def __init__(self, options):
        self.options = options
        self.count = 0

    def template(self, values):
        return [self.options.helm, "template", "weir", CHART, "--namespace", "streams", "-f",
                values]

    def judge(self, text):
        must([self.options.restricted], text)

    def check_values(self, values):
        must([self.options.helm, "lint", "--quiet", "--strict", "-f", values, CHART])
        text = must(self.template(values))
        for version in (OLDEST, NEWEST):
            check_schemas(text, version)
        self.judge(text)
        check_pods(text)
        self.count += 5

    def check_refused(self, values):
        with open(values, encoding="utf-8") as file:
            expected = file.readline().removeprefix("# refused: ").strip()
        code, text = output(self.template(values))
        try:
            if code != 0:
                raise Problem(text)
            check_schemas(text, NEWEST)
            self.judge(text)
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
        check_schemas(text, NEWEST)
        self.judge(text)
        check_pods(text)
        self.count += 5

    def check_examples(self):
        with open(os.path.join(HERE, "submit.yaml"), encoding="utf-8") as file:
            text = file.read()
        check_schemas(text, NEWEST)
        self.judge(text)
        check_pods(text)
        self.count += 3

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
        checks.check_examples()
        checks.check_agreement()
    except Problem as problem:
        sys.exit(f"chart: {problem}")
    print(f"chart: {checks.count} checks passed")


if __name__ == "__main__":
    main()
