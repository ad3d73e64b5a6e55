/// Sums, means, largest values and softmax over the in-edges of a node, against plain loops.
module Pruning.Tests.Model.NeighbourhoodTests

open Expecto
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Layers
open Pruning.Tests

let private columns = 3

let private property name check =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with
            maxTest = 60
        }
        name
        check

/// Any number of in-edges for each of a few nodes; values are small whole numbers, so that equal ones are common.
let private withEdges (degrees: FsCheck.NonNegativeInt list) (seed: int) (check: PlanTensors -> torch.Tensor -> unit) =
    Laws.inFloat64 (fun () ->
        let degrees = degrees |> List.map (fun degree -> degree.Get % 40)

        let target =
            [|
                for node, degree in List.indexed degrees do
                    yield! Array.create degree (int64 node)
            |]

        let plan = Laws.plan degrees.Length (Array.map (fun _ -> 0L) target) target
        let random = System.Random seed
        let values = Array2D.init target.Length columns (fun _ _ -> float (random.Next 7 - 3))

        let values =
            if target.Length = 0 then
                torch.zeros ([| 0L; int64 columns |], dtype = Laws.dtype ())
            else
                torch.tensor values

        check plan values)

/// The values of each node's in-edges, column by column: node -> column -> values.
let private lists (plan: PlanTensors) (values: torch.Tensor) =
    let target =
        if values.numel () = 0L then
            [||]
        else
            plan.SegmentTarget.data<int64>().ToArray()

    let numbers =
        if values.numel () = 0L then
            [||]
        else
            values.contiguous().data<float>().ToArray()

    fun node column ->
        [
            for edge, owner in Array.indexed target do
                if owner = int64 node then
                    numbers[edge * columns + column]
        ]

let private perNode (plan: PlanTensors) (values: torch.Tensor) (join: float list -> float) =
    let lists = lists plan values
    let wanted = Array2D.init plan.NodeCount columns (fun node column -> join (lists node column))

    if plan.NodeCount = 0 then
        torch.zeros ([| 0L; int64 columns |], dtype = Laws.dtype ())
    else
        torch.tensor wanted

[<Tests>]
let tests =
    testList
        "neighbourhoods"
        [
            property "sum, mean and largest value are those of a loop" (fun degrees (seed: int) ->
                withEdges degrees seed (fun plan values ->
                    let orZero join list = if List.isEmpty list then 0.0 else join list
                    Near.close 1e-12 (Neighbourhood.sum plan values) (perNode plan values List.sum) "sum"

                    Near.close
                        1e-12
                        (Neighbourhood.mean plan values)
                        (perNode plan values (orZero List.average))
                        "mean"

                    Near.close 0.0 (Neighbourhood.max plan values) (perNode plan values (orZero List.max)) "max"))

            property "softmax gives each node shares that sum to 1 and rise with the values" (fun degrees (seed: int) ->
                withEdges degrees seed (fun plan values ->
                    let shares = Neighbourhood.softmax plan (values.mul (scalar 300.0)) // exp of it would overflow
                    let has list = if List.isEmpty list then 0.0 else 1.0
                    Near.close 1e-12 (Neighbourhood.sum plan shares) (perNode plan values has) "sums"
                    let gentle = Neighbourhood.softmax plan values
                    let sums = perNode plan values (List.sumBy exp) |> Neighbourhood.ofTarget plan
                    Near.close 1e-12 gentle (values.exp().div sums) "shares"))

            property
                "the gradient of the largest value goes to the first edge that holds it"
                (fun degrees (seed: int) ->
                    withEdges degrees seed (fun plan values ->
                        let values = values.requires_grad_ ()

                        if values.size 0 > 0L then
                            (Neighbourhood.max plan values).sum().backward()

                        let lists = lists plan (values.detach ())

                        let wanted =
                            [|
                                for node in 0 .. plan.NodeCount - 1 do
                                    for place in 0 .. (lists node 0).Length - 1 do
                                        [|
                                            for column in 0 .. columns - 1 ->
                                                let list = lists node column
                                                if List.findIndex ((=) (List.max list)) list = place then 1.0 else 0.0
                                        |]
                            |]

                        if wanted.Length > 0 then
                            Near.close 0.0 (nonNull values.grad) (torch.tensor (array2D wanted)) "gradient"))

            test "softmax agrees with finite differences" {
                Laws.inFloat64 (fun () ->
                    use random = new torch.Generator(2UL)
                    let plan = Laws.plan 3 [| 0L; 0L; 0L; 0L |] [| 0L; 2L; 2L; 2L |]

                    let logits =
                        (torch.randn ([| 4L; 2L |], dtype = Laws.dtype (), generator = random)).requires_grad_()

                    let dy = torch.randn ([| 4L; 2L |], dtype = Laws.dtype (), generator = random)

                    Slopes.check
                        8
                        1e-6
                        (fun () -> (Neighbourhood.softmax plan logits).mul(dy).sum())
                        [ "logits", logits ])
            }

            test "a hundred thousand edges at one node" {
                use _scope = torch.NewDisposeScope()
                let edges = 100_000
                let plan = Laws.plan 2 (Array.zeroCreate edges) (Array.create edges 1L)
                let values = (torch.arange (int64 edges)).``to``(torch.float32).unsqueeze(1L)
                let found = (Neighbourhood.max plan values).data<float32>().ToArray()
                Expect.equal found [| 0f; 99_999f |] "largest"
            }
        ]
