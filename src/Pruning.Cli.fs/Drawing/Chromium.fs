namespace Pruning.Cli.Drawing

open System
open System.Diagnostics
open System.IO
open Pruning.Native

/// Pictures of pages, by a Chromium that the machine may have.
[<RequireQualifiedAccess>]
module Chromium =

    /// The variable that names another one.
    let variable = "GRAPH_PRUNING_CHROMIUM"

    let private names = [ "chromium"; "chromium-browser"; "google-chrome"; "google-chrome-stable" ]

    /// The program, if there is one.
    let tryFind () : string option =
        match Environment.GetEnvironmentVariable variable with
        | null
        | "" ->
            let folders =
                (Environment.GetEnvironmentVariable "PATH"
                 |> Option.ofObj
                 |> Option.defaultValue "")
                    .Split(':')

            Seq.allPairs names folders
            |> Seq.map (fun (name, folder) -> Path.Combine(folder, name))
            |> Seq.tryFind File.Exists
        | path -> Some path

    /// Options for a browser that shows one local page to nobody: no window, no network, nothing of its user's.
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
            // Its own chatter stays at home too.
            "--host-resolver-rules=MAP * ~NOTFOUND"
            // Space is drawn by the processor where there is no graphics card.
            "--use-angle=swiftshader"
            "--enable-unsafe-swiftshader"
            $"--user-data-dir={profile}"
        ]

    /// Draws a local page into a PNG of the given size, `scale` pixels a point. DeviceException without a Chromium, or when it
    /// draws nothing.
    let draw (page: string) (width: int, height: int) (scale: float) (png: string) : unit =
        let program =
            match tryFind () with
            | Some program -> program
            | None ->
                let wanted = String.Join(", ", names)

                raise (
                    DeviceException
                        $"PNG is drawn by Chromium, found none of {wanted} on this machine; install the package chromium, name one in {variable}, or write SVG instead (--svg FILE)."
                )

        let profile = Directory.CreateTempSubdirectory "graph-pruning-"

        try
            let start = ProcessStartInfo(program, RedirectStandardOutput = true, RedirectStandardError = true)
            let target = Path.GetFullPath png
            Directory.CreateDirectory(nonNull (Path.GetDirectoryName target)) |> ignore
            let text = scale.ToString(Globalization.CultureInfo.InvariantCulture)

            for argument in
                arguments profile.FullName
                @ [
                    $"--window-size={width},{height}"
                    $"--force-device-scale-factor={text}"
                    $"--screenshot={target}"
                    Uri(Path.GetFullPath page).AbsoluteUri
                ] do
                start.ArgumentList.Add argument

            File.Delete target
            use browser = Process.Start start |> nonNull
            let out, error = browser.StandardOutput.ReadToEndAsync(), browser.StandardError.ReadToEndAsync()

            if not (browser.WaitForExit 60_000) then
                browser.Kill(entireProcessTree = true)

            browser.WaitForExit()
            out.Wait()

            if not (File.Exists target) then
                let said = error.Result.Trim().Split('\n') |> Array.last
                raise (DeviceException $"wanted a picture from {program}, found none; it said: {said}")
        finally
            profile.Delete true
