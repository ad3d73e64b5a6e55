namespace Pruning.Cli.Options

open Argu
open Pruning.Cli.Framework

/// The words of `train`: the original program's first, in its order, then ours. Numbers arrive as text (see Value).
type TrainArgument =
    | [<MainCommand>] Input of file: string list
    | [<Section "Input">] Tracksters of tree: string
    | Edges of tree: string
    | Training_Fraction of fraction: string
    | Sampling_Fraction of fraction: string
    | Workers of n: string
    | Prefetch_Factor of n: string
    | Bad_Files of what: string
    | Bad_Graphs of what: string
    | [<Section "The network">] Mode of strategy: string
    | Autoregressive
    | [<AltCommandLine "--passes">] Num_Iterations of n: string
    | [<AltCommandLine "--rounds">] Num_Gnn_Steps of n: string
    | [<AltCommandLine "--hidden">] Hidden_Dim of n: string
    | [<AltCommandLine "--decision-cell">] Aggregator of cell: string
    | [<AltCommandLine "--memory-cell">] Memory of cell: string
    | Order of order: string
    | Layer of kind: string
    | Heads of n: string
    | [<AltCommandLine "--neighbor-aggregator">] Neighbour_Aggregator of kind: string
    | [<AltCommandLine "--neighbors">] Neighbours of n: string
    | Residual
    | [<AltCommandLine "--round-normalization">] Round_Normalisation of kind: string
    | Round_Dropout of p: string
    | Features of names: string
    | [<AltCommandLine "--normalization">] Normalisation of kind: string
    | [<AltCommandLine "--no-standardize">] No_Standardise
    | Dropout of p: string
    | Preset of name: string
    | Parity
    | [<Section "Training">] Epochs of n: string
    | Batch_Size of n: string
    | Part_Size of n: string
    | Accumulate of n: string
    | Learning_Rate of rate: string
    | Schedule of schedule: string
    | Warmup of steps: string
    | Weight_Decay of decay: string
    | Class_Weight of weights: string
    | Loss of kind: string
    | Clip_Norm of norm: string
    | Ema of decay: string
    | Monitor of metric: string
    | Patience of epochs: string
    | Max_Time of time: string
    | Scheduled_Sampling of schedule: string
    | Seed of n: string
    | [<Section "The machine">] Gpus of n: string
    | Replicas of n: string
    | Devices of names: string
    | Rank_Timeout of time: string
    | Threads of n: string
    | Engine of kind: string
    | Precision of numbers: string
    | Memory_Budget of gigabytes: string
    | Truncate_Steps of n: string
    | Libtorch of directory: string
    | [<Section "Going on">] Resume of run: string
    | Like of run: string
    | Checkpoint_Every of interval: string
    | Keep of n: string
    | [<Section "Output">] Runs of directory: string
    | Name of name: string
    | Output_File of path: string
    | No_Histograms
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Input _ -> "ROOT files or globs, then (optional) the two tree names"
            | Tracksters _ -> "tree with one trackster an entry, with or without ;cycle (default Tracksters)"
            | Edges _ -> "tree with the edges of the same entries (default Edges)"
            | Training_Fraction _ ->
                "share of the graphs that is trained on; the rest is halved into validation and test (default 0.75)"
            | Sampling_Fraction _ -> "share of all graphs that is used at all, for quick trials (default 1)"
            | Workers _ -> "threads that read files and build graphs (default: number of cores; the original's: 8)"
            | Prefetch_Factor _ -> "batches that each worker prepares ahead (default 3)"
            | Bad_Files _ -> "stop or skip at a file that cannot be read (default stop)"
            | Bad_Graphs _ -> "stop or skip at a graph that contradicts itself: unknown ids, NaN (default stop)"
            | Mode _ ->
                "how decisions are taken: equilibrium (all at once, in several passes, each reading the one before), one-pass (the first of them only), autoregressive (one layer cluster a step) or tree (all jointly, by exact inference over the links) (default equilibrium)"
            | Autoregressive -> "the same as --mode autoregressive"
            | Num_Iterations _ -> "passes of the equilibrium network (default 5)"
            | Num_Gnn_Steps _ -> "message-passing rounds per pass or step (default 3)"
            | Hidden_Dim _ -> "width of the node states (default 128)"
            | Aggregator _ -> "cell that absorbs decisions into the node states: lstm or gru (default lstm)"
            | Memory _ -> "cell that remembers node states between passes or steps: none, gru or lstm (default none)"
            | Order _ ->
                "autoregressive only: which layer cluster is decided next: confidence (learnt), energy (highest first), layer (from the front) or random (default confidence)"
            | Layer _ ->
                "operator of a message-passing round: sage, gcn, gin, gatv2 (attention), edgeconv, interaction or gravnet (default sage)"
            | Heads _ -> "gatv2 only: attention heads; they divide the width of the node states (default 4)"
            | Neighbour_Aggregator _ ->
                "sage only: how the messages of the neighbours are combined: lstm, gru, mean, max, sum or mean-max (mean and max side by side) (default lstm; mean is much faster)"
            | Neighbours _ ->
                "edges that each layer cluster gets from the nearest others of its trackster, besides the links (default 0)"
            | Residual -> "a round adds its answer to its input instead of replacing it: helps with many rounds"
            | Round_Normalisation _ -> "of a round's answer: layer, graph-batch or identity (default identity)"
            | Round_Dropout _ -> "dropout probability in a round's answer (default 0)"
            | Features _ ->
                "what the network reads of a layer cluster: original (the nine of the file), extended (and log energy, energy and distance relative to the seed, has-time, layer), oriented (turned to phi 0 and mirrored to positive z), physics (oriented, and hits, densities, links and branches), or names as in docs/model.md, separated by commas (default original)"
            | Normalisation _ -> "between the encoder's layers: layer, graph-batch or identity (default layer)"
            | No_Standardise -> "feed cm, GeV and ns as they are instead of shifting and scaling each feature"
            | Dropout _ -> "dropout probability in the heads (default 0.2)"
            | Preset _ ->
                "network and training that belong together: fast (physics features, edges from nearest neighbours, minutes on one core); other options override it (default: none; docs/results.md has what it reaches)"
            | Parity ->
                "the original research code to rounding: its losses and its per-graph batch norm on raw features, with its defaults (batch size 3, 100 epochs, class weight 1,20, no clipping)"
            | Epochs _ -> "times over the training graphs (default 20; the original's: 100)"
            | Batch_Size _ -> "graphs per batch (default 32; the original's: 3)"
            | Part_Size _ ->
                "graphs a part: gradients of the parts of a batch are added in float64, so that ranks and threads of any number give the same weights; small parts take longer (default: a thread's graphs at once)"
            | Accumulate _ -> "batches per step: as one batch of all their graphs, in the memory of one (default 1)"
            | Learning_Rate _ -> "of Adam: the highest that the schedule reaches (default 0.001)"
            | Schedule _ ->
                "of the learning rate: constant, cosine (falls to a share of it, as in cosine:0.01; default 0), one-cycle (rises for a share of the steps, as in one-cycle:0.3, and falls to nothing) or plateau (times 0.3 after 3 epochs without a better one, as in plateau:0.3,3) (default constant)"
            | Warmup _ -> "steps in which the learning rate rises linearly to where the schedule begins (default 0)"
            | Weight_Decay _ -> "decoupled, as in AdamW: each step takes rate x decay of every weight away (default 0)"
            | Class_Weight _ ->
                "loss weights KEEP,PRUNE such as 1,20 (the original's), or measured: from the training labels (default measured)"
            | Loss _ ->
                "what a step minimises: mean-over-graphs (every trackster weighs the same) or mean-over-nodes (every layer cluster does, as in the metrics) (default mean-over-graphs)"
            | Clip_Norm _ -> "gradients are scaled down to this norm; 0 is off (default 1)"
            | Ema _ ->
                "evaluate and keep a moving average of the weights instead of the weights; a step keeps this share of it, as in 0.999 (default: no average)"
            | Monitor _ ->
                "validation metric that tells the best epoch, by its name in metrics.jsonl (default average_precision)"
            | Patience _ -> "stop after so many epochs in a row without a better one (default: never)"
            | Max_Time _ ->
                "end training after this time, as in 90s, 30m, 2h or 1d, and keep what is best by then (default: no limit)"
            | Scheduled_Sampling _ ->
                "autoregressive only: from being told the true label of each decided layer cluster (first epoch) to reading its own decision: none, linear, exponential or inverse-sigmoid, with the probability of the truth in the last epoch as in linear:0.1 (default none: always the truth)"
            | Seed _ -> "of the split, the order, the first weights and the dropout (default 42)"
            | Gpus _ -> "GPUs to train on, one a rank; 0 is the CPU (default 0; the original's: 1)"
            | Replicas _ ->
                "ranks on the CPU in this process, which divide each batch and give the numbers of one (default 1; processes and machines: see launch)"
            | Devices _ -> "one rank on each of these devices, as in cuda:0,cuda:1"
            | Rank_Timeout _ ->
                "how long a rank waits for the others before it gives up, as in 90s or 10m (default 10m)"
            | Threads _ ->
                "threads that share the graphs of a step on the CPU, each with a copy of the network (default 1)"
            | Engine _ ->
                "what computes aggregators and cells: auto, portable (libtorch's operations) or fused (own kernels, float32 on the CPU) (default auto)"
            | Precision _ ->
                "float32, or bfloat16 for the products of the fused kernels: faster where the processor has AVX512_BF16, and rounder (default float32)"
            | Memory_Budget _ ->
                "gigabytes that back-propagation through autoregressive steps may keep in each thread; the rest is computed again, with the same gradients (default: no limit)"
            | Truncate_Steps _ ->
                "let gradients of an autoregressive network reach back over this many steps only: less memory, other gradients (default: all)"
            | Libtorch _ -> "use the libtorch in this directory, for instance torch/lib of a CUDA PyTorch"
            | Resume _ ->
                "go on with this run where its newest checkpoint stands, with the same numbers as without the break; auto takes the newest run under --runs. No files are needed; other epochs, times, threads and engine may be given, nothing that changes the mathematics"
            | Like _ ->
                "begin a new run with everything that this run chose, its files included; options given beside it replace its choices"
            | Checkpoint_Every _ ->
                "save within epochs too: after so many steps, as in 500, or so much time, as in 10m (default: after every epoch)"
            | Keep _ -> "checkpoints of best epochs that are kept, besides the newest two (default 1)"
            | Runs _ -> "directory under which the run gets its own directory (default runs)"
            | Name _ -> "name of the run: letters, digits, '.', '-', '_' (default: what the network is)"
            | Output_File _ -> "copy the best model to this .safetensors file as well"
            | No_Histograms -> "leave the distributions of weights and gradients out of the TensorBoard events"
            | Json -> "print the final metrics as JSON on stdout"
