module Pruning.Tests.Model.DistributedTests

open System
open System.Diagnostics
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open TorchSharp
open Pruning.Model.Persistence
open Pruning.Model.Tensors
open Pruning.Model.Metrics
open Pruning.Model.Distributed
open Pruning.Native.Mpi

let private worldSizes = [ 1; 2; 3; 4; 7 ]
let private rankTimeout = TimeSpan.FromMinutes 1.0

/// Runs a law with each number of ranks.
let private withRanks (name: string) (law: int -> unit) : Test =
    testList name [ for size in worldSizes -> testCase $"{size} ranks" (fun () -> law size) ]

let private run size work = LocalGroup.run size rankTimeout work

let private gathering =
    withRanks "everybody gets what everybody brought, in the order of the ranks" (fun size ->
        let bytesOf rank = Array.init (rank * rank) (fun i -> byte (rank + i))
        let wanted = Array.init size bytesOf

        for answer in run size (fun ranks -> ranks.Gather(bytesOf ranks.Rank)) do
            Expect.equal answer wanted "gathered")

let private repeated =
    withRanks "a thousand meetings do not mix" (fun size ->
        let sums =
            run size (fun ranks ->
                [
                    for round in 1..1000 ->
                        ranks.Gather [| byte (round + ranks.Rank) |] |> Array.sumBy (Array.head >> int)
                ])

        let wanted =
            [ for round in 1..1000 -> Seq.sum [ for rank in 0 .. size - 1 -> int (byte (round + rank)) ] ]

        for sum in sums do
            Expect.equal sum wanted "sums of the rounds")

/// Numbers whose sum depends on the order in which they are added.
let private unruly (rank: int) (count: int) : float32 array =
    let random = Random(1000 * rank + count)
    Array.init count (fun _ -> float32 ((random.NextDouble() - 0.5) * 10.0 ** float (random.Next(-6, 7))))

let private sums =
    testList
        "sums"
        [
            for count in [ 0; 1; 2; 5; 1000; 1003 ] do
                withRanks
                    $"of {count} numbers are taken in the order of the ranks, the same bits everywhere"
                    (fun size ->
                        let wanted =
                            Array.init count (fun i ->
                                Seq.reduce (+) [ for rank in 0 .. size - 1 -> (unruly rank count)[i] ])

                        let answers =
                            run size (fun ranks ->
                                let values = unruly ranks.Rank count
                                ranks.Sum values
                                values)

                        for answer in answers do
                            Expect.sequenceEqual
                                (answer |> Array.map BitConverter.SingleToInt32Bits)
                                (wanted |> Array.map BitConverter.SingleToInt32Bits)
                                "bits")

            withRanks "means of doubles" (fun size ->
                let answers =
                    run size (fun ranks ->
                        let values = [| float ranks.Rank; 1.0 |]
                        Communicator.mean values ranks
                        values)

                for answer in answers do
                    Expect.equal answer [| float (size - 1) / 2.0; 1.0 |] "means")
        ]

let private smallOperations =
    testList
        "what is made of them"
        [
            withRanks "broadcast makes once" (fun size ->
                let mutable made = 0
                let root = size - 1

                let make () =
                    made <- made + 1
                    [| 42uy |]

                let answers = run size (Communicator.broadcast root make)
                Expect.equal answers (Array.create size [| 42uy |]) "everywhere"
                Expect.equal made 1 "made by the root")

            withRanks "any is true when one rank says so" (fun size ->
                for speaker in 0 .. size - 1 do
                    let answers = run size (fun ranks -> Communicator.any (ranks.Rank = speaker) ranks)
                    Expect.equal answers (Array.create size true) $"rank {speaker} says so"

                Expect.equal (run size (Communicator.any false)) (Array.create size false) "nobody says so")

            testCase "together: the rank that failed throws its own exception, the others quote it"
            <| fun () ->
                let caught =
                    run 3 (fun ranks ->
                        try
                            Communicator.together ranks (fun () ->
                                if ranks.Rank = 1 then
                                    raise (IO.IOException "disk full"))

                            "nothing"
                        with
                        | :? PeerException as error -> "peer: " + error.Message
                        | error -> error.GetType().Name)

                Expect.equal caught[1] "IOException" "its own"

                for rank in [ 0; 2 ] do
                    Expect.stringContains caught[rank] "rank 1 failed" "names the rank"
                    Expect.stringContains caught[rank] "disk full" "says why"
        ]

