#!/usr/bin/env bash
# Makes .venv, then runs the jobs of seqpool on the small inputs of data/ and says where the results lie.
#   usage: bash scripts/quickstart.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

results=quickstart-results
summary=()

seqpool() { .venv/bin/python -m seqpool "$@"; }

# step WHAT RESULT COMMAND...: says what is done, does it, remembers how long it took and where its result lies
step() {
  local what=$1 result=$2 started=$SECONDS
  shift 2
  printf '\n== %s\n$ %s\n' "$what" "$*"
  "$@" || {
    local code=$?
    say "quickstart: '$*' failed with exit code $code; its reason is above."
    exit "$code"
  }
  summary+=("$(printf '%5d s  %-52s %s' $((SECONDS - started)) "$what" "$result")")
}

started=$SECONDS
make_environment ""
summary+=("$(printf '%5d s  %-52s %s' $((SECONDS - started)) "Set up" ".venv")")
rm -rf "$results"
mkdir "$results"

step "Scan: find known motifs in sequences" "$results/hits.tsv" \
  seqpool scan data/demo_positives.fa.gz --motifs data/demo_motifs.jaspar --output "$results/hits.tsv"
step "Train a motif detector on sequences" "$results/motifs/model.safetensors" \
  seqpool fit --config configs/demo_motifs.yaml --run "$results/motifs"
step "Predict: what it says of sequences" "$results/predictions.tsv" \
  seqpool predict data/demo_positives.fa.gz --model "$results/motifs/model.safetensors" --output "$results/predictions.tsv"
step "Train a rhythm classifier on ECG recordings" "$results/ecg/model.safetensors" \
  seqpool fit --config configs/demo_ecg.yaml --run "$results/ecg"
step "Classify: what it says of recordings" "$results/rhythms.tsv" \
  seqpool classify data/ecg_demo --model "$results/ecg/model.safetensors" --output "$results/rhythms.tsv"

printf '\nDone. In %s:\n' "$PWD"
printf '%s\n' "${summary[@]}"
printf '\nNext: source .venv/bin/activate, then seqpool --help.\n'
