"""What Kubernetes makes of manifests before a container runs, for podman: StatefulSets become pods
with names, labels and claims of their own, variables get their values, and what the kubelet would
put into volumes is said, file by file. Pure: nothing here touches the machine.

A pod comes out as a Pod that `podman kube play` accepts, and a list of Volumes: podman 4.3 knows
neither Secrets of manifests, projected items nor fsGroup, so each volume is a host directory that
the cluster (podman_cluster.py) fills.
"""

import base64
import copy
import dataclasses
import re

import yaml

WORKLOADS = ("StatefulSet",)
IGNORED = ("PodDisruptionBudget", "ServiceAccount", "NetworkPolicy", "Namespace")
STORED = ("ConfigMap", "Secret", "Service", "PersistentVolumeClaim")
# Of a pod's spec: what the scheduler and the API server read, and podman need not.
PLACED = ("topologySpreadConstraints", "affinity", "nodeSelector", "tolerations",
          "priorityClassName", "serviceAccountName", "automountServiceAccountToken",
          "enableServiceLinks", "imagePullSecrets")
QUANTITY = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
            "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


class Unsupported(Exception):
    """A manifest says what would be left out silently otherwise."""


@dataclasses.dataclass
class Volume:
    """A directory of a pod: what is in it, and whose it is."""
    name: str
    kind: str                 # files, empty or claim
    claim: str = ""           # of kind claim: its name; it outlives the pod
    files: dict = dataclasses.field(default_factory=dict)   # of kind files: path -> (bytes, mode)
    group: int = 0            # fsGroup
    size: int = 0             # of kind empty: its limit in bytes, 0 none


@dataclasses.dataclass
class PodPlan:
    """What is to run, for podman and for the stand-in of the kubelet."""
    name: str
    labels: dict
    manifest: dict
    volumes: list
    containers: list          # as in the manifest that came in: for probes and ports
    grace_seconds: int
    service_links: bool


def load(text):
    """The documents of a stream, keyed by (kind, name)."""
    objects = {}
    for document in yaml.safe_load_all(text):
        if not document:
            continue
        key = (document["kind"], document["metadata"]["name"])
        if key in objects:
            raise Unsupported(f"{key[0]} {key[1]} is there twice")
        if document["kind"] not in WORKLOADS + IGNORED + STORED + ("Pod",):
            raise Unsupported(f"the kind {document['kind']} ({key[1]}) cannot be run here")
        objects[key] = document
    return objects


def data_of(document):
    """The keys of a ConfigMap or Secret and their bytes."""
    found = {}
    for key, value in (document.get("data") or {}).items():
        found[key] = (base64.b64decode(value) if document["kind"] == "Secret"
                      else value.encode())
    for key, value in (document.get("stringData") or {}).items():
        found[key] = value.encode()
    return found


def quantity(text):
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text))
    if not match or match.group(2) not in QUANTITY:
        raise Unsupported(f"'{text}' is no quantity of bytes")
    return int(float(match.group(1)) * QUANTITY[match.group(2)])


def claims_that_go(objects):
    """The claims that helm uninstall deletes: those of the release, unless an annotation keeps
    them. Claims of templates are not the release's: they stay."""
    return [name for (kind, name), document in objects.items()
            if kind == "PersistentVolumeClaim" and
            document["metadata"].get("annotations", {}).get("helm.sh/resource-policy") != "keep"]


def has_claim(objects, claim):
    """Is there such a claim, of its own or of a template?"""
    if ("PersistentVolumeClaim", claim) in objects:
        return True
    return any(claim == f"{template['metadata']['name']}-{name}-{ordinal}"
               for (kind, name), document in objects.items() if kind == "StatefulSet"
               for template in document["spec"].get("volumeClaimTemplates", [])
               for ordinal in range(document["spec"].get("replicas", 1)))


