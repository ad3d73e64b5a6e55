namespace Pruning.Model.Distributed

open System
open System.Numerics
open System.Runtime.ExceptionServices
open System.Threading
open Pruning.Native.Mpi

/// One meeting of all ranks: what each brought, and whether all have come.
type private Meeting(size: int) =
    member val Brought: obj option array = Array.create size None
    member val Came = 0 with get, set

/// Ranks on threads of one process: each has its own network and may have its own device; data is shared.
type LocalGroup(size: int, rankTimeout: TimeSpan) =
    let gate = obj ()
    let mutable meeting = Meeting size
    let mutable lost: string option = None

    let refuse (rank: int) (why: string) = raise (PeerException $"rank {rank} stops: {why}")

    /// Waits until all ranks have brought something, and gives each everything.
    let meet (rank: int) (mine: obj) : obj array =
        lock gate (fun () ->
            let here = meeting
            here.Brought[rank] <- Some mine
            here.Came <- here.Came + 1

            if here.Came = size then
                meeting <- Meeting size
                Monitor.PulseAll gate
            else
                let deadline = DateTime.UtcNow + rankTimeout

                while here.Came < size && lost.IsNone do
                    let left = deadline - DateTime.UtcNow

                    if left <= TimeSpan.Zero || not (Monitor.Wait(gate, left)) then
                        if here.Came < size && lost.IsNone then
                            let missing =
                                Seq.indexed here.Brought
                                |> Seq.filter (snd >> Option.isNone)
                                |> Seq.map (fst >> string)

                            let names = String.Join(", ", missing)

                            lost <-
                                Some
                                    $"rank {names} did not come within {rankTimeout.TotalSeconds:F0} s (see --rank-timeout)"

                            Monitor.PulseAll gate

            match lost with
            | Some why when here.Came < size -> refuse rank why
            | _ -> Array.choose id here.Brought)

    let sum (rank: int) (values: 'T array when 'T: struct and 'T :> IAdditionOperators<'T, 'T, 'T>) : unit =
        let all = meet rank values |> Array.map (fun brought -> brought :?> 'T array)
        let counts = MpiWorld.Slices(values.Length, size)
        let start = Array.sum counts[.. rank - 1]
        let slice = Array.sub all[0] start counts[rank]

        for other in 1 .. size - 1 do
            for i in 0 .. slice.Length - 1 do
                slice[i] <- 'T.op_Addition (slice[i], all[other][start + i])

        // Nobody reads `values` any more once every slice is there.
        let slices = meet rank slice
        let mutable at = 0

        for part in slices do
            let part = part :?> 'T array
            part.CopyTo(values, at)
            at <- at + part.Length

    /// The group seen from one of its ranks.
    member _.Member(rank: int) : Communicator =
        { new Communicator with
            member _.Rank = rank
            member _.Size = size
            member _.LocalRank = rank
            member _.Description = $"{size} ranks on threads of this process"
            member _.Gather mine = meet rank mine |> Array.map (fun brought -> brought :?> byte array)
            member _.Sum(values: float32 array) = sum rank values
            member _.Sum(values: float array) = sum rank values

            member _.Abandon reason =
                lock gate (fun () ->
                    if lost.IsNone then
                        lost <- Some $"rank {rank} failed ({reason})"
                        Monitor.PulseAll gate)

            member _.Dispose() = ()
        }

/// Running ranks on threads.
[<RequireQualifiedAccess>]
module LocalGroup =

    /// Runs `work` once for each rank, the first on this thread; answers in the order of the ranks. When one fails the
    /// others stop at their next meeting, and its exception is thrown.
    let run (size: int) (rankTimeout: TimeSpan) (work: Communicator -> 'Answer) : 'Answer array =
        let group = LocalGroup(size, rankTimeout)
        let answers: Result<'Answer, exn> array = Array.zeroCreate size

        let rankWork rank () =
            let ranks = group.Member rank

            answers[rank] <-
                try
                    Ok(work ranks)
                with error ->
                    ranks.Abandon error.Message
                    Error error

        let threads = [ for rank in 1 .. size - 1 -> Thread(rankWork rank, Name = $"rank {rank}") ]
        threads |> List.iter _.Start()
        rankWork 0 ()
        threads |> List.iter _.Join()

        let failures =
            answers
            |> Array.choose (function
                | Error error -> Some error
                | Ok _ -> None)

        match failures |> Array.tryFind (fun error -> not (error :? PeerException)), Array.tryHead failures with
        | Some cause, _
        | None, Some cause ->
            ExceptionDispatchInfo.Capture(cause).Throw()
            raise cause
        | None, None ->
            answers
            |> Array.choose (function
                | Ok answer -> Some answer
                | Error _ -> None)
