/// Damaged files by the thousand: values or a RootFormatException, in bounded memory, in bounded time.
module Pruning.Tests.Data.RootMutationTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open Pruning.Tests
open Pruning.Tests.Data.RootMutator
open Pruning.Tests.Data.FuzzCorpus
open Pruning.Tests.Data

/// A file that needs longer hangs; the slowest of the long mode needs some hundredths of this.
let private hangs = TimeSpan.FromSeconds 20.0

type private Damage =
    {
        Seed: Seed
        Mutations: Mutation list
        Recover: bool
    }

    override damage.ToString() =
        let recover = if damage.Recover then ", with Recover" else ""
        $"%s{damage.Seed.Name}%s{recover}: %A{damage.Mutations}"

/// Each seed with its systematic mutations.
let private plansOf (seeds: Lazy<Seed array>) =
    lazy (seeds.Value |> Array.map (fun seed -> seed, systematic seed.Bytes))

let private plans = plansOf seeds
let private rarePlans = plansOf rareSeeds

/// One number of so many belongs to a rare seed.
let private rarity = 200

/// The damage of a number: even ones go through every systematic mutation of every seed, odd ones draw some at random.
let private damageOf (seed: int) (index: int) : Damage =
    // Not HashCode, which is another in every process: a failure must come again.
    let random = Random(int ((uint32 seed * 0x9E3779B9u) ^^^ (uint32 index * 0x85EBCA6Bu)))

    let seed', mutations =
        if index % rarity = rarity - 1 then
            rarePlans.Value[index / rarity % rarePlans.Value.Length]
        else
            plans.Value[index / 2 % plans.Value.Length]

    let one () =
        if random.Next 2 = 0 then
            mutations[random.Next mutations.Length]
        else
            RootMutator.random random seed'.Bytes

    let drawn =
        if index % 2 = 0 then
            // A stride that has no divisor in common with the count visits all of them.
            let turn = int64 (index / 2 / plans.Value.Length)
            [ mutations[int ((turn * 1000003L + int64 seed) % int64 mutations.Length)] ]
        else
            List.init (1 + random.Next 3) (fun _ -> one ())

    {
        Seed = seed'
        Mutations = drawn
        Recover = seed'.Recover || random.Next 8 = 0
    }

/// What was seen so far, by all threads.
type private Tally() =
    let gate = obj ()
    member val Files = 0 with get, set
    member val Refused = 0 with get, set
    member val Most = 0L with get, set
    member val MostAt = "" with get, set
    member val Slowest = TimeSpan.Zero with get, set
    member val SlowestAt = "" with get, set
    /// One line for each of the first failures.
    member val Failures: string list = [] with get, set

    member tally.IsFull = tally.Failures.Length >= 20

    /// Most managed memory above that of the start, garbage included, as seen now and then.
    member val Heap = 0L with get, set

    member tally.Add (describe: unit -> string) (elapsed: TimeSpan) (outcome: FuzzReading.Outcome) =
        lock gate (fun () ->
            tally.Files <- tally.Files + 1

            if outcome.Refused > 0 then
                tally.Refused <- tally.Refused + 1

            if outcome.Most > tally.Most then
                tally.Most <- outcome.Most
                tally.MostAt <- $"{outcome.Call} of {describe ()}"

            if elapsed > tally.Slowest then
                tally.Slowest <- elapsed
                tally.SlowestAt <- describe ())

    member tally.Fail(text: string) = lock gate (fun () -> tally.Failures <- text :: tally.Failures)

/// Where a thread is: the number it works on, and since when.
type private Place() =
    member val Index = -1 with get, set
    member val Since = Stopwatch.GetTimestamp() with get, set

let private examine (path: string) (describe: unit -> string) (damage: Damage) (tally: Tally) =
    let start = Stopwatch.GetTimestamp()

    try
        File.WriteAllBytes(path, damage.Seed.Complete(applyAll damage.Mutations damage.Seed.Bytes))
        let outcome = FuzzReading.ask damage.Recover path
        tally.Add describe (Stopwatch.GetElapsedTime start) outcome

        if outcome.Most > FuzzReading.allowedBytes then
            tally.Fail $"{outcome.Call} took {outcome.Most} bytes of at most {FuzzReading.allowedBytes}: {describe ()}"
    with e ->
        tally.Fail $"{describe ()}: {e}"

