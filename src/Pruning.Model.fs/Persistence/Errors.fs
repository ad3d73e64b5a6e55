namespace Pruning.Model.Persistence

open System

/// A model file, checkpoint or run directory cannot be used (exit code 7).
type CheckpointException(message: string, inner: exn | null) =
    inherit Exception(message, inner)
    new(message: string) = CheckpointException(message, null)

/// A training run cannot go on (exit code 1).
type TrainingException(message: string) =
    inherit Exception(message)
