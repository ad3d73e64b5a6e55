namespace Pruning.Model.Persistence

open System
open System.ComponentModel
open System.IO
open System.Runtime.InteropServices

/// The few system calls on directories that .NET does not offer. Linux and macOS names and numbers are the same for these.
module internal Posix =

    [<DllImport("libc", EntryPoint = "mkdir", SetLastError = true)>]
    extern int private makeDirectory([<MarshalAs(UnmanagedType.LPUTF8Str)>] string path, uint32 mode)

    [<DllImport("libc", EntryPoint = "rename", SetLastError = true)>]
    extern int private renamePath(
        [<MarshalAs(UnmanagedType.LPUTF8Str)>] string source,
        [<MarshalAs(UnmanagedType.LPUTF8Str)>] string target
    )

    [<Literal>]
    let private NotAllowed = 13 // EACCES

    [<Literal>]
    let private AlreadyExists = 17 // EEXIST

    [<Literal>]
    let private ReadOnly = 30 // EROFS

    /// Waits until the names in a directory are on the disk.
    let syncDirectory (path: string) : unit = Pruning.Shared.AtomicFile.SyncDirectory path

    /// Makes one directory; false when something of that name is there already. One of two racing callers gets true.
    let tryMakeDirectory (path: string) : bool =
        if makeDirectory (path, 0o777u) = 0 then
            true
        else
            let error = Marshal.GetLastPInvokeError()

            let refusal () = $"cannot make the directory {path}: {Win32Exception(error).Message}"

            match error with
            | AlreadyExists -> false
            | NotAllowed
            | ReadOnly -> raise (UnauthorizedAccessException(refusal ()))
            | _ -> raise (IOException(refusal ()))

    /// Gives a file, directory or link another name, in place of a file or link that has it: what .NET does not do for links to
    /// directories.
    let rename (source: string) (target: string) : unit =
        if renamePath (source, target) <> 0 then
            let reason = Win32Exception(Marshal.GetLastPInvokeError()).Message
            raise (IOException $"cannot rename {source} to {target}: {reason}")

/// Files that are there whole or not at all, whatever happens meanwhile.
[<RequireQualifiedAccess>]
module AtomicFile =

    /// The directory that holds a file or directory of this path.
    let internal parentOf (path: string) : string =
        match Path.GetDirectoryName(Path.GetFullPath path) with
        | null -> invalidArg (nameof path) $"wanted the path of a file inside a directory, found {path}"
        | parent -> parent

    /// Lets `write` fill a new file beside `path`, waits until it is on the disk, then gives it the name `path` in one
    /// step, in place of a file that was there. When `write` raises, nothing is left and the old file stays.
    let write (path: string) (write: Stream -> unit) : unit =
        let parent = parentOf path
        Directory.CreateDirectory parent |> ignore
        let name = Path.GetFileName(Path.GetFullPath path)
        let beside = Path.Combine(parent, $".{name}.writing-{Guid.NewGuid():N}")

        try
            using
                (new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 <<< 16))
                (fun stream ->
                    write stream
                    stream.Flush(flushToDisk = true))

            Pruning.Shared.AtomicFile.Publish(beside, path)
        with _ ->
            File.Delete beside
            reraise ()

    /// Removes what writers that were stopped left beside their targets in a directory. Nobody may be writing there.
    let removeLeftovers (directory: string) : unit =
        for path in Directory.GetFiles(directory, ".*.writing-*") do
            File.Delete path

        for path in Directory.GetDirectories(directory, ".*.writing-*") do
            Directory.Delete(path, recursive = true)

    /// Makes a symbolic link, or lets it point elsewhere, in one step.
    let link (path: string) (target: string) : unit =
        let beside = Path.Combine(parentOf path, $".{Path.GetFileName path}.writing-{Guid.NewGuid():N}")

        File.CreateSymbolicLink(beside, target) |> ignore

        try
            Posix.rename beside path
        with _ ->
            File.Delete beside
            reraise ()

    /// The same for text, as UTF-8.
    let writeText (path: string) (text: string) : unit =
        write path (fun stream -> stream.Write(Text.Encoding.UTF8.GetBytes text))
