// 07-thousand-steps: does training leak memory?
//
// Run:     dotnet fsi scripts/07-thousand-steps.fsx [STEPS [equilibrium|autoregressive]]
// Prints:  ten times, the live tensors, the pool of the kernels and the resident memory. The number of live tensors must stay constant.
// Takes:   about a minute for the default of 1,000 steps.

#load "load.fsx"

open System
open System.Diagnostics
open TorchSharp
open Pruning.Data.Batching
open Pruning.Data.Tracksters
open Pruning.Model.Tensors
open Pruning.Model.Configuration
open Pruning.Model.Losses
open Pruning.Model.Decoding
open Pruning.Model.ModelFiles
open Pruning.Model.Training
open Pruning.Native.Kernels

let arguments = fsi.CommandLineArgs |> Array.skip 1
let steps = if arguments.Length > 0 then int arguments[0] else 1000

let strategy =
    if arguments.Length > 1 && arguments[1] = "autoregressive" then
        DecisionStrategy.Autoregressive
    else
        DecisionStrategy.Equilibrium 5

torch.set_num_threads 1

let dataset =
    GraphDataset.Open([| Load.inRepository "samples/tracksters.root" |], TracksterReadOptions())

let batches =
    [|
        for first in 0..8..56 -> BatchAssembler.Collate [| for i in first .. first + 7 -> dataset[i] |]
    |]

let model: TrainedModel =
    use random = new torch.Generator(42UL)

    {
        Pruner =
            Pruner.create
                (Init.standard random)
                { PrunerConfig.standard with
                    Hidden = 32
                    Rounds = 2
                    Strategy = strategy
                    MemoryCell = Some CellKind.Gru
                }
        Criterion = Criterion.ofWeights { Keep = 1.0; Prune = 2.0 }
        Notes = Map.empty
    }

let trainer = Trainer.create torch.CPU TrainingConfig.standard model

let state () : int64 * float * float =
    GC.Collect()
    GC.WaitForPendingFinalizers()
    use self = Process.GetCurrentProcess()
    Tensor.TotalCount, float FloatPool.Bytes / 1e6, float self.WorkingSet64 / 1e6

let seen =
    [
        for step in 1..steps do
            Trainer.step trainer 1 step batches[step % batches.Length] |> ignore

            if step % (max 1 (steps / 10)) = 0 then
                let tensors, pool, resident = state ()
                printfn "step %5d: %d live tensors, pool %.0f MB, resident %.1f MB" step tensors pool resident
                tensors, resident
    ]

// Pools and the collector find their size in the first steps.
let settled = seen |> List.skip (seen.Length / 3)
let tensors, resident = List.unzip settled
let spread = 100.0 * (List.max resident / List.min resident - 1.0)

printfn
    "after the first third: between %d and %d live tensors, resident memory within %.2f %%"
    (List.min tensors)
    (List.max tensors)
    spread

// Tensors are counted exactly. Resident memory depends on the machine too, so it is printed and not checked.
exit (if List.max tensors = List.min tensors then 0 else 1)
