namespace Pruning.Model.Distributed

open System
open System.IO
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers

/// The running statistics of a batch normalisation, as they were before a step.
[<NoComparison; NoEquality>]
type StatisticsBefore =
    private
        {
            Layers: (Tensor list * Tensor) list
            Values: float array list
            Counts: int64 list
        }

/// Running statistics over several ranks. Graph after graph they follow r <- (1 - m) r + m s, which is affine in r: after
/// the n graphs of a rank r = (1 - m)^n r0 + b. Ranks that hold consecutive runs of a batch, put one after the other, give
/// the statistics of the joined batch.
[<RequireQualifiedAccess>]
module RunningStatistics =

    let private tracked = ".num_batches_tracked"

    /// Mean and variance of each layer, and how many graphs they have followed.
    let private layersOf (weights: Weights) : (Tensor list * Tensor) list =
        let buffers = Map.ofList weights.Buffers

        [
            for name, count in weights.Buffers do
                if name.EndsWith tracked then
                    let layer = name.Substring(0, name.Length - tracked.Length)
                    [ buffers[layer + ".running_mean"]; buffers[layer + ".running_var"] ], count
        ]

    let private read (tensors: Tensor list) : float array =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()

        torch.cat([| for tensor in tensors -> tensor.reshape -1L |]).``to``(torch.float64).cpu().data<float>().ToArray()

    /// Remembers what a step begins with. One rank has nothing to remember.
    let before (ranks: Communicator) (weights: Weights) : StatisticsBefore =
        let layers = if ranks.Size = 1 then [] else layersOf weights

        {
            Layers = layers
            Values = layers |> List.map (fst >> read)
            Counts = layers |> List.map (fun (_, count) -> count.item<int64>())
        }

    let private write (values: float array) (tensors: Tensor list) : unit =
        use _scope = torch.NewDisposeScope()
        use _guard = torch.no_grad ()
        let mutable start = 0

        for tensor in tensors do
            let length = int (tensor.numel ())
            let part = torch.tensor(Array.sub values start length).reshape(tensor.shape)
            tensor.copy_ (part.``to``(tensor.dtype).``to`` tensor.device) |> ignore
            start <- start + length

    /// What the graphs of this rank did to a layer: how many there were, and what they added.
    let private shareOf (count: int64) (old: float array) (now: float array) : byte array =
        let kept = (1.0 - Normalisation.momentum) ** float count
        use stream = new MemoryStream()
        use writer = new BinaryWriter(stream)
        writer.Write count
        Array.iter2 (fun (before: float) (after: float) -> writer.Write(after - kept * before)) old now
        writer.Flush()
        stream.ToArray()

    let private follow (statistics: float array) (share: byte array) : float array =
        let count = BitConverter.ToInt64(share, 0)
        let kept = (1.0 - Normalisation.momentum) ** float count

        statistics
        |> Array.mapi (fun i value -> kept * value + BitConverter.ToDouble(share, 8 + 8 * i))

    /// After the forward passes of a step: the statistics of the joined batch, on every rank.
    let join (ranks: Communicator) (before: StatisticsBefore) : unit =
        if ranks.Size > 1 then
            for (tensors, count), old, oldCount in List.zip3 before.Layers before.Values before.Counts do
                let mine = shareOf (count.item<int64>() - oldCount) old (read tensors)
                let shares = ranks.Gather mine
                let graphs = shares |> Array.sumBy (fun share -> BitConverter.ToInt64(share, 0))
                // Without a graph anywhere nothing is written, so that nothing is rounded.
                if graphs > 0L then
                    write (Array.fold follow old shares) tensors
                    use _guard = torch.no_grad ()
                    use total = torch.tensor (oldCount + graphs)
                    count.copy_ total |> ignore