def pods_of(stateful_set):
    """The pods a StatefulSet asks for: (name, metadata, spec) with its claims mounted."""
    spec = stateful_set["spec"]
    name = stateful_set["metadata"]["name"]
    if "Delete" in spec.get("persistentVolumeClaimRetentionPolicy", {}).values():
        raise Unsupported(f"the claims of StatefulSet {name} are to be deleted with their pods")
    labels = spec["template"]["metadata"].get("labels", {})
    for key, value in spec["selector"]["matchLabels"].items():
        if labels.get(key) != value:
            raise Unsupported(f"StatefulSet {name} does not select its own pods by {key}")
    for ordinal in range(spec.get("replicas", 1)):
        pod = f"{name}-{ordinal}"
        metadata = copy.deepcopy(spec["template"]["metadata"])
        metadata["labels"] = {**labels, "statefulset.kubernetes.io/pod-name": pod,
                              "apps.kubernetes.io/pod-index": str(ordinal)}
        pod_spec = copy.deepcopy(spec["template"]["spec"])
        pod_spec["hostname"] = pod
        pod_spec["subdomain"] = spec["serviceName"]
        for claim in spec.get("volumeClaimTemplates", []):
            of_pod = f"{claim['metadata']['name']}-{pod}"
            pod_spec.setdefault("volumes", []).append(
                {"name": claim["metadata"]["name"],
                 "persistentVolumeClaim": {"claimName": of_pod}})
        yield pod, metadata, pod_spec


def files_of(source, objects, kind, name):
    """Of a ConfigMap or Secret volume: path -> (bytes, mode)."""
    document = objects.get((kind, name))
    if document is None:
        if source.get("optional"):
            return {}
        raise Unsupported(f"there is no {kind} {name}")
    data = data_of(document)
    mode = source.get("defaultMode", 0o644)
    if "items" not in source:
        return {key: (value, mode) for key, value in data.items()}
    files = {}
    for item in source["items"]:
        if item["key"] not in data:
            raise Unsupported(f"{kind} {name} has no key {item['key']}")
        files[item["path"]] = (data[item["key"]], item.get("mode", mode))
    return files


def volume_of(volume, objects, group):
    name = volume["name"]
    source = next((key for key in volume if key != "name"), "")
    if source == "emptyDir":
        limit = (volume[source] or {}).get("sizeLimit", 0)
        return Volume(name, "empty", group=group, size=quantity(limit) if limit else 0)
    if source == "persistentVolumeClaim":
        claim = volume[source]["claimName"]
        if not has_claim(objects, claim):
            raise Unsupported(f"there is no PersistentVolumeClaim {claim}")
        return Volume(name, "claim", claim=claim, group=group)
    if source == "configMap":
        files = files_of(volume[source], objects, "ConfigMap", volume[source]["name"])
        return Volume(name, "files", files=files, group=group)
    if source == "secret":
        files = files_of(volume[source], objects, "Secret", volume[source]["secretName"])
        return Volume(name, "files", files=files, group=group)
    raise Unsupported(f"a volume of the kind '{source}' ({name}) cannot be made here")


def variable_value(variable, objects, fields):
    """The value of one entry of env."""
    if "valueFrom" not in variable:
        return str(variable.get("value", ""))
    source = variable["valueFrom"]
    if "fieldRef" in source:
        path = source["fieldRef"]["fieldPath"]
        if path not in fields:
            raise Unsupported(f"the field {path} of {variable['name']} is not known here")
        return fields[path]
    for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if key in source:
            document = objects.get((kind, source[key]["name"]))
            data = data_of(document) if document else {}
            if source[key]["key"] not in data:
                raise Unsupported(f"there is no {kind} {source[key]['name']} with the key "
                                  f"{source[key]['key']}")
            return data[source[key]["key"]].decode()
    raise Unsupported(f"the source of {variable['name']} is not known here")


