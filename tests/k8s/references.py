"""Whether manifests fit together: every selector selects a pod, every name that a pod needs is made
by a manifest of the same stream, or is known to be there, and no key is in a map twice. Pure."""

import yaml

# What a pod names, by the field that has the name: kind of the object.
VOLUMES = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName"),
           "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName")}
VARIABLES = {"configMapRef": "ConfigMap", "secretRef": "Secret",
             "configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


class Problem(Exception):
    """Manifests do not fit together."""


class _StrictLoader(yaml.SafeLoader):
    """Refuses a map that has a key twice, of which PyYAML, as helm, takes the last."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise Problem(f"the key '{key.value}' is there twice, in line "
                              f"{key.start_mark.line + 1}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(text):
    """The documents of a stream that are not empty."""
    return [one for one in yaml.load_all(text, Loader=_StrictLoader) if one]


def scalars(value):
    """All strings in a document."""
    if isinstance(value, dict):
        return set().union(*(scalars(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(scalars(one) for one in value))
    return {value} if isinstance(value, str) else set()


def pods(documents):
    """(name, labels, spec) of each pod and template of pods."""
    for one in documents:
        if one["kind"] == "Pod":
            yield one["metadata"]["name"], one["metadata"].get("labels", {}), one["spec"]
        elif "template" in one.get("spec", {}):
            template = one["spec"]["template"]
            yield one["metadata"]["name"], template["metadata"].get("labels", {}), template["spec"]


def matches(selector, labels):
    """Of matchLabels; other ways to select are not understood, and so refused."""
    if set(selector) - {"matchLabels"}:
        raise Problem(f"the selector {selector} is not understood")
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items())


def selectors(documents):
    """(who, selector) of all that select pods of the stream."""
    for one in documents:
        name, spec = f"{one['kind']} {one['metadata']['name']}", one.get("spec", {})
        if one["kind"] == "Service" and spec.get("selector"):
            yield name, {"matchLabels": spec["selector"]}
        elif one["kind"] in ("PodDisruptionBudget", "StatefulSet", "PodMonitor"):
            yield name, spec["selector"]
        elif one["kind"] == "NetworkPolicy":
            yield name, spec["podSelector"]


def check_selectors(documents):
    labels = [found for _, found, _ in pods(documents)]
    for who, selector in selectors(documents):
        if not any(matches(selector, one) for one in labels):
            raise Problem(f"{who} selects no pod: {selector}")
    for name, own, spec in pods(documents):
        for spread in spec.get("topologySpreadConstraints", []):
            if not matches(spread["labelSelector"], own):
                raise Problem(f"{name} is spread by labels that it has not: {spread}")


def named_by(spec):
    """(kind, name, keys that have to be in it) of all that a pod needs, unless it is optional."""
    if "serviceAccountName" in spec:
        yield "ServiceAccount", spec["serviceAccountName"], []
    for secret in spec.get("imagePullSecrets", []):
        yield "Secret", secret["name"], []
    for volume in spec.get("volumes", []):
        for field, (kind, name) in VOLUMES.items():
            source = volume.get(field)
            if source and not source.get("optional"):
                yield kind, source[name], [item["key"] for item in source.get("items", [])]
    for container in spec.get("initContainers", []) + spec["containers"]:
        for source in container.get("envFrom", []) + [
                one.get("valueFrom", {}) for one in container.get("env", [])]:
            for field, kind in VARIABLES.items():
                if field in source and not source[field].get("optional"):
                    key = source[field].get("key")
                    yield kind, source[field]["name"], [key] if key else []


def made_by(documents):
    """(kind, name) -> its keys, None when they are not known."""
    made = {}
    for one in documents:
        key = (one["kind"], one["metadata"]["name"])
        if key in made:
            raise Problem(f"{key[0]} {key[1]} is there twice")
        made[key] = set(one.get("data") or {}) | set(one.get("stringData") or {})
        if one["kind"] == "Certificate":
            made[("Secret", one["spec"]["secretName"])] = {"tls.crt", "tls.key", "ca.crt"}
    return made


def check_services(documents):
    """Pods of a StatefulSet have names by its service, which has to be there and headless."""
    headless = {one["metadata"]["name"] for one in documents
                if one["kind"] == "Service" and one["spec"].get("clusterIP") == "None"}
    for one in documents:
        if one["kind"] == "StatefulSet" and one["spec"]["serviceName"] not in headless:
            raise Problem(f"StatefulSet {one['metadata']['name']} has no headless Service "
                          f"{one['spec']['serviceName']}")


def check_names(documents, known):
    """`known`: names of what is there already, of whatever kind."""
    made = made_by(documents)
    for pod, _, spec in pods(documents):
        for kind, name, keys in named_by(spec):
            if (kind, name) not in made:
                if name in known or (kind, name) == ("ServiceAccount", "default"):
                    continue
                raise Problem(f"{pod} names the {kind} {name}, which nobody makes")
            missing = set(keys) - made[(kind, name)]
            if missing:
                raise Problem(f"{pod} needs {sorted(missing)} of the {kind} {name}, "
                              f"which has {sorted(made[(kind, name)])}")


def check(text, known=frozenset()):
    documents = load(text)
    check_selectors(documents)
    check_services(documents)
    check_names(documents, known)
