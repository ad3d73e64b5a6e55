using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Pruning.Shared;

/// <summary>
/// The end of every file that is there whole or not at all. This source is compiled into each library that writes files:
/// the ROOT library refers to no other project.
/// </summary>
internal static partial class AtomicFile
{
    private const int ReadOnly = 0; // O_RDONLY
    private const int InvalidArgument = 22; // EINVAL: this file system does not sync directories

    /// <summary>
    /// Gives a complete file, which is on the disk, its final name in one step, in place of a file that has it, and waits until
    /// the name is on the disk.
    /// </summary>
    /// <param name="temporary">Where the file is now: in the directory of <paramref name="path"/>.</param>
    /// <param name="path">Its final name.</param>
    /// <exception cref="IOException">The file system refused.</exception>
    public static void Publish(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Waits until the names in a directory are on the disk. Windows does this by itself.</summary>
    /// <exception cref="IOException">The directory cannot be opened or flushed.</exception>
    public static void SyncDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = Open(directory, ReadOnly);
        if (descriptor < 0)
            throw new IOException($"cannot open the directory {directory} to flush it to the disk: {LastError().Message}");
        try
        {
            if (Sync(descriptor) != 0 && LastError() is { NativeErrorCode: not InvalidArgument } error)
                throw new IOException($"cannot flush the directory {directory} to the disk: {error.Message}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static Win32Exception LastError() => new(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