let private losses =
    testList
        "lost ranks"
        [
            testCase "a rank that fails frees the others, and its exception is the answer"
            <| fun () ->
                let failing () =
                    run 3 (fun ranks ->
                        Communicator.barrier ranks

                        if ranks.Rank = 2 then
                            raise (TrainingException "NaN")

                        Communicator.barrier ranks)
                    |> ignore

                Expect.throwsC failing (fun error -> Expect.equal error.Message "NaN" "the cause, not its echo")

            testCase "a rank that does not come is named"
            <| fun () ->
                let failing () =
                    LocalGroup.run 3 (TimeSpan.FromMilliseconds 50.0) (fun ranks ->
                        if ranks.Rank <> 1 then
                            Communicator.barrier ranks)
                    |> ignore

                Expect.throwsC failing (fun error ->
                    Expect.equal (error.GetType()) typeof<PeerException> "type"
                    Expect.stringContains error.Message "rank 1 did not come" "names it")
        ]

/// Graphs of an evaluation: labels, margins and energies of the nodes, and a loss.
type private Evaluated = (int64 array * float32 array * float32 array * float) array

let private graphs (seed: int) (count: int) : Evaluated =
    let random = Random seed

    Array.init count (fun _ ->
        let nodes = random.Next(0, 30)

        Array.init nodes (fun _ -> int64 (random.Next 2)),
        Array.init nodes (fun _ -> float32 (random.NextDouble() * 8.0 - 4.0)),
        Array.init nodes (fun _ -> float32 (random.NextDouble() * 100.0)),
        random.NextDouble())

let private stateOf (graphs: Evaluated) : MetricState =
    graphs
    |> Seq.map (fun (labels, margins, energies, loss) ->
        MetricState.ofNodes labels margins energies |> MetricState.withLoss 1 loss)
    |> MetricState.sum

