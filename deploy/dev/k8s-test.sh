#!/usr/bin/env bash
# ./dev k8s-test [--preset dev|release] [--no-build] [--from-source] [--static | --update] [STEP...]
# The chart, the image and what they survive, without a Kubernetes and without a registry of images:
#   1. lints and renders the chart with several values, checks every manifest against the schemas of
#      Kubernetes and every pod against Pod Security "restricted" (--static ends here)
#   2. builds the image with buildah, on a Debian made by mmdebstrap, of the preset's programs
#   3. runs the rendered pods with podman beside a Kafka, submits a job, and kills, deletes, loses,
#      freezes and scales pods; every record has to come out once. STEPs by name run alone.
# --no-build takes the programs as they are. --from-source has the image compiled by its own first
# stage, as it is where no package is offered, and says how long that took; it takes the processors
# for as long as a build of everything without a cache. --update writes what is made of the chart:
# deploy/kustomize/base and submit.yaml beside it, and the reference of its values.
# Needs root, 6 GB of disk and, the first time, a Debian mirror, npm, PyPI and a Go module proxy.
# What was measured: build/PRESET/k8s/results.json. Last line: how many checks passed, how many
# faults were survived, and what became of the records.
source "$WEIR_ROOT/deploy/dev/environment.sh"

preset=dev build=true from_source=false mode=all steps=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) print_help "$0"; exit 0 ;;
    --preset) preset="${2:-}"; shift 2 || wrong_usage k8s-test "--preset needs a value" ;;
    --no-build) build=false; shift ;;
    --from-source) from_source=true; shift ;;
    --static | --update) mode="${1#--}"; shift ;;
    -*) wrong_usage k8s-test "unknown option '$1'" ;;
    *) steps+=("$1"); shift ;;
  esac
done
[[ "$preset" == release || "$preset" == dev ]] || wrong_usage k8s-test "no image of '$preset'"
[[ "$(id -u)" == 0 ]] || fail "k8s-test: pods need root; run it as root."

here=$WEIR_ROOT/tests/k8s
cache=$WEIR_CACHE/k8s
tools=$cache/tools
python=$tools/python/bin/python
export PYTHONDONTWRITEBYTECODE=1

static_checks() {
  (cd "$here" && "$python" -m unittest discover -q -p '*_unit_test.py') ||
    fail "k8s-test: the tests of tests/k8s failed."
  checks="$("$python" "$here/static_checks.py" --helm "$tools/helm" --kubectl "$tools/kubectl" \
    --restricted "$tools/restricted")" || fail "k8s-test: the chart is not right (see above)."
  echo "$checks"
}

# Images and containers of this test only, by podman's and buildah's own variables. Images stay, in
# the cache; what runs has a folder of its own each time, so that a run that was killed leaves
# nothing that the next one trips over.
configure_containers() {
  local work="$1" files processes
  mkdir -p "$work/etc"
  # A sandbox may not raise limits: podman's and buildah's own ones are above this.
  files="$(printf '%s\n20000\n' "$(ulimit -n)" | grep -v unlimited | sort -n | head -n 1)"
  processes="$(printf '%s\n30000\n' "$(ulimit -u)" | grep -v unlimited | sort -n | head -n 1)"
  # crun cannot do with both versions of cgroups at once.
  cat >"$work/etc/containers.conf" <<CONF
[containers]
default_ulimits=["nofile=$files:$files","nproc=$processes:$processes"]
[engine]
runtime="runc"
cgroup_manager="cgroupfs"
events_logger="file"
tmp_dir="$work/libpod"
[network]
network_backend="netavark"
network_config_dir="$work/etc/networks"
CONF
  cat >"$work/etc/images.conf" <<CONF
[storage]
driver="overlay"
graphroot="$cache/images"
runroot="$work/run-images"
CONF
  cat >"$work/etc/pods.conf" <<CONF
[storage]
driver="overlay"
graphroot="$work/pods"
runroot="$work/run-pods"
[storage.options]
additionalimagestores=["$cache/images"]
CONF
  echo 'unqualified-search-registries=[]' >"$work/etc/registries.conf"
  echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$work/etc/policy.json"
  export CONTAINERS_CONF=$work/etc/containers.conf CONTAINERS_STORAGE_CONF=$work/etc/images.conf
  export CONTAINERS_REGISTRIES_CONF=$work/etc/registries.conf
}

