namespace Pruning.Cli.Framework

open System
open System.IO
open Pruning.Data.Errors
open Pruning.Model.Persistence
open Pruning.Native.Errors
open Pruning.Native.Mpi

/// What the process says to scripts.
[<RequireQualifiedAccess>]
module ExitCode =

    let ok = 0

    /// The run itself failed: NaN, no memory, a full disk, a place that may not be written.
    let failed = 1

    /// The command line is wrong.
    let usage = 2

    /// The input does not fit.
    let data = 4

    /// A device or a library is not there.
    let device = 5

    /// Another rank of the run was lost.
    let peer = 6

    /// A model or checkpoint cannot be used.
    let checkpoint = 7

    /// Saved after SIGTERM or SIGUSR1, to be resumed.
    let saved = 85

    /// Ctrl-C.
    let interrupted = 130

/// What becomes of an exception: a sentence and an exit code.
[<RequireQualifiedAccess>]
module Failures =

    /// Wrappers say nothing: the cause does.
    let rec private cause (error: exn) : exn =
        match error with
        | :? AggregateException as many when many.InnerExceptions.Count > 0 -> cause many.InnerExceptions[0]
        | :? TypeInitializationException
        | :? Reflection.TargetInvocationException ->
            match error.InnerException with
            | null -> error
            | inner -> cause inner
        | _ -> error

    /// Several lines of a foreign message in one.
    let private oneLine (text: string) =
        text.Split([| '\r'; '\n' |], StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries)
        |> Array.tryHead
        |> Option.defaultValue "no message"

    /// A sentence ends with a full stop, whoever wrote it.
    let private stopped (text: string) = if text.EndsWith '.' || text.EndsWith '?' then text else text + "."

    /// ENOSPC or EDQUOT: a disk, or what a user may have of it, is full. .NET hands the number of the system on.
    let private isFull (error: IOException) = error.HResult = 28 || error.HResult = 122

    let private explain (error: exn) : int * string =
        match error with
        | :? UsageException as error -> ExitCode.usage, error.Message
        | :? OperationCanceledException -> ExitCode.interrupted, "interrupted."
        | error when DataException.Covers error -> ExitCode.data, error.Message
        | :? DeviceException as error -> ExitCode.device, error.Message
        | :? PeerException as error -> ExitCode.peer, error.Message
        | :? CheckpointException as error -> ExitCode.checkpoint, error.Message
        | :? TrainingException as error -> ExitCode.failed, error.Message
        | :? FileNotFoundException
        | :? DirectoryNotFoundException as error -> ExitCode.data, error.Message
        | :? UnauthorizedAccessException as error ->
            ExitCode.failed,
            $"{(oneLine error.Message).TrimEnd '.'}: this user may not read or write there; change the permissions, or name another place."
        | :? IOException as error when isFull error ->
            ExitCode.failed,
            $"{(oneLine error.Message).TrimEnd '.'}: make room there, or name another place, and start again (a training goes on with \
             --resume); what was complete before is still there."
        | :? IOException as error -> ExitCode.failed, oneLine error.Message
        | :? OutOfMemoryException ->
            ExitCode.failed, "out of memory: use a smaller --batch-size, --hidden-dim or fewer --workers."
        | error ->
            ExitCode.failed,
            $"unexpected {error.GetType().Name}: {oneLine error.Message} This is a defect of the program; --verbose shows where."

    /// Exit code and sentence of an exception.
    let describe (error: exn) : int * string =
        let code, text = explain (cause error)
        code, stopped text
