"""Whether the containers of Weir have the files of credentials that their configuration names, and
no private key besides: who needs none must not be able to speak as a server."""

import os

import yaml
from references import Problem, made_by, pods

ANYTHING = None  # in place of a set of files: of a Secret that is there already, and mounted whole


def configuration_path(container):
    """Where it reads its options; empty when it is none of Weir's."""
    return next((one.get("value", "") for one in container.get("env", [])
                 if one["name"] == "WEIR_CONFIG"), "")


def files_of(volume, made):
    """Names of the files that a volume of a ConfigMap or Secret has; ANYTHING when nobody knows."""
    for field, kind, name in (("configMap", "ConfigMap", "name"),
                              ("secret", "Secret", "secretName")):
        source = volume.get(field)
        if source:
            if "items" in source:
                return {item["path"] for item in source["items"]}
            return made.get((kind, source[name]), ANYTHING)
    return set()


def mounted(container, spec, made):
    """folder -> names of the files in it."""
    volumes = {one["name"]: one for one in spec.get("volumes", [])}
    return {mount["mountPath"]: files_of(volumes[mount["name"]], made)
            for mount in container.get("volumeMounts", []) if mount["name"] in volumes}


def options_of(container, spec, documents):
    """What the file of its configuration says, in the ConfigMap that it is mounted of."""
    folder, name = os.path.split(configuration_path(container))
    volume = next((mount["name"] for mount in container.get("volumeMounts", [])
                   if mount["mountPath"] == folder), "")
    source = next((one["configMap"]["name"] for one in spec.get("volumes", [])
                   if one["name"] == volume and "configMap" in one), "")
    for one in documents:
        data = one.get("data") or {}
        if (one["kind"], one["metadata"]["name"]) == ("ConfigMap", source) and name in data:
            return yaml.safe_load(data[name])
    raise Problem(f"no ConfigMap has {configuration_path(container)}")


def check_container(who, container, spec, documents):
    made = made_by(documents)
    options = options_of(container, spec, documents)
    named = {value: key for key, value in options.items() if key.endswith("-file")}
    there = mounted(container, spec, made)
    for path, option in named.items():
        folder, name = os.path.split(path)
        if folder not in there or (there[folder] is not ANYTHING and name not in there[folder]):
            raise Problem(f"{who} has no file {path}, which its {option} names")
    for folder in sorted({os.path.dirname(path) for path in named}):
        files = {"tls.key"} if there[folder] is ANYTHING else there[folder]
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.endswith(".key") and path not in named:
                raise Problem(f"{who} has the private key {path}, which its configuration does not "
                              "name")


def check(documents):
    """Of all containers that read a configuration of Weir."""
    for name, _, spec in pods(documents):
        for container in spec.get("initContainers", []) + spec["containers"]:
            if configuration_path(container):
                check_container(f"{name}'s container {container['name']}", container, spec,
                                documents)