let private metrics =
    testList
        "metrics"
        [
            testProperty "a record gives the state back" (fun (seed: int) (PositiveInt count) ->
                let state = stateOf (graphs seed (count % 20))
                MetricRecord.ofBytes "the test" (MetricRecord.toBytes state) = state)

            testCase "an empty record"
            <| fun () ->
                Expect.equal
                    (MetricRecord.ofBytes "the test" (MetricRecord.toBytes MetricState.zero))
                    MetricState.zero
                    "zero"

            testProperty "a broken record is refused or read, never something else" (fun (seed: int) (cut: int) ->
                let bytes = MetricRecord.toBytes (stateOf (graphs seed 3))
                let random = Random seed
                let broken = Array.sub bytes 0 (abs (cut % (bytes.Length + 1)))

                if broken.Length > 0 then
                    broken[random.Next broken.Length] <- byte (random.Next 256)

                try
                    MetricRecord.ofBytes "the test" broken |> ignore
                    true
                with :? CheckpointException as error ->
                    error.Message.Contains "the test")

            testCase "fields of another version are refused by their hash"
            <| fun () ->
                let bytes = MetricRecord.toBytes MetricState.zero
                bytes[0] <- bytes[0] ^^^ 1uy

                Expect.throwsC (fun () -> MetricRecord.ofBytes "rank 3" bytes |> ignore) (fun error ->
                    Expect.stringContains error.Message "rank 3" "names the source")

            withRanks "counts and sums are those of one rank, to the bit" (fun size ->
                for count in [ 0; 1; 2; 5; 23 ] do
                    let all = graphs count count
                    let wanted = stateOf all
                    let places = [| 0 .. count - 1 |]

                    let answers =
                        run size (fun ranks ->
                            Shards.ofRank ranks.Rank size places
                            |> Array.map (fun place -> all[place])
                            |> stateOf
                            |> MetricRecord.sum ranks)

                    for answer in answers do
                        Expect.equal answer wanted $"{count} graphs on {size} ranks")

            testList
                "a metric that is 1 on every graph is 1 on all, however uneven the shards"
                [
                    for sizes in [ [| 2; 1 |]; [| 3; 2 |]; [| 50; 51 |]; [| 1; 0; 4 |] ] do
                        testCase $"%A{sizes}"
                        <| fun () ->
                            // Every decision is right: the mean of means over ranks, weighted with the size of the first
                            // rank's batch, is where others lose the 1.
                            let right _ = MetricState.ofNodes [| 1L; 0L; 0L |] [| 3f; -1f; -2f |] [| 1f; 5f; 2f |]

                            let answers =
                                run sizes.Length (fun ranks ->
                                    Array.init sizes[ranks.Rank] right |> MetricState.sum |> MetricRecord.sum ranks)

                            for answer in answers do
                                for name in [ "accuracy"; "precision"; "recall"; "f1"; "roc_auc"; "average_precision" ] do
                                    let value = MetricState.report answer |> List.find (fst >> (=) name) |> snd
                                    Expect.equal value 1.0 name
                ]

            testCase "ranks whose first graphs have nothing to prune"
            <| fun () ->
                // Rank 0 sees no positive label at all, rank 1 only later: its own metrics are undefined, those of all are not.
                let nothing = [| 0L; 0L |], [| -1f; 0.5f |], [| 1f; 1f |], 0.1
                let something = [| 1L; 0L |], [| 2f; -1f |], [| 1f; 1f |], 0.2
                let shards = [| [| nothing; nothing |]; [| nothing; something |] |]
                let wanted = stateOf (Array.concat shards)
                let answers = run 2 (fun ranks -> stateOf shards[ranks.Rank] |> MetricRecord.sum ranks)

                for answer in answers do
                    Expect.equal answer wanted "as on one rank"
                    Expect.equal (Confusion.recall answer.Decisions) (Some 1.0) "recall is defined"

                Expect.equal (Confusion.recall (stateOf shards[0]).Decisions) None "rank 0 alone knows none"
        ]

let private shards =
    testList
        "shards"
        [
            testProperty "are disjoint, complete, in order, and as even as can be" (fun (NonNegativeInt count) ->
                [
                    for size in worldSizes do
                        let graphs = Array.init (count % 200) (fun i -> 3 * i)
                        let parts = [| for rank in 0 .. size - 1 -> Shards.ofRank rank size graphs |]
                        let lengths = parts |> Array.map _.Length
                        Array.concat parts = graphs && Array.max lengths - Array.min lengths <= 1
                ]
                |> List.forall id)

            withRanks "the right ones pass" (fun size ->
                let graphs = [| 0..99 |]

                run size (fun ranks -> Shards.verify ranks graphs (Shards.ofRank ranks.Rank size graphs))
                |> ignore)

            for name, shardsOf in
                [
                    "a graph twice", [| [| 0; 1; 2 |]; [| 2; 3 |] |]
                    "a graph too few", [| [| 0; 1 |]; [| 3 |] |]
                    "one graph in the place of another", [| [| 0; 1 |]; [| 1; 3 |] |]
                ] do
                testCase $"{name} is noticed by every rank"
                <| fun () ->
                    let noticed =
                        run 2 (fun ranks ->
                            try
                                Shards.verify ranks [| 0..3 |] shardsOf[ranks.Rank]
                                false
                            with :? TrainingException ->
                                true)

                    Expect.equal noticed [| true; true |] "noticed"
        ]

