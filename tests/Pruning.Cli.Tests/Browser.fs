/// A Chromium that the machine may have, for looking at pages as a reader does.
module Pruning.Tests.Cli.Browser

open System
open System.IO

let private names = [ "chromium"; "chromium-browser"; "google-chrome"; "google-chrome-stable" ]

/// The program, if there is one on the path.
let tryFind () : string option =
    let folders =
        (Environment.GetEnvironmentVariable "PATH"
         |> Option.ofObj
         |> Option.defaultValue "")
            .Split(':')

    Seq.allPairs names folders
    |> Seq.map (fun (name, folder) -> Path.Combine(folder, name))
    |> Seq.tryFind File.Exists

/// Options for a browser that shows one local page: no window, no network, a profile of its own.
let arguments (profile: string) : string list =
    [
        "--headless"
        "--no-sandbox"
        "--disable-gpu"
        "--disable-quic"
        "--no-first-run"
        "--disable-background-networking"
        "--disable-component-update"
        "--disable-sync"
        "--hide-scrollbars"
        // The browser's own requests get no answer either.
        "--host-resolver-rules=MAP * ~NOTFOUND"
        // Without a graphics card the processor draws the scene in space.
        "--use-angle=swiftshader"
        "--enable-unsafe-swiftshader"
        $"--user-data-dir={profile}"
    ]
