namespace Pruning.Model.Distributed

open System

/// What lies between two ranks.
type Interconnect =
    {
        Name: string
        /// Seconds of a message of a few bytes.
        Latency: float
        /// Seconds that a sum takes whatever its size: buffers, waking up, agreeing on a transfer.
        Startup: float
        /// Bytes a second into one rank, and out of it at the same time.
        Bandwidth: float
    }

/// What a step pays for being shared, as a formula: the small gathers, and the sum of the gradients.
[<RequireQualifiedAccess>]
module ExchangeModel =

    /// Small collective operations of a step: three gathers of two each (does any rank stop, did all come through, who has which
    /// gradient), and the sum of the losses.
    let smallOperations = 8

    /// Rounds of messages in which every rank hears of every other one.
    let rounds (ranks: int) : int = int (ceil (Math.Log2(float ranks)))

    /// Bytes that travel into each rank when so many numbers of float32 are summed: its slice from the others, then theirs.
    let private travelling (numbers: float) (ranks: int) : float = 2.0 * float (ranks - 1) / float ranks * 4.0 * numbers

    /// Seconds of a sum of so many numbers of float32 over two ranks or more.
    let sumSeconds (link: Interconnect) (numbers: int64) (ranks: int) : float =
        link.Startup
        + 2.0 * float (ranks - 1) * link.Latency
        + travelling (float numbers) ranks / link.Bandwidth

    /// Seconds a step of a network with so many parameters in float32.
    let stepSeconds (link: Interconnect) (parameters: int64) (ranks: int) : float =
        if ranks = 1 then
            0.0
        else
            float (smallOperations * rounds ranks) * link.Latency
            + sumSeconds link parameters ranks

    /// The interconnect that takes these times: of gathering a few bytes, two collective operations, and of sums of so many
    /// numbers, two sizes or more. The smallest and the largest sum decide.
    let fit (name: string) (ranks: int) (gatherSeconds: float) (sums: (int64 * float) list) : Interconnect =
        let latency = gatherSeconds / float (2 * rounds ranks)
        let fewest, soonest = List.minBy fst sums
        let most, latest = List.maxBy fst sums
        // Times that another process disturbed may fall with the size.
        let bandwidth = travelling (float (most - fewest)) ranks / max 1e-9 (latest - soonest)

        let startup =
            soonest
            - 2.0 * float (ranks - 1) * latency
            - travelling (float fewest) ranks / bandwidth

        {
            Name = name
            Latency = latency
            Startup = max 0.0 startup
            Bandwidth = bandwidth
        }
