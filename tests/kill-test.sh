#!/bin/bash
# tests/kill-test.sh [KILLS] [FINISHED] [SEED]    kills a training with SIGKILL at random moments and goes on with it.
#
# A training that saves itself after every step is started KILLS times (default 200) and killed at a random moment between its
# first checkpoint and its end. Each time the run must hold a valid checkpoint: `train --resume` reads it and goes on. One in
# ten is killed at any moment instead, so that some have no checkpoint yet. FINISHED of them (default 20, the first ones that hold a checkpoint) are resumed to their end, killed once more on
# the way, and must end with the weights of the undisturbed run, byte for byte, and with its metrics.
# The moments come from SEED (default 1); the machine decides what they hit.
set -u
kills=${1:-200} finished=${2:-20} seed=${3:-1}
root=$(cd "$(dirname "$0")/.." && pwd)
program=${GRAPH_PRUNING_PROGRAM:-$root/src/Pruning.Cli.fs/bin/Release/net10.0/graph-pruning.dll}
[ -f "$program" ] || { echo "kill-test: build first (./graph-pruning --version)" >&2; exit 2; }
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RANDOM=$seed

options=(--hidden 8 --rounds 1 --passes 2 --neighbour-aggregator mean --sampling-fraction 0.1 --batch-size 4 --epochs 2
    --threads 1 --workers 1 --checkpoint-every 1 --ema 0.9 --schedule cosine --quiet)
train() { dotnet "$program" train "$@"; }
newest() { readlink -f "$1"/*/checkpoints/last; }
weights() { sha256sum < "$(newest "$1")/model.safetensors"; sha256sum < "$(newest "$1")/training.safetensors"; }
# Without what tells the time, and the memory.
metrics() { sed -E 's/"(time|seconds|graphs_per_second|resident_bytes)":("[^"]*"|[0-9.eE+-]+),?//g' "$1"/*/metrics.jsonl; }

begin=$(date +%s%N)
train "$root/samples/tracksters.root" "${options[@]}" --runs "$work/whole" > /dev/null || exit 1
span=$(( ($(date +%s%N) - begin) / 1000000 ))
wanted=$(weights "$work/whole"); wantedMetrics=$(metrics "$work/whole")

# Starts "$@" and kills it after $1 milliseconds.
kill_after() {
    local ms=$1; shift
    dotnet "$program" train "$@" > /dev/null 2>> "$work/log" &
    local pid=$!
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    kill -9 $pid 2> /dev/null
    wait $pid 2> /dev/null
}

hasCheckpoint() { ls -d "$1"/*/checkpoints/epoch-* > /dev/null 2>&1; }

# The same, after its first checkpoint in the runs $1 and $2 milliseconds more; it may have ended by then.
kill_after_checkpoint() {
    local runs=$1 ms=$2; shift 2
    dotnet "$program" train "$@" --runs "$runs" > /dev/null 2>> "$work/log" &
    local pid=$!
    while kill -0 $pid 2> /dev/null && ! hasCheckpoint "$runs"; do sleep 0.02; done
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    kill -9 $pid 2> /dev/null
    wait $pid 2> /dev/null
}

early=0 valid=0 ended=0 bad=0 damaged=0
for ((i = 1; i <= kills; i++)); do
    runs=$work/run; rm -rf "$runs"; mkdir "$runs"
    moment=$(((RANDOM * 32768 + RANDOM) % span + 1))
    if [ $((i % 10)) = 0 ]; then
        kill_after $moment "$root/samples/tracksters.root" "${options[@]}" --runs "$runs"
    else
        kill_after_checkpoint "$runs" $((moment / 2)) "$root/samples/tracksters.root" "${options[@]}"
    fi
    if ! hasCheckpoint "$runs"; then
        early=$((early + 1)); continue
    fi
    if [ $ended -lt $finished ]; then
        kill_after $(((RANDOM * 32768 + RANDOM) % span + 1)) --resume auto --runs "$runs" --quiet
        message=$(train --resume auto --runs "$runs" --quiet 2>&1 > /dev/null); code=$?
        if [ $code = 0 ] && [ "$(weights "$runs")" = "$wanted" ] && [ "$(metrics "$runs")" = "$wantedMetrics" ] \
            && [ -z "$(find "$runs" -name '.*writing*')" ]; then
            ended=$((ended + 1)); valid=$((valid + 1))
        else
            echo "kill $i: exit $code, another end than the undisturbed run: $message"; bad=$((bad + 1))
        fi
    else
        # Reads and checks the newest checkpoint, and stops before the next step.
        message=$(train --resume auto --runs "$runs" --max-time 0.000001s --quiet 2>&1 > /dev/null); code=$?
        if [ $code = 0 ]; then valid=$((valid + 1)); else
            echo "kill $i: no checkpoint to go on from (exit $code): $message"; bad=$((bad + 1))
        fi
    fi
    case $message in *"checkpoint before it"*) damaged=$((damaged + 1)) ;; esac
done
echo "$kills kills (seed $seed, a run takes $span ms): $early before the first checkpoint, $valid with a valid checkpoint, of them $ended resumed to the same weights; $damaged damaged checkpoints, $bad failures"
[ $bad = 0 ] && [ $ended -ge $((finished < valid ? finished : valid)) ]
