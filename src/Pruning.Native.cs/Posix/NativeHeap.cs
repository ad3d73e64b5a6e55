using System.Runtime.InteropServices;

namespace Pruning.Native.Posix;

/// <summary>The heap that libtorch's tensors come from.</summary>
public static partial class NativeHeap
{
    private static bool _canTrim = true;

    /// <summary>
    /// Gives the pages of freed memory between live pieces back to the system. They are zeroed when they are used again, which
    /// takes a quarter of a second a gigabyte. Does nothing where the C library is not glibc.
    /// </summary>
    public static void Trim()
    {
        if (!_canTrim)
            return;
        try
        {
            _ = TrimAll(0);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            _canTrim = false;
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimAll(nuint left);
}
