using System.Globalization;

namespace Pruning.Native.Mpi;

/// <summary>
/// A process that a rank runs in, recognised again by the time of its start: numbers of processes are used again.
/// Only processes of the same machine can be looked at.
/// </summary>
/// <param name="Machine">Host name and boot: the same name after a reboot, or in two containers, is another machine.</param>
/// <param name="Id">Number of the process.</param>
/// <param name="Started">Clock ticks after the boot, field 22 of <c>/proc/ID/stat</c>; 0 where it cannot be read.</param>
public readonly record struct PeerProcess(string Machine, int Id, long Started)
{
    /// <summary>This process.</summary>
    public static PeerProcess Current() =>
        new(MachineName(), Environment.ProcessId, TryRead(Environment.ProcessId, out long started) ? started : 0);

    /// <summary>One line that <see cref="Parse"/> reads.</summary>
    public string ToRecord() => string.Create(CultureInfo.InvariantCulture, $"{Id} {Started} {Machine}");

    /// <summary>The process of a line of <see cref="ToRecord"/>.</summary>
    public static PeerProcess Parse(string record)
    {
        string[] parts = record.Split(' ', 3);
        return parts.Length == 3
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long started)
                ? new PeerProcess(parts[2], id, started)
                : throw new FormatException($"wanted number, start and machine of a process, found '{record}'.");
    }

    /// <summary>True when the process was on this machine and has ended; false when it runs or nobody here can tell.</summary>
    public bool HasEnded(in PeerProcess observer) =>
        Started != 0 && observer.Machine == Machine && (!TryRead(Id, out long started) || started != Started);

    private static string MachineName()
    {
        const string BootId = "/proc/sys/kernel/random/boot_id";
        const string Pids = "/proc/self/ns/pid";
        string boot = File.Exists(BootId) ? File.ReadAllText(BootId).Trim() : "";
        string space = new FileInfo(Pids).LinkTarget ?? "";
        return $"{Environment.MachineName} {boot} {space}".TrimEnd();
    }

    // A dead child that nobody waited for is still listed, in state Z (or X while it goes): it counts as ended.
    private static bool TryRead(int id, out long started)
    {
        started = 0;
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            // The name in parentheses may hold anything: fields are counted from the last parenthesis, which ends field 2.
            string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return fields.Length > 19
                && fields[0] is not ("Z" or "X")
                && long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out started);
        }
        catch (IOException)
        {
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
