namespace Pruning.Cli.Doctor

open System
open System.Diagnostics
open System.Text
open Pruning.Model.Persistence
open Pruning.Model.Distributed
open Pruning.Cli.Framework

/// How long one exchange of gradients takes.
type ExchangeTime =
    {
        /// Single precision numbers that are summed over the ranks.
        Numbers: int
        /// Median, in seconds.
        Seconds: float
    }

/// What a check of the ranks found.
type RankFindings =
    {
        Description: string
        Size: int
        /// Machine and process of each rank.
        Places: string list
        /// Median time of gathering a few bytes, in seconds.
        Gather: float
        Exchanges: ExchangeTime list
        /// Seconds and bytes a second that the model of docs/explanation/ranks.md makes of these times; none for one rank.
        Link: Interconnect option
        /// How gradients would travel, and why.
        Gradients: string
    }

/// Whether the ranks of a launcher can work together here, and what it costs them.
[<RequireQualifiedAccess>]
module RankCheck =

    let private median (times: float list) = times |> List.sort |> List.item (times.Length / 2)

    /// Median over repetitions of what one operation takes.
    let private time (repetitions: int) (work: unit -> unit) : float =
        work ()

        median
            [
                for _ in 1..repetitions do
                    let clock = Stopwatch.StartNew()
                    work ()
                    clock.Elapsed.TotalSeconds
            ]

    /// Term of a rank in the sums of the check. Sums of these depend on their order.
    let private term (rank: int) (i: int) : float32 = 1.0f / float32 (1 + rank + 7 * (i % 1000))

    let private requireSums (ranks: Communicator) (count: int) : unit =
        let values = Array.init count (term ranks.Rank)
        ranks.Sum values

        for i in 0 .. count - 1 do
            let wanted = Seq.reduce (+) (Seq.init ranks.Size (fun rank -> term rank i))

            if
                BitConverter.SingleToInt32Bits values[i]
                <> BitConverter.SingleToInt32Bits wanted
            then
                raise (
                    TrainingException
                        $"Wanted {wanted} as number {i} of a sum over {ranks.Size} ranks, found {values[i]} on rank {ranks.Rank}: this \
                         MPI library does not transport what it is given ({ranks.Description})."
                )

    /// Every rank calls it. `gradients`: how they would travel.
    let run (ranks: Communicator) (gradients: string) : RankFindings =
        let place = $"{Environment.MachineName}, process {Environment.ProcessId}"
        let places = ranks.Gather(Encoding.UTF8.GetBytes place) |> Array.map Encoding.UTF8.GetString
        [ 0; 1; 1003 ] |> List.iter (requireSums ranks)

        let gather = time 200 (fun () -> ranks.Gather(Array.zeroCreate 64) |> ignore)

        let exchanges =
            [
                // One rank exchanges nothing.
                if ranks.Size > 1 then
                    for numbers, repetitions in [ 10_000, 50; 100_000, 30; 200_000, 30; 1_000_000, 10; 10_000_000, 5 ] ->
                        let values = Array.zeroCreate<float32> numbers

                        {
                            Numbers = numbers
                            Seconds = time repetitions (fun () -> ranks.Sum values)
                        }
            ]

        {
            Description = ranks.Description
            Size = ranks.Size
            Places = List.ofArray places
            Gather = gather
            Exchanges = exchanges
            Link =
                if ranks.Size = 1 then
                    None
                else
                    exchanges
                    // Larger ones leave the caches, and are printed beside what the formula says.
                    |> List.filter (fun exchange -> exchange.Numbers <= 1_000_000)
                    |> List.map (fun exchange -> int64 exchange.Numbers, exchange.Seconds)
                    |> ExchangeModel.fit "these ranks" ranks.Size gather
                    |> Some
            Gradients = gradients
        }

    let private microseconds (seconds: float) = $"{Say.number (Math.Round(seconds * 1e6, 1))} µs"

    /// For a person.
    let show (terminal: Terminal) (findings: RankFindings) : unit =
        Terminal.print terminal $"ok  ranks             {findings.Description}"

        for rank, place in List.indexed findings.Places do
            Terminal.print terminal $"ok  rank {rank.ToString().PadRight 13}{place}"

        Terminal.print terminal "ok  sums              in the order of the ranks, the right bits on all of them"

        if findings.Size > 1 then
            Terminal.print terminal $"ok  gather            {microseconds findings.Gather} for 64 bytes a rank"

        let modelled (numbers: int) =
            match findings.Link with
            | Some link ->
                ExchangeModel.sumSeconds link (int64 numbers) findings.Size
                |> microseconds
                |> sprintf ", modelled %s"
            | None -> ""

        for exchange in findings.Exchanges do
            let rate = float exchange.Numbers * 4.0 / exchange.Seconds / 1e9

            Terminal.print
                terminal
                $"ok  sum               {microseconds exchange.Seconds} for {Say.count (int64 exchange.Numbers)} numbers, \
                 {Say.number (Math.Round(rate, 2))} GB/s{modelled exchange.Numbers}"

        match findings.Link with
        | Some link ->
            Terminal.print
                terminal
                $"ok  link              latency {microseconds link.Latency}, {microseconds link.Startup} to begin a sum, \
                 {Say.number (Math.Round(link.Bandwidth / 1e9, 2))} GB/s each way (docs/explanation/ranks.md)"
        | None -> ()

        Terminal.print terminal $"ok  gradients         {findings.Gradients}"