/// Numbers [first, first + count) on some threads. A file that hangs ends it; its thread cannot be stopped.
let private examineAll (seed: int) (first: int) (count: int) (threads: int) (tally: Tally) =
    plans.Value |> ignore
    rarePlans.Value |> ignore
    let directory = Directory.CreateTempSubdirectory("pruning-fuzz-").FullName
    let heap = GC.GetTotalMemory true
    let places = Array.init threads (fun _ -> Place())

    let work (thread: int) () =
        let path = Path.Combine(directory, $"{thread}.root")
        let place = places[thread]

        for index in first + thread .. threads .. first + count - 1 do
            if not tally.IsFull then
                place.Since <- Stopwatch.GetTimestamp()
                place.Index <- index
                let damage = damageOf seed index
                let describe () = $"seed {seed}, file {index}, {damage}"
                examine path describe damage tally

    let workers =
        Array.init threads (fun thread ->
            let worker = Thread(work thread, IsBackground = true)
            worker.Start()
            worker, places[thread])

    let mutable hanging = false

    for worker, _ in workers do
        while not hanging && not (worker.Join 50) do
            tally.Heap <- max tally.Heap (GC.GetTotalMemory false - heap)

            for other, place in workers do
                if other.IsAlive && Stopwatch.GetElapsedTime place.Since > hangs then
                    hanging <- true
                    tally.Fail $"hangs: seed {seed}, file {place.Index}, {damageOf seed place.Index}"

    if not hanging then
        Directory.Delete(directory, true)

let private variable (name: string) (otherwise: int) =
    match Environment.GetEnvironmentVariable name with
    | null
    | "" -> otherwise
    | text ->
        match Int32.TryParse text with
        | true, number when number >= 0 -> number
        | _ -> failtest $"wanted a number in {name} but found '{text}'"

let private report (seed: int) (elapsed: TimeSpan) (tally: Tally) =
    let megabytes (bytes: int64) = $"{float bytes / 1048576.0:F1} MB"

    let known = plans.Value |> Array.sumBy (snd >> Array.length)

    [
        $"{known} systematic mutations of {plans.Value.Length} small files of \
         {plans.Value |> Array.sumBy (fun (seed, _) -> seed.Bytes.Length)} bytes are known"
        $"{tally.Files} files from seed {seed} in {elapsed.TotalSeconds:F0} s: {float tally.Files / elapsed.TotalSeconds:F0} a second; \
         {tally.Refused} of them were refused in part"
        $"most memory of one call: {megabytes tally.Most} of {megabytes FuzzReading.allowedBytes}, by {tally.MostAt}"
        $"most managed memory of all threads above the start, garbage included: {megabytes tally.Heap}; the garbage collector may have \
         {megabytes (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)}"
        $"most memory of the process: {megabytes (Process.GetCurrentProcess().PeakWorkingSet64)}"
        $"slowest file: {tally.Slowest.TotalMilliseconds:F0} ms, {tally.SlowestAt}"
    ]
    |> List.iter (printfn "%s")

