# Sourced by quickstart.sh and test.sh: goes to the repository's root and makes .venv with the tested versions of
# constraints.txt.
#   make_environment EXTRA     e.g. make_environment "" or make_environment dev
# PYTHON: the interpreter to use (default python3).
# TORCH_INDEX: where to take torch from: a package index, or a folder that holds its wheel. For machines without an
# NVIDIA GPU, where the default index would bring gigabytes of CUDA libraries:
#   TORCH_INDEX=https://download.pytorch.org/whl/cpu bash scripts/quickstart.sh

if [ -d "${TORCH_INDEX:-}" ]; then # a relative folder is meant from where the command was typed
  TORCH_INDEX=$(cd "$TORCH_INDEX" && pwd)
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "$*" >&2; }

fail() {
  say "$*"
  exit 2
}

find_python() {
  local python=${PYTHON:-python3} version
  command -v "$python" >/dev/null || fail "$python is not installed: on Debian, apt-get install python3 python3-venv."
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "$python does not start."
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$python is Python $version, which is too old: seqpool needs 3.11 or newer (name another one with PYTHON=...)."
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "Python's venv module is missing: on Debian, apt-get install python$version-venv (or python3-venv)."
  echo "$python"
}

# MOODS-python, one of the referees, comes as C++ source only.
can_compile() {
  .venv/bin/python - <<'PYTHON'
import os, shutil, sys, sysconfig
compilers = [(sysconfig.get_config_var(name) or "missing").split()[0] for name in ("CC", "CXX")]
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not (all(map(shutil.which, compilers)) and os.path.exists(header)))
PYTHON
}

# What would be downloaded for torch: prints its version, e.g. 2.13.0+cpu.
offered_torch() {
  local report
  report=$(.venv/bin/python -m pip install --dry-run --quiet --ignore-installed --no-deps --report - "$@") || return 1
  .venv/bin/python -c 'import json, sys; print(json.load(sys.stdin)["install"][0]["metadata"]["version"])' <<<"$report"
}

install_torch() {
  local wanted version from=()
  wanted=$(grep '^torch==' constraints.txt)
  version=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null) || true
  case "torch==$version" in "$wanted" | "$wanted"+*) return 0 ;; esac
  if [ -d "${TORCH_INDEX:-}" ] && [ ! -d "$TORCH_INDEX/torch" ]; then
    from=(--no-index --find-links "$TORCH_INDEX")
  elif [ -n "${TORCH_INDEX:-}" ]; then
    from=(--index-url "$TORCH_INDEX")
  fi
  version=$(offered_torch "${from[@]}" "$wanted") ||
    fail "No $wanted for this Python was found${TORCH_INDEX:+ in TORCH_INDEX=$TORCH_INDEX} (pip's reason is above): check the" \
      "network and pip's settings, or name another index or a folder of wheels with TORCH_INDEX."
  case "$version $(uname -sm)" in
    *+cpu*) say "  torch $version: about 190 MB" ;;
    *Linux*) say "  torch $version with CUDA libraries: several GB. Without an NVIDIA GPU, stop (Ctrl-C) and save them by" \
      "setting TORCH_INDEX=https://download.pytorch.org/whl/cpu" ;;
    *) say "  torch $version" ;;
  esac
  # its dependencies come with those of seqpool, from the default index
  pip_install "${from[@]}" --no-deps "$wanted" || fail "pip could not install $wanted: its reason is above."
}

pip_install() {
  local quiet=(--quiet)
  if [ -t 2 ]; then quiet=(); fi
  .venv/bin/python -m pip install "${quiet[@]}" -c constraints.txt "$@" >&2
}

make_environment() {
  local extra=$1 python size=170 stamp=.venv/.seqpool-installed wanted
  python=$(find_python)
  # one that is broken or half made is made anew
  if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Making $PWD/.venv with $("$python" --version) ..."
    rm -rf .venv
    "$python" -m venv .venv || fail "$PWD/.venv could not be made: Python's reason is above."
  fi
  if [ "$extra" = dev ]; then
    size=350
    if ! can_compile; then
      extra=test
      say "No C++ compiler with Python's headers was found, so MOODS-python is not installed and scan is not compared" \
        "with it (on Debian, apt-get install g++ python3-dev)."
    fi
  fi
  # the folder too: a clone that was moved is installed again from where it is now
  wanted="$PWD $(cat pyproject.toml constraints.txt | cksum) $(.venv/bin/python --version)"
  # what dev or test installed serves the quickstart too
  case "$(cat "$stamp" 2>/dev/null)" in
    "$wanted [$extra]") return 0 ;;
    "$wanted [dev]" | "$wanted [test]") if [ -z "$extra" ]; then return 0; fi ;;
  esac
  rm -f "$stamp"
  say "Installing seqpool${extra:+[$extra]} into .venv. What pip does not have yet is downloaded:"
  install_torch
  say "  the other packages: about $size MB"
  pip_install -e ".${extra:+[$extra]}" ||
    fail "pip could not install what seqpool needs: its reason is above (no network, or an index without these packages?)."
  echo "$wanted [$extra]" >"$stamp"
}