# build_image NAME CONTEXT [OPTION...]
build_image() {
  local name="$1" context="$2" log="$work/image.log"
  shift 2
  if ! buildah --signature-policy "$work/etc/policy.json" bud --pull-never --isolation chroot \
    --network host -t "$name" "$@" "$context" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail "k8s-test: the image $name could not be built."
  fi
}

base_image() {
  local wanted
  wanted="localhost/weir-base:$(cut -c 1-12 "$tools/base.tar.stamp")"
  if ! buildah inspect --type image "$wanted" >/dev/null 2>&1; then
    mkdir -p "$work/base"
    cp "$tools/base.tar" "$work/base"
    printf 'FROM scratch\nADD base.tar /\n' >"$work/base/Dockerfile"
    build_image "$wanted" "$work/base"
    rm -r "$work/base"
  fi
  base="$wanted"
}

# What the image is built of: the preset's package alone, or the checkout.
make_context() {
  if $from_source; then
    if compgen -G 'prebuilt/weir_*.deb' >/dev/null; then
      fail "k8s-test: the image would take the package in prebuilt; move it away."
    fi
    context=$WEIR_ROOT
    return 0
  fi
  context=$work/context
  mkdir -p "$context/prebuilt" "$context/deploy"
  cpack --config "build/$preset/CPackConfig.cmake" -G DEB -D CPACK_COMPONENTS_ALL=runtime \
    -B "$work/package" >"$work/package.log" 2>&1 ||
    { cat "$work/package.log" >&2; fail "k8s-test: packing failed."; }
  cp "$work"/package/weir_*.deb "$context/prebuilt"
  cp -r deploy/image "$context/deploy"
}

# The image of Weir, and the job in an image of its own.
build_images() {
  local commit version label start=$SECONDS
  commit="$(git rev-parse HEAD 2>/dev/null || echo unknown)"
  make_context
  build_image localhost/weir:test "$context" -f "$context/deploy/image/Dockerfile" \
    --build-arg BASE="$base" --build-arg COMMIT="$commit"
  if $from_source; then
    echo "k8s-test: compiled and built from source in $(((SECONDS - start + 59) / 60)) min"
  fi
  # shellcheck disable=SC2016  # names of the template's
  label="$(buildah inspect --type image --format '{{range $key, $value := .OCIv1.Config.Labels -}}
    {{$key}}={{$value}} {{end}}user={{.OCIv1.Config.User}}' localhost/weir:test)"
  version="$(sed -n 's/.*kVersion\[\] = "\(.*\)".*/\1/p' common/base/version.h)"
  local wanted="image.revision=$commit * image.version=$version user=10001:10001"
  # shellcheck disable=SC2053  # a pattern
  [[ "$label" == *${wanted// /*}* ]] ||
    fail "k8s-test: the image's labels and user are '$label'."
  mkdir -p "$work/job"
  cp "build/$preset/bin/running_counts" "$work/job/job"
  printf 'FROM localhost/weir:test\nCOPY job /job\n' >"$work/job/Dockerfile"
  build_image localhost/running-counts:test "$work/job"
  buildah rmi --prune >/dev/null  # what had these names before
}

bash deploy/dev/setup.sh --kafka required --packages deploy/apt-packages-k8s.txt
bash "$here/tools.sh" "$tools"
if [[ "$mode" == update ]]; then
  "$python" "$here/chart_reference.py"
  "$python" "$here/kustomize_base.py" --helm "$tools/helm"
  exit 0
fi
static_checks
if [[ "$mode" == static ]]; then exit 0; fi

if $build; then
  configure_and_build "$preset" weir weir-jobmanager weir-taskmanager running_counts
fi
# One at a time: images have names.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
work=$WEIR_ROOT/build/$preset/k8s
rm -rf "$work"
mkdir -p "$work/state"
configure_containers "$work"
base_image
echo "k8s-test: building the image$($from_source && echo ' from source')"
build_images
export CONTAINERS_STORAGE_CONF=$work/etc/pods.conf
"$here/run_in_namespaces.sh" "$work/state" "$python" "$here/faults.py" \
  --image localhost/weir:test --job-image localhost/running-counts:test --helm "$tools/helm" \
  --brokers 10.250.0.1:9092 --work "$work/state" --results "$work/results.json" \
  --checks "${checks#chart: }" "${steps[@]}" \
  9>&- || fail "k8s-test: failed; logs of the pods are in $work/state/logs."
