namespace Pruning.Native.Errors;

/// <summary>
/// A device or a native library is missing or does not fit. The message is one sentence for the user: what was wanted,
/// what was found, where, and what to do next. Programs exit with code 5.
/// </summary>
public sealed class DeviceException : Exception
{
    /// <summary>A message without a cause.</summary>
    public DeviceException(string message)
        : base(message)
    {
    }

    /// <summary>A message with the exception that led to it.</summary>
    public DeviceException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
