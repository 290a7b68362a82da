#!/bin/sh
# make_package.sh SOURCE PACKAGE
# Runs in the first stage of the Dockerfile: leaves weir_*.deb in PACKAGE, the one in
# SOURCE/prebuilt, or else one that is built of the sources with the preset release. Its tests are
# tests/k8s/image_unit_test.py.
set -eu
source="$1" package="$2"
mkdir -p "$package"
set -- "$source"/prebuilt/weir_*.deb
if [ "$#" -gt 1 ]; then
  echo "make_package.sh: which package is it to be? prebuilt has several: $*" >&2
  exit 1
fi
if [ -e "$1" ]; then
  cp "$1" "$package"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# Without what only tests need: a broker's Java, checks of style.
sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$source/deploy/apt-packages.txt" |
  grep -v -E '^(maven|default-jre-headless|clang-.*|libclang-.*|shellcheck|python3-.*)$' |
  xargs apt-get install -y -q --no-install-recommends
cd "$source"
cmake --preset release
cmake --build build/release --parallel "$(nproc)" \
  --target weir weir-jobmanager weir-taskmanager
cpack --config build/release/CPackConfig.cmake -G DEB -D CPACK_COMPONENTS_ALL=runtime -B "$package"
rm -rf "$package/_CPack_Packages"
