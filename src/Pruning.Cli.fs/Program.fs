module Pruning.Cli.Program

[<EntryPoint>]
let main _ = 0
