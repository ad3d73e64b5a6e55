module Pruning.Cli.Doctor.DoctorVerb

open System
open System.Runtime.CompilerServices
open Argu
open TorchSharp
open Pruning.Cli.Framework
open Pruning.Model.Tensors
open Pruning.Model.Distributed
open Pruning.Native.Errors
open Pruning.Native.Torch
open Pruning.Native.Host

type DoctorArgument =
    | Libtorch of directory: string
    | Ranks
    | Rank_Timeout of seconds: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Libtorch _ -> "look at the libtorch in this directory"
            | Ranks -> "under mpirun or srun: check the exchange between the ranks and time it"
            | Rank_Timeout _ -> "how long a rank waits for the others, in seconds (60)"
            | Json -> "one JSON document on stdout"

/// A thing that was looked for.
type Finding =
    {
        name: string
        found: bool
        detail: string
    }

let private present name detail =
    {
        name = name
        found = true
        detail = detail
    }

let private absent name detail =
    {
        name = name
        found = false
        detail = detail
    }

let private ofLibrary (library: TorchLibrary) =
    [
        present "libtorch" $"{library.Version} in {library.Directory} (from {library.Source})"

        present
            "TorchSharp"
            (if library.ShimPatched then
                 let versions = String.Join(", ", library.WeakenedVersions)
                 $"{library.TorchSharpVersion}, through a copy that does without {versions}: {library.ShimPath}"
             else
                 $"{library.TorchSharpVersion}: {library.ShimPath}")

        // A small product: loading alone does not prove that the kernels run on this processor.
        use ones = torch.ones (2L, 2L, dtype = torch.float32)
        use product = torch.mm (ones, ones)
        use total = product.sum ()
        present "arithmetic" $"2 x 2 matrix product of ones sums to {total.ToSingle()} (8 expected)"

        present
            "libtorch threads"
            $"{torch.get_num_threads ()} inside an operation, {torch.get_num_interop_threads ()} between operations"

        if torch.cuda.is_available () then
            present "GPU" $"{torch.cuda.device_count ()} CUDA device(s) usable"
        elif library.HasCuda then
            absent "GPU" "libtorch is a CUDA build, but no CUDA device or driver answers: training runs on the CPU"
        else
            absent "GPU" "this libtorch is a CPU build; for a GPU give a CUDA libtorch with --libtorch DIR"
    ]

let private ofFound (library: FoundLibrary) =
    {
        name = library.Name
        found = library.Found
        detail = library.Description
    }

let private ofMachine (machine: MachineReport) =
    let sdks =
        if machine.Sdks.Count = 0 then
            "no SDK beside it"
        else
            "SDK " + String.Join(", ", machine.Sdks)

    [
        present "system" machine.System
        present "processor" $"{machine.Processor}, {machine.Cores} cores for this process"

        present
            "memory"
            (match Option.ofNullable machine.Limits.MemoryBytes with
             | Some limit ->
                 $"{Say.bytes machine.MemoryBytes}, {Say.bytes machine.AvailableBytes} of it available; this process may use \
                  {Say.bytes limit}"
             | None -> $"{Say.bytes machine.MemoryBytes}, {Say.bytes machine.AvailableBytes} of it available")

        present ".NET" $"{machine.Runtime}, {sdks}"
        ofFound machine.LibStdCxx
        ofFound machine.CudaDriver

        if machine.Gpus.Count > 0 then
            present "GPUs of the driver" (String.Join(", ", machine.Gpus))

        ofFound machine.Mpi
        ofFound machine.Nccl

        for setting in machine.Threads do
            {
                name = setting.Name
                found = setting.Value <> null
                detail = setting.Description
            }
    ]

let private examine (directory: string option) : Finding list * bool =
    let torch, canTrain =
        try
            ofLibrary (TorchNative.Load(Option.toObj directory)), true
        with :? DeviceException as error ->
            [ absent "libtorch" error.Message ], false

    torch @ ofMachine (Machine.Probe()), canTrain

