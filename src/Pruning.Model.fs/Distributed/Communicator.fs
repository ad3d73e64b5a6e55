namespace Pruning.Model.Distributed

open System
open System.Runtime.ExceptionServices
open System.Text
open Pruning.Native.Mpi

/// The ranks of a run, seen from one of them. Every rank calls every operation, in the same order; none returns before
/// all came. Sums are taken in the order of the ranks, so that they do not depend on who was first and are the same bits
/// on every rank. A rank that is lost, or does not come in time: PeerException.
type Communicator =
    inherit IDisposable

    /// Number of this rank, from 0.
    abstract Rank: int

    /// Number of ranks.
    abstract Size: int

    /// Number of this rank among those of its machine: which device is its own.
    abstract LocalRank: int

    /// What the ranks are, in words.
    abstract Description: string

    /// The bytes of every rank, in the order of the ranks. Lengths may differ.
    abstract Gather: mine: byte array -> byte array array

    /// Replaces each number by its sum over the ranks. As many on every rank.
    abstract Sum: values: float32 array -> unit

    /// The same in double precision.
    abstract Sum: values: float array -> unit

    /// This rank gives up for a reason of its own. The others hear of it where the ranks share a process.
    abstract Abandon: reason: string -> unit

/// A run of one rank, and what is made of the operations of any.
[<RequireQualifiedAccess>]
module Communicator =

    /// One rank: nothing to exchange.
    let alone: Communicator =
        { new Communicator with
            member _.Rank = 0
            member _.Size = 1
            member _.LocalRank = 0
            member _.Description = "one rank"
            member _.Gather mine = [| mine |]
            member _.Sum(_: float32 array) = ()
            member _.Sum(_: float array) = ()
            member _.Abandon _ = ()
            member _.Dispose() = ()
        }

    /// The ranks of an MPI run.
    let ofMpi (world: MpiWorld) : Communicator =
        { new Communicator with
            member _.Rank = world.Rank
            member _.Size = world.Size
            member _.LocalRank = world.LocalRank

            member _.Description =
                $"{world.Size} MPI ranks, {world.LocalSize} of them on this machine, by {world.Library}"

            member _.Gather mine = world.Gather mine
            member _.Sum(values: float32 array) = world.Sum(values.AsSpan())
            member _.Sum(values: float array) = world.Sum(values.AsSpan())
            member _.Abandon _ = world.Abandon()
            member _.Dispose() = world.Dispose()
        }

    /// True on the rank that writes files and talks.
    let isFirst (ranks: Communicator) : bool = ranks.Rank = 0

    /// Returns when every rank has come here.
    let barrier (ranks: Communicator) : unit = ranks.Gather [||] |> ignore

    /// What `root` has, on every rank. `make` runs on that rank only.
    let broadcast (root: int) (make: unit -> byte array) (ranks: Communicator) : byte array =
        (ranks.Gather(if ranks.Rank = root then make () else [||]))[root]

    /// Whether any rank says so.
    let any (flag: bool) (ranks: Communicator) : bool =
        ranks.Size > 1
        && ranks.Gather [| if flag then 1uy else 0uy |]
           |> Array.exists (Array.contains 1uy)
        || flag

    /// Replaces each number by its mean over the ranks.
    let mean (values: float array) (ranks: Communicator) : unit =
        ranks.Sum values

        for i in 0 .. values.Length - 1 do
            values[i] <- values[i] / float ranks.Size

    /// Does something that may fail on one rank alone, as writing a file does, and goes on only when it went well on
    /// all: the rank that failed throws its own exception, the others a PeerException that quotes it. Without this they
    /// would wait for a rank that is on its way out.
    let together (ranks: Communicator) (work: unit -> 'T) : 'T =
        if ranks.Size = 1 then
            work ()
        else
            let outcome =
                try
                    Ok(work ())
                with error ->
                    Error error

            let words =
                match outcome with
                | Ok _ -> ""
                | Error error -> $"{error.GetType().Name}: {error.Message}"

            let all = ranks.Gather(Encoding.UTF8.GetBytes words) |> Array.map Encoding.UTF8.GetString

            match outcome, Array.tryFindIndex (fun (text: string) -> text <> "") all with
            | Ok value, None -> value
            | Error error, _ ->
                ExceptionDispatchInfo.Capture(error).Throw()
                raise error
            | Ok _, Some rank ->
                raise (PeerException $"rank {rank} failed, so that rank {ranks.Rank} stops too ({all[rank]})")
