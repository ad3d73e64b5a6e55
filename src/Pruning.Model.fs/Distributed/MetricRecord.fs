namespace Pruning.Model.Distributed

open System
open System.IO
open System.IO.Hashing
open System.Text
open Pruning.Model.Persistence
open Pruning.Model.Metrics

/// Metric states as bytes, for other ranks and for checkpoints. The record begins with a hash of what its fields are:
/// two versions of the program that count differently cannot be added up.
[<RequireQualifiedAccess>]
module MetricRecord =

    /// Fields in their order. Whoever changes them changes this, and with it the hash.
    let private schema =
        "decisions: pruned rightly, pruned wrongly, kept wrongly, kept rightly (int64)"
        + "; scores: n (int32), bins (int32, of 2^8 units of the last place), keep, prune (int64)"
        + "; energy: shower, shower kept, kept (int128 in 2^-60 GeV); graphs (int64); loss (int128 in 2^-60)"

    /// Hash of the fields and their order.
    let schemaHash: uint64 = XxHash64.HashToUInt64(ReadOnlySpan(Encoding.UTF8.GetBytes schema))

    let private writeSum (writer: BinaryWriter) (sum: ExactSum) =
        let units = ExactSum.toUnits sum
        writer.Write(Int128.op_Explicit units: uint64)
        writer.Write(Int128.op_Explicit (Int128.op_RightShift (units, 64)): int64)

    let private readSum (reader: BinaryReader) : ExactSum =
        let low = reader.ReadUInt64()
        let high = reader.ReadInt64()
        ExactSum.ofUnits (Int128(uint64 high, low))

    /// The bytes of a state.
    let toBytes (state: MetricState) : byte array =
        use stream = new MemoryStream()
        use writer = new BinaryWriter(stream)
        writer.Write schemaHash
        writer.Write state.Decisions.PrunedRightly
        writer.Write state.Decisions.PrunedWrongly
        writer.Write state.Decisions.KeptWrongly
        writer.Write state.Decisions.KeptRightly
        writer.Write state.Scores.Bins.Length
        state.Scores.Bins |> Array.iter writer.Write
        state.Scores.Keep |> Array.iter writer.Write
        state.Scores.Prune |> Array.iter writer.Write

        [ state.Energy.Shower; state.Energy.ShowerKept; state.Energy.Kept ]
        |> List.iter (writeSum writer)

        writer.Write state.Graphs
        writeSum writer state.LossSum
        writer.Flush()
        stream.ToArray()

    /// The state of its bytes. `source` says whose they are in the error: a CheckpointException.
    let ofBytes (source: string) (bytes: byte array) : MetricState =
        let refuse wanted found =
            raise (
                CheckpointException
                    $"wanted {wanted} in the metrics of {source}, found {found}; use one version of the program for all of a run"
            )

        use reader = new BinaryReader(new MemoryStream(bytes))
        let fixedLength = 8 + 4 * 8 + 4 + 3 * 16 + 8 + 16

        if bytes.Length < fixedLength then
            refuse $"at least {fixedLength} bytes" $"{bytes.Length}"

        let hash = reader.ReadUInt64()

        if hash <> schemaHash then
            refuse $"fields {schemaHash:x16}" $"{hash:x16}"

        let decisions: Confusion =
            {
                PrunedRightly = reader.ReadInt64()
                PrunedWrongly = reader.ReadInt64()
                KeptWrongly = reader.ReadInt64()
                KeptRightly = reader.ReadInt64()
            }

        let count = reader.ReadInt32()

        if count < 0 || int64 bytes.Length <> int64 fixedLength + 20L * int64 count then
            refuse $"{fixedLength} bytes and 20 for each of {count} bins" $"{bytes.Length}"

        let bins = Array.init count (fun _ -> reader.ReadInt32())

        if not (bins |> Array.pairwise |> Array.forall (fun (a, b) -> a < b)) then
            refuse "ascending bins" "others"

        let counts () = Array.init count (fun _ -> reader.ReadInt64())

        let scores: ScoreHistogram =
            {
                Bins = bins
                Keep = counts ()
                Prune = counts ()
            }

        let energy: ShowerMetrics =
            {
                Shower = readSum reader
                ShowerKept = readSum reader
                Kept = readSum reader
            }

        {
            Decisions = decisions
            Scores = scores
            Energy = energy
            Graphs = reader.ReadInt64()
            LossSum = readSum reader
        }

    /// The sum of the states of all ranks, on every rank: one exchange.
    let sum (ranks: Communicator) (state: MetricState) : MetricState =
        if ranks.Size = 1 then
            state
        else
            ranks.Gather(toBytes state)
            |> Array.mapi (fun rank bytes -> ofBytes $"rank {rank}" bytes)
            |> MetricState.sum
