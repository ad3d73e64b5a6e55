namespace Pruning.Model.Logging

open System
open System.Globalization
open System.IO
open System.Threading
open Google.Protobuf
open Tensorboard

/// Writes one TensorBoard event file. Every event goes to the operating system in one write when it is made, so that a
/// running TensorBoard sees it at once and a crash of the program loses nothing. Safe from many threads.
[<Sealed>]
type TensorBoard private (path: string, stream: FileStream, clock: TimeProvider) =

    static let mutable filesOfProcess = -1

    /// Seconds since 1970, as float64.
    static let wallTime (clock: TimeProvider) : float =
        float (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks
        / float TimeSpan.TicksPerSecond

    let gate = obj ()

    let write (event: Event) : unit =
        event.WallTime <- wallTime clock
        let record = EventFile.frame (event.ToByteArray())
        lock gate (fun () -> stream.Write record)

    /// Starts a new event file in a directory, which is made if it is not there. The clock gives the wall times.
    static member Create(directory: string, ?clock: TimeProvider) : TensorBoard =
        let clock = defaultArg clock TimeProvider.System
        Directory.CreateDirectory directory |> ignore
        let seconds = (int64 (wallTime clock)).ToString("D10", CultureInfo.InvariantCulture)

        // The process id of a restarted container may come again within a second: then the next number is taken.
        let rec start () : string * FileStream =
            let number = Interlocked.Increment &filesOfProcess

            let name = $"events.out.tfevents.{seconds}.{Environment.MachineName}.{Environment.ProcessId}.{number}"

            let path = Path.Combine(directory, name)

            if File.Exists path then
                start ()
            else
                path,
                new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite ||| FileShare.Delete, 0)

        let path, stream = start ()
        let board = new TensorBoard(path, stream, clock)
        board.Write(Event(FileVersion = "brain.Event:2"))
        board

    member private _.Write(event: Event) : unit = write event

    /// The event file.
    member _.Path: string = path

    /// Values of one step, made by Summaries.
    member _.Values(step: int64, values: Summary.Types.Value seq) : unit =
        let summary = Summary()
        summary.Value.AddRange values

        if summary.Value.Count > 0 then
            write (Event(Step = step, Summary = summary))

    /// Named numbers of one step, such as "train/loss"; single precision in the file.
    member this.Scalars(step: int64, values: (string * float) seq) : unit =
        this.Values(step, values |> Seq.map (fun (tag, value) -> Summaries.scalar tag value))

    /// A text, shown as Markdown.
    member this.Text(step: int64, tag: string, text: string) : unit = this.Values(step, [ Summaries.text tag text ])

    /// Says that the run goes on after this step: what earlier files of the directory hold of later steps counts no more.
    member _.Restart(step: int64) : unit =
        let start = SessionLog(Status = SessionLog.Types.SessionStatus.Start)
        // TensorBoard drops what has the step of this event or a later one.
        write (Event(Step = step + 1L, SessionLog = start))

    /// The clock's time as events have it: seconds since 1970.
    member _.Now: float = wallTime clock

    /// Waits until everything written is on the disk.
    member _.Flush() : unit = lock gate (fun () -> stream.Flush(flushToDisk = true))

    interface IDisposable with
        member _.Dispose() = lock gate (fun () -> stream.Dispose())
