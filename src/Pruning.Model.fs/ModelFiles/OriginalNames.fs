namespace Pruning.Model.ModelFiles

open System.Text.RegularExpressions

/// Names of the original research code's parameters, for models and reference numbers that come from there.
[<RequireQualifiedAccess>]
module OriginalNames =

    let private rules =
        [
            @"^in_read\.lin(\d)\.", "encoder.linear$1."
            @"^in_read\.batchnorm(\d)\.", "encoder.norm$1."
            @"^aggregator\.(xh|x2h)\.", "decision.input."
            @"^aggregator\.(hh|h2h)\.", "decision.hidden."
            @"^mem\.(xh|x2h)\.", "memory.input."
            @"^mem\.(hh|h2h)\.", "memory.hidden."
            @"^gnn\.convBlock\.(\d+)\.lstm\.(weight|bias)_(ih|hh)_l0$", "rounds.$1.aggregator.$2_$3"
            @"^gnn\.convBlock\.(\d+)\.fc_self\.", "rounds.$1.self."
            @"^gnn\.convBlock\.(\d+)\.fc_neigh\.", "rounds.$1.neighbour."
            @"^gnn\.cls\.(\d)\.(?:0\.)?(weight|bias)$", "prune.$1.$2"
            @"^gnn\.cnf\.(\d)\.(?:0\.)?(weight|bias)$", "confidence.$1.$2"
        ]
        |> List.map (fun (pattern, replacement) -> Regex pattern, replacement)

    /// Our name of a parameter of the original, e.g. `mem.x2h.weight` -> `memory.input.weight`; none if it has none.
    let tryTranslate (name: string) : string option =
        rules
        |> List.tryFind (fun (pattern, _) -> pattern.IsMatch name)
        |> Option.map (fun (pattern, replacement) -> pattern.Replace(name, replacement))
