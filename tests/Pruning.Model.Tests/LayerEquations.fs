/// The layers' equations as their papers have them: node by node and edge by edge, in plain numbers. Slow, and written without
/// the library's tensors, so that a mistake there cannot hide.
module Pruning.Tests.Model.LayerEquations

open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers

type Vector = float array

/// The weights of a layer by name, row after row; a vector is one row.
type Numbers = Map<string, Vector array>

let private rows (tensor: torch.Tensor) : Vector array =
    let flat = tensor.detach().``to``(torch.float64).contiguous().data<float>().ToArray()

    if tensor.dim () = 2L then
        Array.chunkBySize (int (tensor.size 1)) flat
    else
        [| flat |]

let numbers (layer: GraphLayer) : Numbers =
    layer.Weights.Parameters
    |> List.map (fun (name, p) -> name, rows p)
    |> Map.ofList

let rowsOf (tensor: torch.Tensor) : Vector array = rows tensor

let private times (w: Vector array) (x: Vector) : Vector =
    w |> Array.map (fun row -> Array.fold2 (fun sum a b -> sum + a * b) 0.0 row x)

let private add: Vector -> Vector -> Vector = Array.map2 (+)
let private relu: Vector -> Vector = Array.map (max 0.0)
let private scale (by: float) : Vector -> Vector = Array.map ((*) by)
let private total (width: int) (all: Vector list) : Vector = all |> List.fold add (Array.zeroCreate width)

/// What a layer makes of one node from its state and those of the sources of its in-edges.
type Equation = Numbers -> (int -> Vector) -> (int -> int list) -> int -> Vector

let gcn: Equation =
    fun w h sources v ->
        let degree node = float (max 1 (sources node).Length)

        sources v
        |> List.map (fun u -> times w["weight"] (h u) |> scale (1.0 / sqrt (degree u * degree v)))
        |> total w["weight"].Length
        |> add w["bias"].[0]
        |> relu

let gin: Equation =
    fun w h sources v ->
        let own = h v |> scale (1.0 + w["epsilon"].[0].[0])
        let layer name x = times w[$"mlp.{name}.weight"] x |> add w[$"mlp.{name}.bias"].[0] |> relu
        sources v |> List.map h |> List.fold add own |> layer "0" |> layer "1"

let gatv2 (heads: int) : Equation =
    fun w h sources v ->
        let leaky = Array.map (fun x -> if x > 0.0 then x else 0.2 * x)
        let columns = w["attention"].[0].Length
        let part head (x: Vector) = x[head * columns .. (head + 1) * columns - 1]
        let sent = sources v |> List.map (fun u -> times w["source.weight"] (h u))
        let asked = times w["target.weight"] (h v)

        let ofHead head =
            let score message =
                Array.fold2
                    (fun sum a b -> sum + a * b)
                    0.0
                    w["attention"].[head]
                    (add message asked |> leaky |> part head)

            let weight = sent |> List.map (score >> exp)
            let all = List.sum weight

            List.map2 (fun one message -> part head message |> scale (one / all)) weight sent
            |> total columns

        Array.collect ofHead [| 0 .. heads - 1 |] |> add w["bias"].[0] |> relu

let edgeConv: Equation =
    fun w h sources v ->
        let message u =
            times w["theta.weight"] (Array.map2 (-) (h u) (h v))
            |> add (times w["phi.weight"] (h v))
            |> add w["bias"].[0]
            |> relu

        match sources v with
        | [] -> Array.zeroCreate w["bias"].[0].Length
        | some -> some |> List.map message |> List.reduce (Array.map2 max)

let interaction: Equation =
    fun w h sources v ->
        let effect u =
            times w["relation.source.weight"] (h u)
            |> add (times w["relation.target.weight"] (h v))
            |> add w["relation.bias"].[0]
            |> relu
            |> times w["effect.weight"]
            |> add w["effect.bias"].[0]

        sources v
        |> List.map effect
        |> total w["effect.weight"].Length
        |> times w["object.effect.weight"]
        |> add (times w["object.weight"] (h v))
        |> add w["object.bias"].[0]
        |> relu

let gravNet: Equation =
    fun w h sources v ->
        let place node = times w["space.weight"] (h node) |> add w["space.bias"].[0]
        let features node = times w["features.weight"] (h node) |> add w["features.bias"].[0]

        let message u =
            let gap = Array.map2 (-) (place u) (place v) |> Array.sumBy (fun x -> x * x)
            features u |> scale (exp (-10.0 * gap))

        let messages = sources v |> List.map message
        let width = w["features.weight"].Length
        let mean = messages |> total width |> scale (1.0 / float (max 1 messages.Length))

        let largest =
            if messages.IsEmpty then
                Array.zeroCreate width
            else
                List.reduce (Array.map2 max) messages

        times w["self.weight"] (h v)
        |> add w["self.bias"].[0]
        |> add (times w["mean.weight"] mean)
        |> add (times w["max.weight"] largest)
        |> relu