def expand(text, variables):
    """$(NAME) as Kubernetes expands it: unknown names stay, $$ is one $."""
    def value(match):
        if match.group(0) == "$$":
            return "$"
        return variables.get(match.group(1), match.group(0))
    return re.sub(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)", value, text)


def service_variables(objects, addresses):
    """What a pod with enableServiceLinks gets: Docker's links of old, for services with an IP."""
    variables = {}
    for (kind, name), document in objects.items():
        if kind != "Service" or name not in addresses:
            continue
        prefix = name.upper().replace("-", "_")
        port = document["spec"]["ports"][0]["port"]
        variables[f"{prefix}_SERVICE_HOST"] = addresses[name]
        variables[f"{prefix}_SERVICE_PORT"] = str(port)
        variables[f"{prefix}_PORT"] = f"tcp://{addresses[name]}:{port}"
    return variables


def container_for_podman(container, objects, fields, links):
    """The container with literal variables and arguments, and without what podman ignores."""
    made = copy.deepcopy(container)
    variables = dict(links)
    for source in container.get("envFrom", []):
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if key in source:
                document = objects.get((kind, source[key]["name"]))
                if document is None:
                    raise Unsupported(f"there is no {kind} {source[key]['name']}")
                for name, value in data_of(document).items():
                    variables[source.get("prefix", "") + name] = value.decode()
    for variable in container.get("env", []):
        variables[variable["name"]] = expand(variable_value(variable, objects, fields), variables)
    made["env"] = [{"name": name, "value": value} for name, value in variables.items()]
    made.pop("envFrom", None)
    for part in ("command", "args"):
        if part in made:
            made[part] = [expand(one, variables) for one in made[part]]
    # The cluster asks the probes itself, as the kubelet does: podman knows but one of them.
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        made.pop(probe, None)
    # podman would publish nothing, but refuses names it has seen.
    made.pop("ports", None)
    # A request is for the scheduler; podman takes it for a reservation.
    made["resources"] = {"limits": container.get("resources", {}).get("limits", {})}
    return made


def plan_pod(name, metadata, spec, objects, place):
    """The PodPlan. `place`: namespace, ip, nameserver, domain, directory(volume) -> host path, and
    the addresses of the services."""
    fields = {"metadata.name": name, "metadata.namespace": place.namespace,
              "status.podIP": place.ip, "spec.nodeName": place.node, "metadata.uid": place.ip}
    security = spec.get("securityContext", {})
    volumes = [volume_of(one, objects, security.get("fsGroup", 0))
               for one in spec.get("volumes", [])]
    links_wanted = spec.get("enableServiceLinks", True)
    links = service_variables(objects, place.services) if links_wanted else {}
    made = {key: copy.deepcopy(value) for key, value in spec.items() if key not in PLACED}
    made.pop("subdomain", None)
    for kind in ("initContainers", "containers"):
        if kind in spec:
            made[kind] = [container_for_podman(one, objects, fields, links) for one in spec[kind]]
    made["volumes"] = [{"name": one.name,
                        "hostPath": {"path": place.directory(one), "type": "Directory"}}
                       for one in volumes]
    made["hostname"] = spec.get("hostname", name)
    made["dnsPolicy"] = "None"
    made["dnsConfig"] = {
        "nameservers": [place.nameserver],
        "searches": [f"{place.namespace}.svc.{place.domain}", f"svc.{place.domain}", place.domain],
        "options": [{"name": "ndots", "value": "5"}]}
    manifest = {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "labels": metadata.get("labels", {})}, "spec": made}
    return PodPlan(name, metadata.get("labels", {}), manifest, volumes, spec["containers"],
                   spec.get("terminationGracePeriodSeconds", 30), links_wanted)


def selects(service, labels):
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def port_number(port, containers):
    """A port by its number or by the name a container gives it."""
    if isinstance(port, int):
        return port
    for container in containers:
        for one in container.get("ports", []):
            if one.get("name") == port:
                return one["containerPort"]
    raise Unsupported(f"no container has a port named {port}")
