#!/usr/bin/env python3
"""Writes deploy/kustomize/base and deploy/kustomize/submit.yaml from the chart's templates, or with
--check says whether they are what those make: for who has no helm. Namespace weir, secrets weir-tls
and weir-token by reference.

  kustomize_base.py --helm HELM [--check]
"""

import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(ROOT, "deploy/chart/weir")
FOLDER = os.path.join(ROOT, "deploy/kustomize")
JOB_IMAGE = "my-job:1"
NAMESPACE = "weir"
SOURCE = re.compile(r"^# Source: weir/templates/(\S+)$", re.MULTILINE)
HEAD = "# Made from deploy/chart/weir by tests/k8s/kustomize_base.py: do not edit.\n"
NAMESPACE_FILE = """apiVersion: v1
kind: Namespace
metadata:
  name: weir
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def rendered(helm, *more):
    return subprocess.run(
        [helm, "template", "weir", CHART, "--namespace", NAMESPACE, "--no-hooks", "--skip-tests",
         "--set", "tls.existingSecret=weir-tls", "--set", "token.existingSecret=weir-token", *more],
        check=True, stdout=subprocess.PIPE, text=True).stdout


def files_of(text):
    """File name -> contents, one a template."""
    files = {}
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        source = SOURCE.search(document)
        if not source:
            continue
        body = SOURCE.sub("", document).strip() + "\n"
        if not body or all(line.startswith("#") for line in body.splitlines()):
            continue
        body = re.sub(r"^\s+(?:app.kubernetes.io/managed-by|helm.sh/\S+): .*\n", "", body,
                      flags=re.MULTILINE)
        body = re.sub(r"^  annotations:\n(?!    )", "", body, flags=re.MULTILINE)
        body = re.sub(r"[ \t]+$", "", body, flags=re.MULTILINE)
        body = re.sub(r"\n\n+", "\n", body)
        files.setdefault(os.path.basename(source.group(1)), []).append(body)
    made = {name: HEAD + "---\n".join(parts) for name, parts in files.items()}
    made["namespace.yaml"] = HEAD + NAMESPACE_FILE
    made["kustomization.yaml"] = HEAD + (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        f"namespace: {NAMESPACE}\nresources:\n" +
        "".join(f"  - {name}\n" for name in sorted(made)))
    return made


def made_by_chart(helm):
    """Path below deploy/kustomize -> contents."""
    made = {f"base/{name}": text for name, text in files_of(rendered(helm)).items()}
    submit = files_of(rendered(helm, "--set", f"submit.image={JOB_IMAGE}"))["submit.yaml"]
    return {**made, "submit.yaml": submit}


def there():
    """The same, of what is there; the rest of deploy/kustomize is written by hand."""
    base = os.path.join(FOLDER, "base")
    names = [f"base/{name}" for name in os.listdir(base)] if os.path.isdir(base) else []
    found = {}
    for name in names + ["submit.yaml"]:
        if os.path.exists(os.path.join(FOLDER, name)):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                found[name] = file.read()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--helm", required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    made, found = made_by_chart(options.helm), there()
    if options.check:
        stale = sorted(name for name in made.keys() | found.keys()
                       if made.get(name) != found.get(name))
        if stale:
            sys.exit(f"deploy/kustomize is not what the chart makes: {', '.join(stale)}; "
                     "run ./dev k8s-test --update")
        return
    os.makedirs(os.path.join(FOLDER, "base"), exist_ok=True)
    for name in found.keys() - made.keys():
        os.remove(os.path.join(FOLDER, name))
    for name, text in made.items():
        with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
