#!/bin/sh
# make_package.sh SOURCE PACKAGE
# Runs in the first stage of the Dockerfile: leaves weir_*.deb in PACKAGE, the one in
# SOURCE/prebuilt, or else one that is built of the sources with the preset release.
set -eu
source="$1" package="$2"
mkdir -p "$package"
for offered in "$source"/prebuilt/weir_*.deb; do
  if [ -e "$offered" ]; then
    cp "$offered" "$package"
    exit 0
  fi
done
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
