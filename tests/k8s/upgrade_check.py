"""Whether an upgrade keeps the certificate and the token that the release made: helm renders the
chart against an API server of these lines, which knows Secrets or does not."""

import http.server
import json
import os
import subprocess
import tempfile
import threading

import references
from references import Problem

HERE = os.path.dirname(os.path.abspath(__file__))
CHART = os.path.join(os.path.dirname(os.path.dirname(HERE)), "deploy/chart/weir")
NAMESPACE = "streams"


def plural(kind):
    """The resource of a kind, by the rule that those of Kubernetes are named by."""
    lower = kind.lower()
    return lower[:-1] + "ies" if lower.endswith("y") else lower + "s"


def discovery(documents):
    """path -> answer: what an API server says that it has, of the kinds of these documents."""
    versions = {}
    for one in documents:
        versions.setdefault(one["apiVersion"], set()).add(one["kind"])
    groups, answers = [], {"/version": {"major": "1", "minor": "35", "gitVersion": "v1.35.0"},
                           "/api": {"kind": "APIVersions", "versions": ["v1"]}}
    for version, kinds in versions.items():
        answers[("/api/" if version == "v1" else "/apis/") + version] = {
            "kind": "APIResourceList", "groupVersion": version,
            "resources": [{"name": plural(kind), "singularName": kind.lower(), "kind": kind,
                           "namespaced": True, "verbs": ["get"]} for kind in sorted(kinds)]}
        if version != "v1":
            entry = {"groupVersion": version, "version": version.partition("/")[2]}
            groups.append({"name": version.partition("/")[0], "versions": [entry],
                           "preferredVersion": entry})
    answers["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    return answers


class ApiServer:
    """Answers GET by a table path -> object, and 404 to everything else. Use with `with`."""

    def __init__(self, answers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # the name that http.server asks for
                found = answers.get(self.path.partition("?")[0])
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(found or {
                    "kind": "Status", "apiVersion": "v1", "status": "Failure",
                    "reason": "NotFound", "code": 404}).encode())

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {
                "server": f"http://127.0.0.1:{self._server.server_port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {}}]}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def render(helm, settings, config=None):
    """The documents; with `config`, of a cluster's API server, `lookup` asks it."""
    command = [helm, "template", "weir", CHART, "--namespace", NAMESPACE]
    for setting in settings:
        command += ["--set", setting]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        if config:
            json.dump(config, file)
            file.flush()
            command += ["--dry-run=server", "--disable-openapi-validation", "--kubeconfig",
                        file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, check=False)
    if done.returncode != 0:
        raise Problem(f"{' '.join(command)}: {done.stderr.strip()}")
    return references.load(done.stdout)


def secrets_of(documents):
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == "Secret"}


def owned(secret):
    """As helm leaves it in a cluster."""
    metadata = {**secret["metadata"], "namespace": NAMESPACE, "annotations": {
        "meta.helm.sh/release-name": "weir", "meta.helm.sh/release-namespace": NAMESPACE}}
    return {**secret, "metadata": metadata}


def check(helm):
    """An installation makes secrets, an upgrade with other values keeps every byte of them."""
    upgrade = ["jobmanager.replicas=2", "tls.extraNames={weir.example.com}"]
    answers = discovery(render(helm, []))
    with ApiServer(answers) as server:
        installed = secrets_of(render(helm, [], server.config))
    again = secrets_of(render(helm, upgrade))
    if set(installed) != {"weir-tls", "weir-token"}:
        raise Problem(f"an installation makes the secrets {sorted(installed)}")
    for name, secret in installed.items():
        if secret["data"] == again[name]["data"]:
            raise Problem(f"two installations have the same {name}")
        answers[f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"] = owned(secret)
    with ApiServer(answers) as server:
        upgraded = secrets_of(render(helm, upgrade, server.config))
    for name, secret in installed.items():
        if name not in upgraded or upgraded[name]["data"] != secret["data"]:
            raise Problem(f"an upgrade does not keep the Secret {name}")
