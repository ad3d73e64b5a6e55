namespace Pruning.Model.Persistence

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Security.Cryptography
open System.Text.Json

/// Directories that are there whole or not at all: written beside, flushed to the disk, listed with their hashes in
/// manifest.json, and then given their name. One writer a target at a time. A reader never sees a half-written directory;
/// one that is at work in the moment of a replacement may find its files changed or gone (an error), and reads again.
[<RequireQualifiedAccess>]
module AtomicDirectory =

    /// The file that lists the others.
    [<Literal>]
    let Manifest = "manifest.json"

    [<Literal>]
    let private FormatVersion = 1

    let private fullPath (target: string) : string = Path.TrimEndingDirectorySeparator(Path.GetFullPath target)

    let private writingPrefix (target: string) : string = $".{Path.GetFileName target}.writing-"

    /// Where the old directory stands for the moment between two renames.
    let private setAside (target: string) : string =
        Path.Combine(AtomicFile.parentOf target, $".{Path.GetFileName target}.old")

    let private sha256 (path: string) : string =
        use stream = File.OpenRead path
        Convert.ToHexStringLower(SHA256.HashData stream)

    /// Paths of all files below a directory, relative to it, with forward slashes, sorted.
    let private filesOf (directory: string) : string[] =
        Directory.GetFiles(directory, "*", SearchOption.AllDirectories)
        |> Array.map (fun path -> Path.GetRelativePath(directory, path).Replace(Path.DirectorySeparatorChar, '/'))
        |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

    let private writeManifest (directory: string) : unit =
        let files = filesOf directory

        AtomicFile.write (Path.Combine(directory, Manifest)) (fun stream ->
            use json = new Utf8JsonWriter(stream, JsonWriterOptions(Indented = true))
            json.WriteStartObject()
            json.WriteNumber("version", FormatVersion)
            json.WriteStartObject "files"

            for name in files do
                let path = Path.Combine(directory, name)
                json.WriteStartObject name
                json.WriteNumber("size", FileInfo(path).Length)
                json.WriteString("sha256", sha256 path)
                json.WriteEndObject()

            json.WriteEndObject()
            json.WriteEndObject())

    let private flush (directory: string) : unit =
        for name in filesOf directory do
            use handle = File.OpenHandle(Path.Combine(directory, name), FileMode.Open, FileAccess.ReadWrite)
            RandomAccess.FlushToDisk handle

        for inner in Directory.GetDirectories(directory, "*", SearchOption.AllDirectories) do
            Posix.syncDirectory inner

        Posix.syncDirectory directory

    /// Undoes what an interrupted replace left: half-written directories go; an old directory that lost its name while
    /// the new one was about to get it comes back.
    let private clearLeftovers (target: string) : unit =
        let parent = AtomicFile.parentOf target
        let old = setAside target

        if Directory.Exists old then
            if Directory.Exists target then
                Directory.Delete(old, recursive = true)
            else
                Directory.Move(old, target)

        for leftover in Directory.GetDirectories(parent, writingPrefix target + "*") do
            Directory.Delete(leftover, recursive = true)

    /// Lets `write` fill a new directory (its path is the argument), adds manifest.json, flushes everything to the disk and
    /// puts it in the place of `target`. When `write` raises, or the machine stops, the old content stays.
    let replace (target: string) (write: string -> unit) : unit =
        let target = fullPath target
        let parent = AtomicFile.parentOf target
        Directory.CreateDirectory parent |> ignore
        clearLeftovers target

        if File.Exists target then
            raise (
                CheckpointException $"wanted to write the directory {target}, found a file of that name; move it away"
            )

        let beside = Path.Combine(parent, $"{writingPrefix target}{Guid.NewGuid():N}")
        Directory.CreateDirectory beside |> ignore

        try
            write beside

            if File.Exists(Path.Combine(beside, Manifest)) then
                invalidOp
                    $"wanted {Manifest} to be left to AtomicDirectory.replace, found that it was written for {target}"

            writeManifest beside
            flush beside
        with _ ->
            Directory.Delete(beside, recursive = true)
            reraise ()

        let old = setAside target

        if Directory.Exists target then
            Directory.Move(target, old)

        Directory.Move(beside, target)
        Posix.syncDirectory parent

        if Directory.Exists old then
            Directory.Delete(old, recursive = true)

    /// Where the directory is to be read: `target`, or, when a writer was stopped between its two renames, the place of
    /// the last whole content. None when there is neither.
    let tryLocate (target: string) : string option =
        let target = fullPath target

        if Directory.Exists target then Some target
        elif Directory.Exists(setAside target) then Some(setAside target)
        else None

    let private readManifest (directory: string) : (string * int64 * string) list =
        let path = Path.Combine(directory, Manifest)

        if not (File.Exists path) then
            raise (
                CheckpointException
                    $"wanted {Manifest} in {directory}, found none: this is no checkpoint, or its writing was stopped; take another one"
            )

        try
            use document = JsonDocument.Parse(File.ReadAllBytes path)
            let version = document.RootElement.GetProperty("version").GetInt32()

            if version <> FormatVersion then
                raise (
                    CheckpointException
                        $"wanted version {FormatVersion} of the manifest, found {version} in {path}; use the program that wrote it"
                )

            [
                for file in document.RootElement.GetProperty("files").EnumerateObject() ->
                    file.Name,
                    file.Value.GetProperty("size").GetInt64(),
                    string (file.Value.GetProperty("sha256").GetString())
            ]
        with
        | :? JsonException
        | :? KeyNotFoundException
        | :? InvalidOperationException
        | :? FormatException as error ->
            raise (
                CheckpointException(
                    $"wanted a version and a list of files with sizes and hashes, found something else in {path}: take another checkpoint",
                    error
                )
            )

    /// Checks every file of the manifest by size and SHA-256 and gives the directory to read from (see tryLocate). Files
    /// that the manifest does not name are left out of account. Anything missing or changed: CheckpointException.
    let verify (target: string) : string =
        let directory =
            match tryLocate target with
            | Some directory -> directory
            | None -> raise (CheckpointException $"wanted the directory {target}, found nothing there; check the path")

        for name, size, hash in readManifest directory do
            let path = Path.GetFullPath(Path.Combine(directory, name))

            if not (path.StartsWith(directory + string Path.DirectorySeparatorChar, StringComparison.Ordinal)) then
                raise (CheckpointException $"wanted files inside {directory}, found {name} in its {Manifest}")

            if not (File.Exists path) then
                raise (CheckpointException $"wanted {name} in {directory}, found no such file; take another checkpoint")

            let found = FileInfo(path).Length

            if found <> size then
                raise (
                    CheckpointException
                        $"wanted {size} bytes, found {found} in {path}: it changed after it was written; take another checkpoint"
                )

            if sha256 path <> hash.ToLower CultureInfo.InvariantCulture then
                raise (
                    CheckpointException
                        $"wanted the content that {Manifest} lists, found another SHA-256 of {path}: it changed after it was written; \
                         take another checkpoint"
                )

        directory
