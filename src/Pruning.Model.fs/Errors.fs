namespace Pruning.Model

open System

/// A file of weights or a checkpoint that is missing, damaged, or not what this program can use. Exit code 7.
type CheckpointException(message: string, inner: exn | null) =
    inherit Exception(message, inner)
    /// With a message alone.
    new(message: string) = CheckpointException(message, null)

/// A run that cannot go on: a loss or a score that is no number, or data that nothing can be learned from. Exit code 1.
type TrainingException(message: string, inner: exn | null) =
    inherit Exception(message, inner)
    /// With a message alone.
    new(message: string) = TrainingException(message, null)