let private parameter (values: float32 array) : Modules.Parameter =
    new Modules.Parameter(torch.tensor values, requires_grad = true)

let private gradients =
    testList
        "gradients"
        [
            withRanks "are summed over the ranks, missing ones count zero" (fun size ->
                let answers =
                    run size (fun ranks ->
                        use _scope = torch.NewDisposeScope()

                        let everywhere, first, nowhere =
                            parameter [| 0f; 0f |], parameter [| 0f |], parameter [| 0f |]

                        everywhere.grad <- torch.tensor [| float32 ranks.Rank; 1f |]

                        if ranks.Rank = 0 then
                            first.grad <- torch.tensor [| 5f |]

                        GradientExchange.sum (ExchangeRoute.Host "a test") ranks [ everywhere; first; nowhere ]
                        let values (gradient: Tensor | null) = (nonNull gradient).data<float32>().ToArray()
                        values everywhere.grad, values first.grad, isNull nowhere.grad)

                for answer in answers do
                    Expect.equal
                        answer
                        ([| float32 (size * (size - 1) / 2); float32 size |], [| 5f |], true)
                        "sums; nothing where nobody has any")

            testCase "other networks on other ranks are refused"
            <| fun () ->
                let failing () =
                    run 2 (fun ranks ->
                        use _scope = torch.NewDisposeScope()

                        GradientExchange.sum
                            (ExchangeRoute.Host "a test")
                            ranks
                            [ for _ in 0 .. ranks.Rank -> parameter [| 0f |] ])
                    |> ignore

                Expect.throwsT<TrainingException> failing "refused"
        ]

let private memory =
    {
        Name = "memory"
        Latency = 1e-6
        Startup = 20e-6
        Bandwidth = 8e9
    }

let private model =
    testList
        "cost of the exchange"
        [
            testCase "one rank pays nothing, two pay for one slice each way"
            <| fun () ->
                Expect.equal (ExchangeModel.stepSeconds memory 1_000_000L 1) 0.0 "alone"
                // 8 rounds, a message each way for the slices and their sums, and half of the numbers each way.
                Expect.floatClose
                    Accuracy.high
                    (ExchangeModel.stepSeconds memory 1_000_000L 2)
                    (8e-6 + 20e-6 + 2e-6 + 4e6 / 8e9)
                    "two"

            testCase "many ranks: twice the numbers travel, and latency grows with their number"
            <| fun () ->
                let slow =
                    { memory with
                        Startup = 0.0
                        Bandwidth = infinity
                    }

                let wide =
                    { memory with
                        Latency = 0.0
                        Startup = 0.0
                    }

                Expect.floatClose
                    Accuracy.high
                    (ExchangeModel.stepSeconds slow 1L 64)
                    (8.0 * 6e-6 + 126e-6)
                    "latency of 64"

                Expect.floatClose
                    Accuracy.high
                    (ExchangeModel.stepSeconds wide 1_000_000L 64)
                    (2.0 * 63.0 / 64.0 * 4e6 / 8e9)
                    "bytes of 64"

            testProperty "a fit gives back what made the times" (fun (PositiveInt ranks) ->
                let ranks = 2 + ranks % 100
                let gather = float (2 * ExchangeModel.rounds ranks) * memory.Latency
                let time numbers = numbers, ExchangeModel.sumSeconds memory numbers ranks
                let found = ExchangeModel.fit memory.Name ranks gather [ time 1000L; time 1_000_000L; time 100L ]

                let close (part: Interconnect -> float) (wanted: Interconnect) =
                    Expect.floatClose Accuracy.medium (1e6 * part found) (1e6 * part wanted)

                close _.Latency memory "latency"
                close _.Startup memory "startup"
                close _.Bandwidth memory "bandwidth")
        ]

