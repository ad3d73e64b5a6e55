namespace Pruning.Native.Mpi;

/// <summary>
/// A rank of a distributed run was lost, or did not come to where the others wait for it. The message is one sentence
/// for the user. Programs exit with code 6.
/// </summary>
public sealed class PeerException : Exception
{
    /// <summary>A message without a cause.</summary>
    public PeerException(string message)
        : base(message)
    {
    }

    /// <summary>A message with the exception that led to it.</summary>
    public PeerException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
