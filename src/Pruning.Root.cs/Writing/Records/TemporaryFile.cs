using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Pruning.Root.Errors;
using Pruning.Shared;

namespace Pruning.Root.Writing.Records;

/// <summary>
/// A file under a temporary name in the directory of its final name. Disposing it without <see cref="Publish"/> deletes it.
/// Every disk error becomes a <see cref="RootWriteException"/>.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly string _path;
    private readonly Action<long>? _beforeWrite;
    private readonly SafeFileHandle _handle;
    private bool _published;

    private TemporaryFile(string path, string temporaryPath, SafeFileHandle handle, Action<long>? beforeWrite)
    {
        _path = path;
        _handle = handle;
        _beforeWrite = beforeWrite;
        TemporaryPath = temporaryPath;
    }

    /// <summary>The name until the file is complete.</summary>
    public string TemporaryPath { get; }

    /// <summary>Bytes so far; the next record begins here.</summary>
    public long Length { get; private set; }

    public static TemporaryFile Create(string path, Action<long>? beforeWrite)
    {
        if (path.Length == 0 || Directory.Exists(path) || Path.GetFileName(path).Length == 0)
            throw path.Length == 0
                ? new RootWriteException("the path is empty", path, "Give the path of a file.")
                : new RootWriteException("it is a directory", path, "Name a file in it.");
        string temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{Random.Shared.Next():x8}.tmp");
        try
        {
            SafeFileHandle handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
            return new TemporaryFile(path, temporary, handle, beforeWrite);
        }
        catch (Exception e) when (IsDisk(e))
        {
            throw Failed(path, e);
        }
    }

    /// <summary>Adds bytes at the end.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        WriteAt(Length, bytes);
        Length += bytes.Length;
    }

    /// <summary>Overwrites bytes, or adds them where the file ends.</summary>
    public void WriteAt(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            _beforeWrite?.Invoke(Length);
            RandomAccess.Write(_handle, bytes, offset);
        }
        catch (Exception e) when (IsDisk(e))
        {
            throw Failed(_path, e);
        }
    }

    /// <summary>Leaves a hole after the last byte, so that tests can make large files that need no disk space.</summary>
    public void Skip(long bytes) => Length += bytes;

    /// <summary>Waits until everything is on the disk.</summary>
    public void Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(_handle);
        }
        catch (Exception e) when (IsDisk(e))
        {
            throw Failed(_path, e);
        }
    }

    /// <summary>Renames the complete file to its final name in one step, and waits until the name is on the disk.</summary>
    public void Publish()
    {
        Flush();
        _handle.Dispose();
        try
        {
            AtomicFile.Publish(TemporaryPath, _path);
            _published = true;
        }
        catch (Exception e) when (IsDisk(e))
        {
            throw Failed(_path, e);
        }
    }

    public void Dispose()
    {
        _handle.Dispose();
        if (_published)
            return;
        try
        {
            File.Delete(TemporaryPath);
        }
        catch (Exception e) when (IsDisk(e))
        {
            // The error that led here is reported instead.
        }
    }

    private static bool IsDisk(Exception e) => e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    private static RootWriteException Failed(string path, Exception e)
    {
        const int noSpace = 28;
        const int windowsDiskFull = unchecked((int)0x80070070);
        (string problem, string? advice) = e switch
        {
            DirectoryNotFoundException => ("there is no such directory", "Create it first."),
            UnauthorizedAccessException => ("access to the directory or file is denied", "Check its permissions."),
            IOException when e.HResult is noSpace or windowsDiskFull => ("the disk is full", "Free some space, or write elsewhere."),
            _ => (e.Message.TrimEnd('.'), (string?)null),
        };
        return new RootWriteException(problem, path, advice, e);
    }
}
