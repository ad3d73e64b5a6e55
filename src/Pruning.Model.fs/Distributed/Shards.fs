namespace Pruning.Model.Distributed

open System
open Pruning.Data.Batching
open Pruning.Model.Persistence
open Pruning.Native.Mpi

/// Dividing graphs among ranks.
[<RequireQualifiedAccess>]
module Shards =

    /// The shard of a rank: a run of the list, so that shards are disjoint, complete, and differ by one graph at most.
    /// Nothing is padded: with more ranks than graphs some shards are empty.
    let ofRank (rank: int) (size: int) (graphs: int array) : int array =
        let counts = MpiWorld.Slices(graphs.Length, size)
        Array.sub graphs (Array.sum counts[.. rank - 1]) counts[rank]

    /// Sum of a mixed number of each graph: equal sets have equal sums, and sets that differ do not but by a miracle.
    let private fingerprint (graphs: int array) : uint64 =
        graphs
        |> Array.fold (fun sum graph -> sum + StableHash.Mix(0x5eedUL, uint64 graph)) 0UL

    /// Makes sure that the shards of all ranks are the wanted graphs, each once: else the metrics would be those of
    /// another sample. A TrainingException says how many are missing or double.
    let verify (ranks: Communicator) (wanted: int array) (mine: int array) : unit =
        if ranks.Size > 1 then
            let record =
                Array.append (BitConverter.GetBytes(int64 mine.Length)) (BitConverter.GetBytes(fingerprint mine))

            let records = ranks.Gather record
            let count = records |> Array.sumBy (fun bytes -> BitConverter.ToInt64(bytes, 0))

            let print =
                records
                |> Array.fold (fun sum bytes -> sum + BitConverter.ToUInt64(bytes, 8)) 0UL

            if count <> int64 wanted.Length || print <> fingerprint wanted then
                raise (
                    TrainingException
                        $"Wanted {wanted.Length} graphs evaluated once each, found {count} over {ranks.Size} ranks or other ones; give \
                         all ranks the same files in the same order."
                )
