# Sourced by quickstart.sh and test.sh: makes .venv and installs seqpool with the tested versions of constraints.txt.
#   make_environment EXTRAS    e.g. make_environment "" or make_environment "[dev]"
# PYTHON: the interpreter to use (default python3). TORCH_INDEX: a package index to take torch from, for machines
# without a GPU where the default index would bring several GB of CUDA packages:
#   TORCH_INDEX=https://download.pytorch.org/whl/cpu bash scripts/quickstart.sh
make_environment() {
  local extras=$1 python=${PYTHON:-python3} stamp wanted
  if ! command -v "$python" >/dev/null; then
    echo "$python is not installed: on Debian, apt-get install python3 python3-venv." >&2
    return 2
  fi
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$("$python" --version) is too old: seqpool needs Python 3.11 or newer (name another with PYTHON=...)." >&2
    return 2
  fi
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    echo "Python's venv module is missing: on Debian, apt-get install python3-venv." >&2
    return 2
  fi
  if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    rm -rf .venv
    "$python" -m venv .venv
  fi
  wanted="$extras $(cat pyproject.toml constraints.txt | cksum) $(.venv/bin/python --version)"
  stamp=.venv/.seqpool-installed
  if [ -f "$stamp" ] && { [ "$(cat "$stamp")" = "$wanted" ] || [ "$(cat "$stamp")" = "[dev]${wanted#"$extras"}" ]; }; then
    return 0
  fi
  echo "Installing seqpool$extras into .venv (first time: about 200 MB of torch for CPU and 350 MB of other packages," >&2
  echo "unless pip has them already; with a CUDA build of torch, several GB: set TORCH_INDEX to avoid that) ..." >&2
  rm -f "$stamp"
  if [ -n "${TORCH_INDEX:-}" ]; then
    .venv/bin/python -m pip install --quiet --index-url "$TORCH_INDEX" -c constraints.txt torch
  fi
  .venv/bin/python -m pip install --quiet -c constraints.txt "torch==$(sed -n 's/^torch==//p' constraints.txt)"
  .venv/bin/python -m pip install --quiet -c constraints.txt -e ".$extras"
  echo "$wanted" > "$stamp"
}
