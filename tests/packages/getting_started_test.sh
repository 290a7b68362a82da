#!/usr/bin/env bash
# Runs in system.sh: the page for new users from its first command to its last, and then nothing of
# Weir is left but what the user made.
set -euo pipefail

# Where packages put things; not what apt and dpkg remember.
files() {
  find /etc /opt /usr /var -xdev \( -path /var/cache -o -path /var/lib/apt -o \
    -path /var/lib/dpkg -o -path /var/log \) -prune -o -print | sort
}

files >/tmp/before
cd /packages
python3 getting_started.py getting-started.md
files >/tmp/after
if ! diff /tmp/before /tmp/after; then
  echo "this was left or taken away by installing and purging the packages" >&2
  exit 1
fi
if pgrep -a weir; then
  echo "these processes are left" >&2
  exit 1
fi
