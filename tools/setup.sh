#!/usr/bin/env bash
# Builds .venv from the hash-locked requirements when they changed; does nothing otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
  echo "Python 3.11 to 3.14 is needed; '$python' is not. Set PYTHON to one, for example: make PYTHON=python3.11 ${1:-demo}" >&2
  exit 3
fi
want=$(cat requirements-build.lock requirements.lock pyproject.toml | "$python" -c 'import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ -f .venv/.locked ] && [ "$(cat .venv/.locked)" = "$want" ]; then exit 0; fi

echo "building .venv from requirements.lock (a few minutes the first time)" >&2
rm -f .venv/.locked
if ! "$python" -m venv .venv >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >&2
  fi
  "$python" -m venv .venv || { echo "cannot create .venv; on Debian: apt-get install python3-venv" >&2; exit 3; }
fi
# Builders come from their own lock, so that no unpinned tool takes part in building what has no wheel.
.venv/bin/python -m pip install --quiet --require-hashes -r requirements-build.lock
.venv/bin/python -m pip install --quiet --require-hashes --no-build-isolation -r requirements.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
echo "$want" >.venv/.locked
