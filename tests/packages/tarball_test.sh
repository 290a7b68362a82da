#!/usr/bin/env bash
# Runs in system.sh: the archive in a prefix of its own has all that a job's author needs, and is
# removed with its folder.
set -euo pipefail
cd /tmp
mkdir -p /opt/weir
tar -xf /packages/weir-*.tar.gz -C /opt/weir --strip-components=1
/opt/weir/bin/weir --version
/opt/weir/bin/weir-jobmanager --version
/opt/weir/bin/weir-taskmanager --version
/opt/weir/bin/weir new payments
cmake -S payments -B build -DCMAKE_PREFIX_PATH=/opt/weir
cmake --build build --target payments
build/payments plan
for file in share/doc/weir/getting-started.md share/weir/proto/client.proto \
  share/doc/weir-dev/examples/python_client/weir_client.py; do
  [[ -s "/opt/weir/$file" ]] || { echo "the archive has no $file" >&2; exit 1; }
done
