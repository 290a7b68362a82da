"""What the controller of StatefulSets decides about pods that are there, as that of Kubernetes does
with podManagementPolicy Parallel (pkg/controller/statefulset/stateful_set_control.go). Pure.

Parallel is about pods that are missing or too many: they are made and ended all at once. Pods of
another template than the set's are made anew one at a time all the same: the highest ordinal that
is left is ended when all above it have the set's template and are ready. One that is of the older
template is ended ready or not, so that an upgrade gets over pods that never were."""

from manifests import Unsupported


def rolls(stateful_set):
    """Are pods of another template made anew? Else by whoever deletes them: OnDelete."""
    strategy = stateful_set["spec"].get("updateStrategy", {})
    if strategy.get("type", "RollingUpdate") == "OnDelete":
        return False
    rolling = strategy.get("rollingUpdate") or {}
    if rolling.get("partition", 0) != 0 or rolling.get("maxUnavailable", 1) != 1:
        raise Unsupported(f"pods cannot be rolled by {rolling} here")
    return True


def check(stateful_set):
    """Refuses what the functions below would not heed."""
    name, spec = stateful_set["metadata"]["name"], stateful_set["spec"]
    if spec.get("podManagementPolicy", "OrderedReady") != "Parallel":
        raise Unsupported(f"the pods of StatefulSet {name} cannot be made one after another here")
    if spec.get("minReadySeconds", 0) != 0:
        raise Unsupported(f"StatefulSet {name}: minReadySeconds cannot be waited for here")
    rolls(stateful_set)


def ordinals(stateful_set):
    """The names of the set's pods, the highest ordinal first."""
    replicas = stateful_set["spec"].get("replicas", 1)
    return [f"{stateful_set['metadata']['name']}-{ordinal}"
            for ordinal in reversed(range(replicas))]


def to_roll(stateful_set, pods):
    """The pod that is to be ended now, for one of the set's template; "" when there is none, or not
    yet. `pods`: name -> what has a template and is ready or not, without those that are ending."""
    if not rolls(stateful_set):
        return ""
    for name in ordinals(stateful_set):
        if name not in pods:
            return ""
        if pods[name].template != stateful_set["spec"]["template"]:
            return name
        if not pods[name].ready:
            return ""
    return ""


def is_settled(stateful_set, pods):
    """All its pods are there, of its template unless they are left to be, and ready; no others."""
    template, names = stateful_set["spec"]["template"], set(ordinals(stateful_set))
    own = {name for name in pods if name.rpartition("-")[0] == stateful_set["metadata"]["name"]}
    return own == names and all(
        pods[name].ready and (pods[name].template == template or not rolls(stateful_set))
        for name in names)
