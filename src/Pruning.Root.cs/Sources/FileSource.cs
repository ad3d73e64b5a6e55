using Microsoft.Win32.SafeHandles;
using Pruning.Root.Errors;

namespace Pruning.Root.Sources;

/// <summary>
/// Positioned reads of one file: no shared position, so any number of threads may read at once. Never memory-mapped:
/// a file that shrinks under a mapping kills the process, here it is an error.
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
            throw new RootFormatException(RootErrorKind.Io, Explain(path, e), new RootLocation(path), e);
        }
    }

    private static string Explain(string path, Exception e) => e switch
    {
        _ when string.IsNullOrWhiteSpace(path) => "wanted the path of a ROOT file but found an empty text; give the path",
        _ when Directory.Exists(path) => "wanted a ROOT file but found a directory",
        FileNotFoundException or DirectoryNotFoundException => "there is no such file; check the path",
        UnauthorizedAccessException => "the file may not be read; check its permissions",
        _ => $"the file cannot be opened: {e.Message}",
    };

    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/>.</summary>
    /// <exception cref="RootFormatException">The file ends before, or the disk fails.</exception>
    public void Read(long offset, Span<byte> destination, RootLocation at)
    {
        if (offset < 0 || offset > Length - destination.Length)
        {
            throw new RootFormatException(
                RootErrorKind.Truncated,
                $"needed {destination.Length} bytes at byte {offset} but the file has {Length}; copy it again",
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
            throw new RootFormatException(RootErrorKind.Io, $"the file cannot be read: {e.Message}", at with { Byte = offset }, e);
        }
    }

    public void Dispose() => _handle.Dispose();
}
