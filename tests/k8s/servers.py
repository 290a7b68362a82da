"""Whether the StatefulSets of Weir have what keeps servers up: the three probes, each of its own
endpoint, and a PodDisruptionBudget. Pure."""

from references import Problem, matches

PROBES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def _check_probes(name, container):
    for kind, path in PROBES.items():
        found = container.get(kind, {}).get("httpGet", {}).get("path")
        if found != path:
            raise Problem(f"StatefulSet {name}: the {kind} asks for {found}, and not for {path}")


def _check_budget(name, labels, documents, wanted):
    found = any(one["kind"] == "PodDisruptionBudget" and matches(one["spec"]["selector"], labels)
                for one in documents)
    if found != wanted:
        raise Problem(f"StatefulSet {name} has {'a' if found else 'no'} PodDisruptionBudget")


def check(documents, budgets=True):
    """`budgets`: False where the values take them away."""
    sets = [one for one in documents if one["kind"] == "StatefulSet"]
    if len(sets) != 2:
        raise Problem(f"there are {len(sets)} StatefulSets, not one of JobManagers and one of "
                      "TaskManagers")
    for one in sets:
        name, template = one["metadata"]["name"], one["spec"]["template"]
        _check_probes(name, template["spec"]["containers"][0])
        _check_budget(name, template["metadata"]["labels"], documents, budgets)
