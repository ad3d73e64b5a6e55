using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pruning.Native.Errors;
using Pruning.Native.Posix;
using Pruning.Shared;

namespace Pruning.Native.Torch;

/// <summary>A library whose unmet symbol versions were made weak.</summary>
/// <param name="Bytes">The whole file.</param>
/// <param name="Weakened">The versions that the machine lacks, as <c>GLIBCXX_3.4.32</c>.</param>
/// <param name="FileName">Name for a cache: the library's name and a hash of the original and the versions.</param>
internal sealed record PatchedLibrary(byte[] Bytes, IReadOnlyList<string> Weakened, string FileName);

/// <summary>
/// TorchSharp's native part was linked with a newer libstdc++ than Debian 12, Ubuntu 22.04 or EL 9 have. The loader
/// then refuses it for the sake of a symbol version whose only symbol is a marker that nothing calls. In a copy of the
/// file that version is flagged weak, which the loader accepts; everything that is really called is still bound to the
/// version it wants.
/// </summary>
internal static class ShimPatcher
{
    /// <summary>Flags as weak what <paramref name="provided"/> lacks; null when nothing is lacking.</summary>
    /// <param name="original">The library's bytes; they are not changed.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="provided">Versions that a library (by soname) defines here, or null when it was not found.</param>
    /// <exception cref="DeviceException">The library is malformed, or a lacking version has a symbol that is really used.</exception>
    public static PatchedLibrary? Weaken(ReadOnlySpan<byte> original, string path, Func<string, IReadOnlySet<string>?> provided)
    {
        ElfVersions versions = ElfVersions.Decode(original, path);
        ElfNeed[] lacking =
        [
            .. from need in versions.Needs
               where !need.Weak && provided(need.Library) is { } found && !found.Contains(need.Version)
               select need,
        ];
        if (lacking.Length == 0)
            return null;

        foreach (ElfNeed need in lacking)
        {
            if (versions.RelocatedSymbols[need.Index].FirstOrDefault() is { } symbol)
            {
                throw new DeviceException(
                    $"{path} calls {symbol} of {need.Library} version {need.Version}, which this machine's {need.Library} does not have"
                    + $" (newest: {Newest(provided(need.Library)!, need.Version)}). Use a system with a newer one,"
                    + " or put the directory of a newer copy (conda's libstdcxx-ng has one) first in LD_LIBRARY_PATH.");
            }
        }

        byte[] patched = original.ToArray();
        foreach (ElfNeed need in lacking)
        {
            Span<byte> flags = patched.AsSpan(need.FlagsOffset, sizeof(ushort));
            BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | ElfVersions.WeakFlag));
        }

        string[] weakened = [.. lacking.Select(need => need.Version)];
        string hash = Convert.ToHexStringLower(SHA256.HashData([.. original, .. Encoding.UTF8.GetBytes(string.Join(',', weakened))]))[..16];
        return new PatchedLibrary(patched, weakened, $"{Path.GetFileNameWithoutExtension(path)}-{hash}.so");
    }

    /// <summary>
    /// Writes a patched library under its name into a directory and gives its path. A file that is there already is
    /// kept when its bytes are the same, and replaced otherwise; readers never see half a file.
    /// </summary>
    public static string Store(PatchedLibrary library, string directory)
    {
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, library.FileName);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(library.Bytes))
            return path;
        string temporary = $"{path}.{Environment.ProcessId}.{Environment.TickCount64}";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(library.Bytes);
                stream.Flush(flushToDisk: true);
            }

            AtomicFile.Publish(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }

        return path;
    }

    /// <summary>The newest version of the same family (<c>GLIBCXX_</c>) among those provided.</summary>
    internal static string Newest(IEnumerable<string> provided, string like)
    {
        string family = like[..(like.LastIndexOf('_') + 1)];
        return provided
            .Where(version => version.StartsWith(family, StringComparison.Ordinal) && Version.TryParse(version[family.Length..], out _))
            .MaxBy(version => Version.Parse(version[family.Length..])) ?? $"no {family}*";
    }
}
