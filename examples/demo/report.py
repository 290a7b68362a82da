"""The demo's result: a short table, and JSON."""

import json
from dataclasses import asdict, dataclass

MOCK_SENTENCE = ("This was librdkafka's mock cluster, which has no transactions: "
                 "exactly-once delivery was not shown.")


@dataclass
class Result:
    """One run. The names are the keys of --json."""

    records_in: int
    records_out: int
    expected: int
    duplicates: int
    lost: int
    out_of_order: int
    recovery_ms: int | None
    jobmanager_gap_ms: int | None
    checkpoints: int
    throughput_per_s: int | None
    rss_mb: int
    broker: str

    def write_json(self, path):
        with open(path, "w") as file:
            json.dump(asdict(self), file, indent=2)
            file.write("\n")

    def print_table(self, wrong, note):
        recovery = "not measured" if self.recovery_ms is None else f"{self.recovery_ms:,} ms"
        gap = "not measured" if self.jobmanager_gap_ms is None else f"{self.jobmanager_gap_ms:,} ms"
        rate = ("not measured" if self.throughput_per_s is None
                else f"{self.throughput_per_s:,} records/s{note}")
        rows = [
            ("records in", f"{self.records_in:,}"),
            ("records out", f"{self.records_out:,}"),
            ("expected", f"{self.expected:,}"),
            ("duplicates", f"{self.duplicates:,}"),
            ("lost", f"{self.lost:,}"),
            ("wrong", f"{wrong:,}"),
            ("out of order within a key", f"{self.out_of_order:,}"),
            ("checkpoints", f"{self.checkpoints:,}"),
            ("recovery (worker killed)", recovery),
            ("longest gap (JobManager killed)", gap),
            ("throughput", rate),
            ("memory (all processes, peak)", f"{self.rss_mb:,} MB"),
            ("broker", self.broker),
        ]
        width = max(len(name) for name, _ in rows)
        print()
        for name, value in rows:
            print(f"  {name:<{width}}  {value}")
        print()
        if self.broker == "mock":
            print(MOCK_SENTENCE)
