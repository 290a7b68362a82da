#!/usr/bin/env python3
"""Runs a job on a Weir cluster through its gRPC API: uploads the binary, shows the plan, submits
with an idempotency token, watches events, reads the status, and stops the job.

  python3 -m venv /tmp/weir-python
  /tmp/weir-python/bin/pip install -r requirements.txt
  /tmp/weir-python/bin/python weir_client.py --address=127.0.0.1:6123 \\
      --checkpoints=3 ./kafka_to_kafka -- --brokers=localhost:9092

It stops the job after so many completed checkpoints, waits for its end, and prints one JSON line.
The calls are documented in docs/api.md; proto/client.proto is all it knows of Weir.
"""

import argparse
import atexit
import hashlib
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
import uuid

import grpc
import grpc_tools
from grpc_tools import protoc

CHUNK_BYTES = 256 * 1024
LEADER_KEY = "weir-leader-address"  # trailing metadata of a standby's answer
# The cluster is away for a moment, or lacks a TaskManager for a moment.
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


def load_api(protos):
    """Makes Python modules of proto/*.proto, which lie below `protos`, and loads the client's."""
    folder = os.path.join(protos, "proto")
    out = tempfile.mkdtemp(prefix="weir-proto-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    files = sorted(os.path.join(folder, name) for name in os.listdir(folder)
                   if name.endswith(".proto"))
    well_known = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    if protoc.main(["protoc", f"-I{protos}", f"-I{well_known}", f"--python_out={out}",
                    f"--grpc_python_out={out}", *files]) != 0:
        sys.exit("weir_client: the .proto files cannot be compiled")
    sys.path.insert(0, out)
    return (importlib.import_module("proto.client_pb2"),
            importlib.import_module("proto.client_pb2_grpc"))


class WeirClient:
    """One cluster. Calls go to the leader: a standby says who that is; while nobody leads, and
    after a lost connection, a call is repeated. All calls may be: a submission has a token."""

    def __init__(self, addresses, messages, services, token=None, patience=30.0):
        self._addresses = list(addresses)
        self._messages = messages
        self._services = services
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._patience = patience
        self._next = 0
        self._waits = False  # and has said so
        self._address = self._addresses[0]
        self._stubs = {}

    def _stub(self):
        if self._address not in self._stubs:
            channel = grpc.insecure_channel(self._address)
            self._stubs[self._address] = self._services.ClientStub(channel)
        return self._stubs[self._address]

    def _follow(self, error):
        """Where to go on after an answer that is no answer; raises if it is one."""
        leader = dict(error.trailing_metadata() or ()).get(LEADER_KEY)  # None: it is no standby
        if leader:
            self._address = leader
            return
        if leader is None and error.code() not in PASSING:
            raise error
        if not self._waits:
            self._waits = True
            print(f"weir_client: {self._address}: {error.details()}; trying again for "
                  f"{self._patience:.0f} s", file=sys.stderr)
        self._next = (self._next + 1) % len(self._addresses)
        self._address = self._addresses[self._next]
        time.sleep(0.1)

    def call(self, method, request):
        end = time.monotonic() + self._patience
        while True:
            try:
                return getattr(self._stub(), method)(request, timeout=self._patience,
                                                     metadata=self._metadata)
            except grpc.RpcError as error:
                if time.monotonic() > end:
                    raise
                self._follow(error)

    def upload(self, path):
        """Sends the binary, unless the cluster has it; returns its SHA-256."""
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()

        def chunks():
            yield self._messages.ArtifactChunk(sha256=sha256)
            with open(path, "rb") as file:
                while data := file.read(CHUNK_BYTES):
                    yield self._messages.ArtifactChunk(data=data)

        end = time.monotonic() + self._patience
        while True:
            try:
                self._stub().UploadArtifact(chunks(), timeout=self._patience,
                                            metadata=self._metadata)
                return sha256
            except grpc.RpcError as error:
                if time.monotonic() > end:
                    raise
                self._follow(error)

    def watch(self, job):
        """Events of the job until it has ended; goes on behind the last when a stream breaks."""
        request = self._messages.WatchJobRequest(job=job)
        broken_since = None
        while True:
            try:
                for event in self._stub().WatchJob(request, metadata=self._metadata):
                    broken_since = None
                    request.after_sequence = event.sequence
                    yield event
                return
            except grpc.RpcError as error:
                broken_since = broken_since or time.monotonic()
                if time.monotonic() > broken_since + self._patience:
                    raise
                self._follow(error)


def default_protos():
    """Of the checkout, or installed."""
    here = os.path.dirname(os.path.abspath(__file__))
    tops = [os.path.dirname(os.path.dirname(here)), "/usr/share/weir"]
    tops.append(os.path.join(here, "../../../../weir"))  # of another prefix
    return next((top for top in tops if os.path.exists(os.path.join(top, "proto/client.proto"))),
                tops[0])


def run(options):
    messages, services = load_api(options.protos)
    token = None
    if options.token_file:
        with open(options.token_file, encoding="utf-8") as file:
            token = file.read().strip()
    client = WeirClient(options.address.split(","), messages, services, token)

    artifact = client.upload(options.binary)
    plan = client.call("Plan", messages.PlanRequest(artifact=artifact, arguments=options.arguments))
    print(f"plan: {plan.graph.job_name}, {len(plan.graph.vertices)} vertices", file=sys.stderr)

    submission = messages.SubmitJobRequest(
        client_token=options.idempotency_token or str(uuid.uuid4()), artifact=artifact,
        arguments=options.arguments, plan=plan.graph,
        configuration={"checkpoint.interval": options.checkpoint_interval})
    job = client.call("SubmitJob", submission).job
    again = client.call("SubmitJob", submission).job
    if again != job:
        sys.exit(f"weir_client: one token, two jobs: {job} and {again}")

    states, checkpoints, stopped = [], 0, False
    for event in client.watch(job):
        if event.kind == messages.JobEvent.STATE:
            states.append(event.job.state)
            print(f"state: {event.job.state} {event.job.reason}".rstrip(), file=sys.stderr)
        elif event.checkpoint.state == "COMPLETED":
            checkpoints += 1
        if checkpoints >= options.checkpoints and not stopped:
            stopped = True
            client.call("StopJob", messages.StopJobRequest(job=job))

    details = client.call("DescribeJob", messages.DescribeJobRequest(job=job))
    print(json.dumps({"job": job, "state": details.summary.state, "states": states,
                      "checkpoints": checkpoints, "restarts": details.summary.restarts,
                      "reason": details.summary.reason}))
    return 0 if details.summary.state == "FINISHED" else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1:6123",
                        help="HOST:PORT of the JobManagers, with commas")
    parser.add_argument("--token-file", help="file with the cluster's token")
    parser.add_argument("--protos", default=default_protos(),
                        help="the folder that holds proto/client.proto")
    parser.add_argument("--idempotency-token", help="the same token is the same job")
    parser.add_argument("--checkpoint-interval", default="500ms")
    parser.add_argument("--checkpoints", type=int, default=3,
                        help="the job is stopped after so many completed checkpoints")
    parser.add_argument("binary")
    parser.add_argument("arguments", nargs="*", help="behind --: of the job")
    try:
        return run(parser.parse_args())
    except grpc.RpcError as error:
        sys.exit(f"weir_client: {error.code().name}: {error.details()}")
    except OSError as error:
        sys.exit(f"weir_client: {error}")


if __name__ == "__main__":
    sys.exit(main())
