#!/usr/bin/env bash
# One machine with eight GPUs: one process, a copy of the model on each GPU.
# usage: docs/cluster/eight_gpus.sh [further flags of prune.py]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# 1024 images per step are 128 on each GPU. Rates and epochs mean the same as on one GPU.
exec python prune.py --arch=resnet50 --data=imagenet --data_dir="${DATA:?the folder of ImageNet}" \
  --method=gfbs --macs=0.5 \
  --strategy=mirrored --gpus=0,1,2,3,4,5,6,7 \
  --batch_size=1024 --optimizer=sgd --learning_rate=0.1 --warmup=2 --precision=mixed_bfloat16 \
  --save_dir=runs/imagenet/pruned/resnet50 "$@"
