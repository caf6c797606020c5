#!/usr/bin/env bash
# Several machines under Slurm: `DATA=/shared/imagenet sbatch docs/cluster/slurm.sh`, from the
# repository's folder, which all machines must see.
#SBATCH --job-name=tfprune
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-task=4
#SBATCH --cpus-per-task=32
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --output=tfprune-%j.log
set -euo pipefail

# One task is one worker with all the GPUs that Slurm gives it; tasks find one another by Slurm's
# variables. Two minutes before the time is up, and on preemption, Slurm sends SIGTERM: the workers
# save after the step that goes on and end with code 75, and the job is queued again.
code=0
srun --kill-on-bad-exit=1 --label \
  python prune.py --arch=resnet50 --data=imagenet --data_dir="${DATA:?the folder of ImageNet}" \
  --method=gfbs --macs=0.5 \
  --strategy=multi_worker \
  --batch_size=2048 --optimizer=sgd --learning_rate=0.2 --warmup=5 --precision=mixed_bfloat16 \
  --save_dir=runs/imagenet/pruned/resnet50 || code=$?

# 128 and more: a worker died by a signal. What prune.py refuses ends with 1, and ends here.
if ((code == 75 || code >= 128)) && ((${SLURM_RESTART_COUNT:-0} < 5)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
