"""Whether every pod of the chart gets what values give it: each field of `jobmanager`,
`taskmanager` and `clientPods` that is passed on, and those that are for all pods. A field of the
schema that is neither passed on to clients nor known to be for servers alone is told, too. Pure."""

from references import Problem, scalars

# Pods, and the values that are theirs.
PODS = {"weir-jobmanager": "jobmanager", "weir-taskmanager": "taskmanager",
        "weir-submit": "clientPods", "weir-test": "clientPods"}
# What a pod has no use for that submits a job, or asks a question, and ends.
SERVERS_ONLY = {
    "replicas", "slots", "resources", "localState", "podDisruptionBudget", "updateStrategy",
    "minReadySeconds", "terminationGracePeriodSeconds", "lifecycle", "startupProbe",
    "livenessProbe", "readinessProbe", "tmpSizeLimit", "nodeLostSeconds",
    "topologySpreadConstraints", "extraArgs", "sidecars"}


def _spec(field):
    return lambda pod: pod["spec"].get(field)


def _metadata(field):
    return lambda pod: pod["metadata"].get(field)


def _container(field):
    return lambda pod: pod["spec"]["containers"][0].get(field)


# Where a pod has what it is given.
PLACES = {
    "podAnnotations": _metadata("annotations"), "podLabels": _metadata("labels"),
    "nodeSelector": _spec("nodeSelector"), "tolerations": _spec("tolerations"),
    "affinity": _spec("affinity"), "priorityClassName": _spec("priorityClassName"),
    "extraEnv": _container("env"), "extraEnvFrom": _container("envFrom"),
    "extraVolumes": _spec("volumes"), "extraVolumeMounts": _container("volumeMounts"),
    "initContainers": _spec("initContainers"), "podSpec": lambda pod: pod["spec"]}
PLACES_OF_ALL = {
    "imagePullSecrets": _spec("imagePullSecrets"),
    "podSecurityContext": _spec("securityContext"),
    "containerSecurityContext": _container("securityContext"), "commonLabels": _metadata("labels")}

OF_ALL = {"imagePullSecrets": [{"name": "registry"}],
          "podSecurityContext": {"supplementalGroups": [2000]},
          "containerSecurityContext": {"runAsUser": 20002}, "commonLabels": {"team": "streams"}}


def given(mark):
    """A value for each field of PLACES, with a word in it by which it is known again."""
    term = {"matchExpressions": [{"key": mark, "operator": "Exists"}]}
    return {
        "podAnnotations": {"example.com/of": mark}, "podLabels": {"of": mark},
        "nodeSelector": {"pool": mark}, "tolerations": [{"key": mark, "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [term]}}},
        "priorityClassName": mark, "extraEnv": [{"name": "OF", "value": mark}],
        "extraEnvFrom": [{"secretRef": {"name": mark}}],
        "extraVolumes": [{"name": mark, "emptyDir": {}}],
        "extraVolumeMounts": [{"name": mark, "mountPath": f"/{mark}"}],
        "initContainers": [{"name": mark, "image": mark}], "podSpec": {"runtimeClassName": mark}}


def mark_of(component):
    return f"of-{component.lower()}"


def values():
    """Of a release that gives every pod every field."""
    return {**OF_ALL, **{component: given(mark_of(component)) for component in PODS.values()}}


def has(whole, part):
    """Is `part` in it? Of maps by keys, of lists by items."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(has(whole.get(key), one)
                                               for key, one in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(has(one, wanted) for one in whole)
                                               for wanted in part)
    return whole == part


def check_schema(schema):
    """Every field of the servers is passed on to clients, or has a reason not to be."""
    clients = set(schema["properties"]["clientPods"]["properties"])
    if clients != set(PLACES):
        raise Problem(f"clientPods and tests/k8s/given_fields.py differ in "
                      f"{sorted(clients ^ set(PLACES))}")
    for component in ("jobmanager", "taskmanager"):
        fields = set(schema["properties"][component]["properties"])
        forgotten = fields - clients - SERVERS_ONLY
        if forgotten:
            raise Problem(f"{component} has {sorted(forgotten)}, which clientPods has not")
        if clients - fields:
            raise Problem(f"clientPods has {sorted(clients - fields)}, which {component} has not")


def pods_by_name(documents):
    """name -> its metadata and spec; those of a StatefulSet's template by the set's name."""
    found = {}
    for one in documents:
        if one["kind"] == "Pod":
            found[one["metadata"]["name"]] = one
        elif one["kind"] == "StatefulSet":
            found[one["metadata"]["name"]] = one["spec"]["template"]
    return found


def check_pods(documents):
    """Of documents that are rendered with values(): how many fields there were."""
    pods, count = pods_by_name(documents), 0
    if set(pods) != set(PODS):
        raise Problem(f"the pods are {sorted(pods)}, not {sorted(PODS)}")
    for name, component in PODS.items():
        wanted = [(f"{component}.{field}", PLACES[field], one)
                  for field, one in given(mark_of(component)).items()]
        wanted += [(field, PLACES_OF_ALL[field], one) for field, one in OF_ALL.items()]
        for field, place, one in wanted:
            if not has(place(pods[name]), one):
                raise Problem(f"{name} does not get {field}: it has {place(pods[name])}")
        others = {mark_of(other) for other in PODS.values()} - {mark_of(component)}
        strangers = others & scalars(pods[name])
        if strangers:
            raise Problem(f"{name} gets what is {sorted(strangers)}")
        count += len(wanted)
    return count
