using Microsoft.Win32.SafeHandles;
using Pruning.Root.Errors;

namespace Pruning.Root.Sources;

/// <summary>
/// Positioned reads of one file. There is no shared position, so any number of threads may read at once. Files are not
/// memory-mapped, because a mapped file that shrinks kills the process; here it is an error.
/// </summary>
internal sealed class FileSource : IDisposable
{
    private readonly SafeFileHandle _handle;

    private FileSource(string path, SafeFileHandle handle, long length)
    {
        Path = path;
        _handle = handle;
        Length = length;
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>Bytes in the file when it was opened.</summary>
    public long Length { get; }

    public static FileSource Open(string path)
    {
        try
        {
            SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new FileSource(path, handle, RandomAccess.GetLength(handle));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Unreadable(path, e);
        }
    }

    private static RootFormatException Unreadable(string path, Exception e)
    {
        (string problem, string? advice) = e switch
        {
            _ when string.IsNullOrWhiteSpace(path) => ("the path is empty", "Give the path of a ROOT file."),
            _ when Directory.Exists(path) => ("it is a directory", "Name a ROOT file in it."),
            FileNotFoundException or DirectoryNotFoundException => ("there is no such file", "Check the path."),
            UnauthorizedAccessException => ("access is denied", "Check the permissions of the file."),
            _ => ($"it cannot be opened: {e.Message.TrimEnd('.')}", (string?)null),
        };
        return new RootFormatException(RootErrorKind.Io, problem, new RootLocation(path), advice, e);
    }

    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/>.</summary>
    /// <exception cref="RootFormatException">The file ends before, or the disk fails.</exception>
    public void Read(long offset, Span<byte> destination, RootLocation at)
    {
        if (offset < 0 || offset > Length - destination.Length)
        {
            throw new RootFormatException(
                RootErrorKind.Truncated,
                $"needed {destination.Length} bytes at byte {offset} but the file has {Length}",
                at with { Byte = offset });
        }
        int done = 0;
        while (done < destination.Length)
        {
            int got = ReadSome(offset + done, destination[done..], at);
            if (got == 0)
            {
                throw new RootFormatException(
                    RootErrorKind.Truncated,
                    $"the file shrank while it was read: it had {Length} bytes and now ends before byte {offset + destination.Length}",
                    at with { Byte = offset + done });
            }
            done += got;
        }
    }

    private int ReadSome(long offset, Span<byte> destination, RootLocation at)
    {
        try
        {
            return RandomAccess.Read(_handle, destination, offset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RootFormatException(RootErrorKind.Io, $"the disk fails: {e.Message.TrimEnd('.')}", at with { Byte = offset },
                inner: e);
        }
    }

    public void Dispose() => _handle.Dispose();
}
