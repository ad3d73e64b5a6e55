using System.Globalization;

namespace Pruning.Native.Host;

/// <summary>What the control groups of this process allow: containers and batch systems set less than the machine has.</summary>
/// <param name="Cores">CPU time a second, in cores, or null when it is not limited.</param>
/// <param name="MemoryBytes">Memory, or null when it is not limited.</param>
public sealed record CgroupLimits(double? Cores, long? MemoryBytes)
{
    // Version 1 says "unlimited" with a number near the largest one.
    private const long Unlimited = 1L << 60;

    /// <summary>Reads both versions of control groups; a limit of any parent holds for its children.</summary>
    /// <param name="root">Where control groups are mounted, <c>/sys/fs/cgroup</c>.</param>
    /// <param name="membership">Lines of <c>/proc/self/cgroup</c>: <c>hierarchy:controllers:path</c>.</param>
    internal static CgroupLimits Read(string root, IEnumerable<string> membership)
    {
        double? cores = null;
        long? memory = null;
        foreach (string[] fields in membership.Select(line => line.Split(':', 3)).Where(fields => fields.Length == 3))
        {
            string[] controllers = fields[1].Split(',');
            bool unified = fields[0] == "0" && fields[1].Length == 0;
            string mount = unified ? root : Path.Combine(root, fields[1]);
            foreach (string directory in WithParents(mount, fields[2]))
            {
                if (unified)
                {
                    cores = Least(cores, Ratio(Words(directory, "cpu.max")));
                    memory = Least(memory, Number(Words(directory, "memory.max").FirstOrDefault()));
                }
                else if (controllers.Contains("cpu"))
                {
                    cores = Least(cores, Ratio([.. Words(directory, "cpu.cfs_quota_us"), .. Words(directory, "cpu.cfs_period_us")]));
                }
                else if (controllers.Contains("memory"))
                {
                    memory = Least(memory, Number(Words(directory, "memory.limit_in_bytes").FirstOrDefault()));
                }
            }
        }

        return new CgroupLimits(cores, memory);
    }

    private static IEnumerable<string> WithParents(string mount, string path)
    {
        // Inside a container the path may be one of the host's, and only the mount itself is there.
        for (string inner = path.Trim('/'); inner.Length > 0; inner = Path.GetDirectoryName(inner) ?? "")
            yield return Path.Combine(mount, inner);
        yield return mount;
    }

    private static string[] Words(string directory, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, file)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static long? Number(string? word) =>
        long.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out long value) && value is > 0 and < Unlimited ? value
            : null;

    private static double? Ratio(string[] words) =>
        words.Length == 2 && Number(words[0]) is { } quota && Number(words[1]) is { } period ? (double)quota / period : null;

    private static T? Least<T>(T? one, T? other)
        where T : struct, IComparable<T> =>
        one is { } a && other is { } b ? (a.CompareTo(b) <= 0 ? a : b) : one ?? other;
}