let private libtorchOf (arguments: DoctorArgument list) : string option =
    arguments
    |> List.tryPick (function
        | Libtorch directory -> Some directory
        | _ -> None)

// Apart and not inlined: the caller loads libtorch before this touches a TorchSharp type.
[<MethodImpl(MethodImplOptions.NoInlining)>]
let private deviceHere (ranks: Communicator) : torch.Device =
    if torch.cuda.is_available () then
        Device.ofLocalRank ranks.LocalRank
    else
        torch.CPU

/// How the gradients of these ranks would travel, each on the GPU of its number where there are any. Every rank calls it.
let private gradientsOf (ranks: Communicator) (libtorch: string option) : string =
    let needs =
        try
            TorchNative.Load(Option.toObj libtorch) |> ignore
            NcclExchange.needsOf (deviceHere ranks)
        with :? DeviceException as error ->
            {
                Gpu = Some 0
                Load = fun () -> raise error
                SetDevice = ignore
            }

    let route = NcclExchange.choose ranks needs

    try
        NcclExchange.describe route
    finally
        match route with
        | ExchangeRoute.Nccl joined -> joined.Dispose()
        | ExchangeRoute.Host _ -> ()

/// Every rank checks, the first one tells.
let private checkRanks (terminal: Terminal) (arguments: DoctorArgument list) : int =
    let timeout =
        arguments
        |> List.tryPick (function
            | Rank_Timeout text -> Some(Value.real "--rank-timeout" (Interval.above 0.0 1e6) text)
            | _ -> None)
        |> Option.defaultValue 60.0

    use ranks = Launch.join (TimeSpan.FromSeconds timeout) (Launch.current ())
    let findings = RankCheck.run ranks (gradientsOf ranks (libtorchOf arguments))

    if Communicator.isFirst ranks then
        if List.contains Json arguments then
            Terminal.json terminal findings
        else
            RankCheck.show terminal findings

            if ranks.Size = 1 then
                Terminal.say
                    terminal
                    $"This was one rank. For more: mpirun -np 2 {Arguments.program} doctor --ranks, or see {Arguments.program} launch \
                     --help."

    ExitCode.ok

let private lookAround (terminal: Terminal) (arguments: DoctorArgument list) : int =
    let findings, canTrain = examine (libtorchOf arguments)

    if List.contains Json arguments then
        Terminal.json
            terminal
            {|
                can_train = canTrain
                findings = findings
            |}
    else
        for finding in findings do
            let mark = if finding.found then "ok" else "--"
            Terminal.print terminal $"{mark}  {finding.name.PadRight 18}{finding.detail}"

        Terminal.print terminal ""

        Terminal.print
            terminal
            (if canTrain then
                 "This machine can train and evaluate."
             else
                 "This machine cannot train: libtorch is missing or does not load (above).")

    if canTrain then ExitCode.ok else ExitCode.device

let private run (terminal: Terminal) (arguments: DoctorArgument list) : int =
    if List.contains Ranks arguments then
        checkRanks terminal arguments
    else
        lookAround terminal arguments

let command: Command =
    ArguVerb.command<DoctorArgument>
        {
            Verb = "doctor"
            Summary = "what this machine can do: libtorch, devices, threads, libstdc++, MPI, NCCL"
            Synopsis = "[--libtorch DIR] [--ranks] [--json]"
            Explanation =
                "Loads libtorch as training would and says what was found and what was not, in words. Lines that begin with -- are \
                 absent; most of them are optional. Exit code 0 if training can run, else 5. With --ranks it checks instead that the ranks \
                 of a launcher add numbers correctly, and how long that takes. It also says how gradients travel and why: from GPU to GPU \
                 by NCCL, or through the memory of the host."
            Examples =
                [
                    "doctor", "after the set-up, or before asking for help"
                    "doctor --libtorch ~/venv/lib/python3.12/site-packages/torch/lib",
                    "would the libtorch of a CUDA PyTorch do?"
                    "doctor --ranks", "under mpirun -np 2, or srun: can ranks work together here?"
                ]
        }
        run
