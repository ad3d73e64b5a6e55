namespace Pruning.Cli.Tune

open System
open System.ComponentModel
open System.Globalization
open System.IO
open System.Runtime.InteropServices
open System.Text
open System.Threading

/// System calls for appending; .NET's own files seek to the end instead, which is not safe beside other writers.
module private Append =

    [<DllImport("libc", EntryPoint = "open", SetLastError = true)>]
    extern int private openPath([<MarshalAs(UnmanagedType.LPUTF8Str)>] string path, int flags)

    [<DllImport("libc", EntryPoint = "write", SetLastError = true)>]
    extern nativeint private writeBytes(int descriptor, byte[] bytes, nativeint count)

    [<DllImport("libc", EntryPoint = "fsync", SetLastError = true)>]
    extern int private sync(int descriptor)

    [<DllImport("libc", EntryPoint = "close")>]
    extern int private closeDescriptor(int descriptor)

    let private fail (path: string) (what: string) : 'a =
        let reason = Win32Exception(Marshal.GetLastPInvokeError()).Message
        raise (IOException $"cannot {what} the log {path}: {reason}")

    /// Appends bytes to a file that is there, in one write, and waits until they are on the disk.
    let bytes (path: string) (content: byte[]) : unit =
        let appending = if OperatingSystem.IsMacOS() then 0x8 else 0x400 // O_APPEND
        let descriptor = openPath (path, 0x1 ||| appending) // O_WRONLY

        if descriptor < 0 then
            fail path "open"

        try
            let written = writeBytes (descriptor, content, nativeint content.Length)

            if written < 0n then
                fail path "write to"

            if written <> nativeint content.Length then
                raise (IOException $"wrote {written} of {content.Length} bytes to the log {path}; is the disk full?")

            if sync descriptor <> 0 then
                fail path "flush"
        finally
            closeDescriptor descriptor |> ignore

/// A log on a disk that several processes of several machines may share. Lines are appended in one write each and are on
/// the disk when the call returns. Reading and adding happen under a lock where the file system has one (NFS appends are not
/// atomic without); where it has none, the order of the lines alone still decides.
[<Sealed>]
type EventLogFile(path: string, clock: TimeProvider) =

    let gate = obj ()

    let read () : string =
        use stream =
            new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite ||| FileShare.Delete)

        use reader = new StreamReader(stream, UTF8Encoding false)
        reader.ReadToEnd()

    /// An advisory lock on the first byte of a file beside the log; the system takes it from a process that dies. Closing
    /// any handle of a locked file frees the lock: hence a file that nothing else opens.
    let withLock (action: unit -> 'T) : 'T =
        use stream =
            new FileStream(
                path + ".lock",
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.ReadWrite ||| FileShare.Delete
            )

        let rec enter (attempt: int) : bool =
            try
                stream.Lock(0L, 1L)
                true
            with
            | :? PlatformNotSupportedException -> false
            | :? IOException when attempt < 500 ->
                Thread.Sleep(10 + attempt % 17)
                enter (attempt + 1)
            | :? IOException -> false

        let locked = enter 0

        try
            action ()
        finally
            if locked then
                stream.Unlock(0L, 1L)

    let add (text: string) (events: StudyEvent list) : unit =
        let time =
            clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)

        let lines = events |> List.map (EventLog.toLine time)
        Append.bytes path (Encoding.UTF8.GetBytes(EventLog.addition text lines))

    /// The events by now.
    member _.Read() : StudyEvent list = lock gate (fun () -> EventLog.parse (read ()))

    /// Adds lines.
    member _.Add(events: StudyEvent list) : unit = lock gate (fun () -> withLock (fun () -> add (read ()) events))

    /// Adds what `decide` makes of the events so far, and gives back the events afterwards: others' lines may have come between.
    member _.Update(decide: StudyEvent list -> StudyEvent list) : StudyEvent list =
        lock gate (fun () ->
            withLock (fun () ->
                let text = read ()
                let events = EventLog.parse text

                match decide events with
                | [] -> events
                | additions ->
                    add text additions
                    EventLog.parse (read ())))
