#!/usr/bin/env bash
# Set-up and jobs in one command; `./run.sh help` lists the jobs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# TensorFlow's C++ start-up messages (CPU features, absent CUDA) hide the job's own.
export TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-3}"
EXTRAS="${EXTRAS:-dev,export}"   # a machine with an NVIDIA GPU: EXTRAS=dev,export,gpu

help() {
  cat <<'TEXT'
usage: ./run.sh [job] [flags]

Makes .venv when no environment is active, installs the project into it (once), then runs a job:
  main (or none)  train ResNet-20 on handwritten digits, remove half of its channels with GFBS,
                  verify, fine-tune, export, compare; flags of both train.py and prune.py
  test            the whole test suite, in two processes; arguments of pytest
  paper           the similarity paper's table: seven networks trained, then pruned at every
                  threshold; flags of both train.py and prune.py, e.g. --data_dir=DIR --epochs=2
  help            this text

What is finished is not done again; an interrupted run continues.
TEXT
}

fail() { echo "run.sh: $*" >&2; exit 1; }

suited() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

environment() {
  # Conda's base environment counts as none: nobody wants two gigabytes in there.
  local active="${VIRTUAL_ENV:-${CONDA_PREFIX:-}}" found=""
  if [[ -z "$active" || ( -z "${VIRTUAL_ENV:-}" && "${CONDA_DEFAULT_ENV:-}" == base ) ]]; then
    if [[ ! -x .venv/bin/python ]]; then
      for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if suited "$name"; then found="$name"; break; fi
      done
      [[ -n "$found" ]] || fail "expected Python 3.11 or newer, found" \
        "$(python3 --version 2>&1 || true). Install one and name it: PYTHON=/path/to/python3.12 ./run.sh"
      echo "Making .venv with $("$found" --version) ..."
      "$found" -m venv .venv
    fi
    # shellcheck disable=SC1091
    source .venv/bin/activate
  fi
  suited python || fail "expected Python 3.11 or newer in ${active:-.venv}, found" \
    "$(python --version 2>&1 || true). Leave that environment, or remove .venv"
}

install() {
  # The stamp lies in the environment and holds what was installed, so a second run asks no network.
  local stamp wanted
  stamp="$(python -c 'import sys; print(sys.prefix)')/.tfprune-installed"
  wanted="$PWD [$EXTRAS] $(python -c 'import hashlib, pathlib
print(hashlib.sha256(pathlib.Path("pyproject.toml").read_bytes()).hexdigest())')"
  [[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]] && return
  echo "Installing tfprune and what it needs (about 2 GB, once; a few minutes) ..."
  python -m pip install --quiet --disable-pip-version-check -e ".[$EXTRAS]"
  echo "$wanted" >"$stamp"
}

main_job() {
  python train.py --flagfile=flags/presets/digits_train.cfg "$@"
  python prune.py --flagfile=flags/presets/digits_prune.cfg "$@"
}

# Architecture | flags of both scripts | of train.py | of prune.py | thresholds
# Keras' l2(1e-4) of the paper's networks is a weight decay of 2e-4; only DenseNet's also holds
# for BatchNormalization and biases.
paper_table() {
  cat <<'TABLE'
vgg16|--weight_decay=1e-3 --nodecay_all||--samples=50|0.95 0.9 0.85 0.8 0.75 0.7
resnet20|--nodecay_all --batch_size=32|||0.8 0.75 0.7
resnet32|--nodecay_all --batch_size=32|||0.8 0.75 0.7
resnet44|--nodecay_all|||0.8 0.75 0.7
resnet56|--nodecay_all|||0.8 0.75 0.7
resnet110|--nodecay_all|||0.8 0.75 0.7
densenet40||--batch_size=64 --optimizer=sgd --learning_rate=1e-1 --decay_step=50,150||0.7 0.65 0.6
TABLE
}
PAPER="--normalisation=pixel --augment=shift_flip"

# The unquoted lists below are split into flags on purpose.
# shellcheck disable=SC2086
paper_job() {
  local arch both train prune thresholds threshold
  while IFS='|' read -r arch both train prune thresholds <&3; do
    echo "== training $arch"
    python train.py --arch="$arch" $PAPER $both $train "$@"
  done 3< <(paper_table)
  while IFS='|' read -r arch both train prune thresholds <&3; do
    for threshold in $thresholds; do
      echo "== pruning $arch at threshold $threshold"
      python prune.py --arch="$arch" --threshold="$threshold" $PAPER $both $prune "$@"
    done
  done 3< <(paper_table)
}

job="${1:-main}"
case "$job" in
  -h | --help) job=help ;;
  -*) job=main ;;               # flags only: they belong to the main job
  *) shift "$(($# > 0))" ;;
esac
case "$job" in
  help) help; exit ;;
  main) run=main_job ;;
  paper) run=paper_job ;;
  test) run="python -m pytest -n 2 --dist loadfile" ;;   # pdb wants -n 0
  *) echo "run.sh: unknown job '$job'. Valid jobs: main, test, paper, help." >&2; exit 2 ;;
esac
environment
install
$run "$@"