let private launch =
    let find variables = Launch.tryFind (fun name -> Map.tryFind name (Map variables))

    let place launcher rank size localRank isMpich =
        Some
            {
                Launcher = launcher
                Rank = rank
                Size = size
                LocalRank = localRank
                IsMpich = isMpich
            }

    testList
        "launchers"
        [
            testCase "none" <| fun () -> Expect.equal (find [ "PATH", "/bin" ]) None "alone"

            testCase "Open MPI"
            <| fun () ->
                Expect.equal
                    (find
                        [
                            "OMPI_COMM_WORLD_RANK", "2"
                            "OMPI_COMM_WORLD_SIZE", "4"
                            "OMPI_COMM_WORLD_LOCAL_RANK", "0"
                            "PMI_RANK", "9"
                        ])
                    (place "mpirun of Open MPI" 2 4 (Some 0) false)
                    "rank 2 of 4"

            testCase "a step of srun"
            <| fun () ->
                Expect.equal
                    (find
                        [
                            "SLURM_STEP_ID", "0"
                            "SLURM_PROCID", "1"
                            "SLURM_STEP_NUM_TASKS", "8"
                            "SLURM_LOCALID", "1"
                            "PMIX_RANK", "1"
                        ])
                    (place "srun" 1 8 (Some 1) false)
                    "rank 1 of 8"

            testCase "a batch script of Slurm is alone"
            <| fun () -> Expect.equal (find [ "SLURM_PROCID", "0"; "SLURM_NTASKS", "8" ]) None "no step"

            testCase "mpiexec of MPICH"
            <| fun () ->
                Expect.equal
                    (find [ "PMI_RANK", "1"; "PMI_SIZE", "2"; "MPI_LOCALRANKID", "1" ])
                    (place "mpiexec" 1 2 (Some 1) true)
                    "rank 1 of 2"

            testCase "torchrun"
            <| fun () ->
                Expect.equal
                    (find [ "RANK", "0"; "WORLD_SIZE", "2"; "LOCAL_RANK", "0" ])
                    (place "torchrun" 0 2 (Some 0) false)
                    "rank 0 of 2"

            for rank, size in [ "x", "2"; "-1", "2"; "2", "2"; "", ""; "99999999999", "2" ] do
                testCase $"rank '{rank}' of '{size}' is nothing"
                <| fun () -> Expect.equal (find [ "RANK", rank; "WORLD_SIZE", size ]) None "not believed"
        ]

let private processes =
    testList
        "processes"
        [
            testCase "this one runs, and its record gives it back"
            <| fun () ->
                let here = PeerProcess.Current()
                let copy = PeerProcess.Parse(here.ToRecord())
                Expect.equal copy here "round trip"
                let observer = here
                Expect.isFalse (copy.HasEnded &observer) "runs"

            testCase "one that has ended is noticed; one of another machine never"
            <| fun () ->
                use child = nonNull (Process.Start(ProcessStartInfo("sleep", "60")))
                let here = PeerProcess.Current()
                let stat = IO.File.ReadAllText $"/proc/{child.Id}/stat"

                let started =
                    stat.Substring(stat.LastIndexOf ')' + 1).Split(' ', StringSplitOptions.RemoveEmptyEntries)[19]

                let peer = PeerProcess(here.Machine, child.Id, Int64.Parse started)
                let elsewhere = PeerProcess("another machine", child.Id, Int64.Parse started)
                let observer = here
                Expect.isFalse (peer.HasEnded &observer) "runs"
                child.Kill()
                child.WaitForExit()
                Expect.isTrue (peer.HasEnded &observer) "ended"
                Expect.isFalse (elsewhere.HasEnded &observer) "cannot be told"

            testCase "nonsense is refused"
            <| fun () -> Expect.throwsT<FormatException> (fun () -> PeerProcess.Parse "1 x" |> ignore) "no process"
        ]

[<Tests>]
let tests =
    testList
        "distributed"
        [
            gathering
            repeated
            sums
            smallOperations
            losses
            metrics
            shards
            gradients
            model
            launch
            processes
        ]