[<Tests>]
let tests =
    testList
        "ROOT mutations"
        [
            test "the untouched files of the corpus are read without complaint" {
                for seed in Array.append seeds.Value rareSeeds.Value do
                    WrittenTrees.withDirectory (fun directory ->
                        let path = Path.Combine(directory, "f.root")
                        File.WriteAllBytes(path, seed.Complete seed.Bytes)
                        let outcome = FuzzReading.ask seed.Recover path
                        Expect.equal (outcome.Refused, outcome.Findings) (0, 0) seed.Name)
            }

            test "mutations do what they say" {
                let bytes = [| 0uy .. 9uy |]
                let after mutation = apply bytes mutation

                Expect.equal
                    (after (Overwrite(2, 2, Big, 0x1234L)))
                    [| 0uy; 1uy; 0x12uy; 0x34uy; 4uy; 5uy; 6uy; 7uy; 8uy; 9uy |]
                    "big"

                Expect.equal
                    (after (Overwrite(8, 4, Little, 0x1234L)))
                    (Array.append bytes[..7] [| 0x34uy; 0x12uy |])
                    "cut at the end"

                Expect.equal (after (Flip(1, 7))) (Array.append [| 0uy; 129uy |] bytes[2..]) "flip"
                Expect.equal (after (Zero(7, 9))) (Array.append bytes[..6] [| 0uy; 0uy; 0uy |]) "zero"
                Expect.equal (after (Move(0, 8, 5))) (Array.append bytes[..7] [| 0uy; 1uy |]) "move"

                Expect.equal
                    (after (Swap((6, 3), (1, 2))))
                    [| 0uy; 6uy; 7uy; 8uy; 3uy; 4uy; 5uy; 1uy; 2uy; 9uy |]
                    "swap"

                Expect.equal (after (Swap((6, 3), (5, 2)))) bytes "overlapping"
                Expect.equal (after (Truncate 4)) bytes[..3] "truncate"
                let noisy = after (Noise(3, 4, 1))
                Expect.equal (noisy[..2], noisy[7..]) (bytes[..2], bytes[7..]) "noise"
                Expect.notEqual noisy bytes "noise, indeed"
                Expect.equal bytes [| 0uy .. 9uy |] "the bytes themselves"
            }

            test "the mutator finds the records of every file, to its end" {
                for seed in seeds.Value |> Array.filter (fun seed -> seed.Name.Contains "written") do
                    let at, size = List.last (records seed.Bytes)
                    Expect.equal (at + size) seed.Bytes.Length seed.Name
            }

            test "cuts at every record give an error or values, in bounded memory" {
                let tally = Tally()

                WrittenTrees.withDirectory (fun directory ->
                    for seed in seeds.Value do
                        for turn, cut in List.indexed (truncations seed.Bytes) do
                            let damage =
                                {
                                    Seed = seed
                                    Mutations = [ cut ]
                                    Recover = turn % 2 = 0
                                }

                            examine (Path.Combine(directory, "f.root")) damage.ToString damage tally)

                Expect.isEmpty tally.Failures "failures"
                Expect.isGreaterThan tally.Refused 500 "some were refused"
            }

            test "what escapes is a failure, and says what replays it" {
                let broken =
                    { seeds.Value[0] with
                        Complete = fun _ -> invalidOp "out of order"
                    }

                let damage =
                    {
                        Seed = broken
                        Mutations = [ Flip(3, 1) ]
                        Recover = true
                    }

                let tally = Tally()
                examine "unused" damage.ToString damage tally

                Expect.stringStarts
                    (List.exactlyOne tally.Failures)
                    "the zoo, with Recover: [Flip (3, 1)]: System.InvalidOp"
                    "failure"

                Expect.equal tally.Files 0 "not counted"
            }

            test "2000 mutated files give an error or values, in bounded memory and time" {
                let tally = Tally()
                examineAll 1 0 2000 1 tally
                Expect.isEmpty tally.Failures "failures"
                Expect.equal tally.Files 2000 "files"
                Expect.isGreaterThan tally.Refused 500 "many were refused"
            }
        ]

// Its threads take all cores, and it measures the memory of the whole process.
[<SlowTests>]
let slow =
    testSequenced (
        testList
            "ROOT mutations"
            [
                test
                    "the long mode: PRUNING_FUZZ_FILES mutated files give an error or values, in bounded memory and time" {
                    let files = variable "PRUNING_FUZZ_FILES" (Slow.count 5000 200000)
                    let seed = variable "PRUNING_FUZZ_SEED" 1
                    let tally = Tally()
                    let start = Stopwatch.GetTimestamp()
                    examineAll seed (variable "PRUNING_FUZZ_FIRST" 0) files Environment.ProcessorCount tally
                    report seed (Stopwatch.GetElapsedTime start) tally
                    Expect.isEmpty tally.Failures "failures"
                    Expect.equal tally.Files files "files"
                }
            ]
    )
