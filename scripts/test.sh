#!/usr/bin/env bash
# Makes .venv with everything the tests need and runs the whole default suite: style, types, tests.
#   usage: bash scripts/test.sh [pytest arguments]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
make_environment dev
echo "== Style and types" >&2
.venv/bin/python -m ruff check .
.venv/bin/python -m ruff format --check .
.venv/bin/python -m mypy
echo "== Tests" >&2
# Two tests at a time: with threads of their own besides they would stand in each other's way.
export OMP_NUM_THREADS=1
exec .venv/bin/python -m pytest -n 2 --dist worksteal "$@"
