#!/usr/bin/env python3
"""Reads a page of metrics from stdin with prometheus_client's parser, which is not ours, and checks
what that accepts: families with help and type, no series twice, whole histograms."""

import sys

from prometheus_client.parser import text_string_to_metric_families


def problems(page):
    families = list(text_string_to_metric_families(page))
    if not families:
        yield "there is no metric"
    for family in families:
        if family.type == "unknown" or not family.documentation:
            yield f"{family.name}: type {family.type}, help '{family.documentation}'"
        seen = set()
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                yield f"{key} is there twice"
            seen.add(key)
        if family.type == "histogram":
            yield from histogram_problems(family)


def histogram_problems(family):
    counts = {}
    for sample in family.samples:
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        if sample.name.endswith("_bucket"):
            before = counts.get(labels, 0)
            if sample.value < before:
                yield f"{family.name}: bucket {sample.labels} is below the one before"
            counts[labels] = sample.value
        elif sample.name.endswith("_count") and sample.value != counts.get(labels):
            yield f"{family.name}: count and last bucket differ"


def main():
    found = list(problems(sys.stdin.read()))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
