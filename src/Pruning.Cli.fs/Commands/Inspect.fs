module Pruning.Cli.Commands.Inspect

open Pruning.Cli
open Argu

type InspectArgument =
    | [<MainCommand>] File of file: string list

    interface IArgParserTemplate with
        member a.Usage = "files"

let command =
    Command.create<TrainArgument>
        {
            Verb = "inspect"
            Summary = "x"
            Synopsis = "FILE"
            Explanation = "x"
            Examples = []
        }
        (fun t a ->
            printfn "%A" (TrainSettings.ofArguments System.IO.File.Exists a)
            0)
