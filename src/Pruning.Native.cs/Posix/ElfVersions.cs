using Pruning.Native.Errors;

namespace Pruning.Native.Posix;

/// <summary>One line of <c>.gnu.version_r</c>: a symbol version that a library wants from another one.</summary>
/// <param name="Library">Soname of the library that must provide it, as <c>libstdc++.so.6</c>.</param>
/// <param name="Version">Name of the version, as <c>GLIBCXX_3.4.32</c>.</param>
/// <param name="Index">vna_other: number by which symbols name this version.</param>
/// <param name="Weak">VER_FLG_WEAK: the loader accepts a library that lacks it.</param>
/// <param name="FlagsOffset">Byte of the file at which vna_flags stands.</param>
internal sealed record ElfNeed(string Library, string Version, int Index, bool Weak, int FlagsOffset);

/// <summary>
/// The symbol versions that a shared library wants and provides, read from its dynamic segment (section headers may be
/// stripped, so they are not used). 64-bit little-endian ELF only.
/// </summary>
/// <param name="SoName">DT_SONAME, empty when there is none.</param>
/// <param name="Needs">Versions wanted from other libraries.</param>
/// <param name="Provides">Names of the versions that the library defines.</param>
/// <param name="RelocatedSymbols">Names of the symbols that some relocation refers to, by version index.</param>
internal sealed record ElfVersions(
    string SoName,
    IReadOnlyList<ElfNeed> Needs,
    IReadOnlySet<string> Provides,
    ILookup<int, string> RelocatedSymbols)
{
    private const uint ProgramLoad = 1, ProgramDynamic = 2;
    private const ulong
        TagStringTable = 5, TagSymbolTable = 6, TagRela = 7, TagRelaSize = 8, TagSoName = 14, TagPltRela = 23,
        TagPltRelaSize = 2, TagVersionOfSymbol = 0x6ffffff0, TagVersionDefinitions = 0x6ffffffc,
        TagVersionDefinitionCount = 0x6ffffffd, TagVersionNeeds = 0x6ffffffe, TagVersionNeedCount = 0x6fffffff;

    /// <summary>VER_FLG_WEAK in vna_flags.</summary>
    public const ushort WeakFlag = 2;

    /// <summary>Reads the tables of a whole file.</summary>
    /// <exception cref="DeviceException">Not a 64-bit little-endian ELF file, truncated, or with offsets outside the file.</exception>
    public static ElfVersions Decode(ReadOnlySpan<byte> bytes, string path)
    {
        var elf = new ElfReader(bytes, path);
        if (elf.UInt32(0) != 0x464c457f)
            throw elf.Malformed("it does not start with the ELF signature");
        if (elf.UInt16(4) != 0x0102)
            throw elf.Malformed("it is not 64-bit little-endian");

        List<Segment> loads = [];
        Segment? dynamic = null;
        ulong table = elf.UInt64(32);
        ushort entryBytes = elf.UInt16(54), entries = elf.UInt16(56);
        for (ulong i = 0; i < entries; i++)
        {
            ulong at = table + (i * entryBytes);
            var segment = new Segment(elf.UInt64(at + 16), elf.UInt64(at + 8), elf.UInt64(at + 32));
            if (elf.UInt32(at) == ProgramLoad)
                loads.Add(segment);
            else if (elf.UInt32(at) == ProgramDynamic)
                dynamic = segment;
        }

        if (dynamic is null)
            throw elf.Malformed("it has no dynamic segment");

        Dictionary<ulong, ulong> tags = [];
        for (ulong at = dynamic.Offset; at + 16 <= dynamic.Offset + dynamic.Bytes && elf.UInt64(at) != 0; at += 16)
            tags[elf.UInt64(at)] = elf.UInt64(at + 8);

        ulong strings = OffsetOf(elf, loads, tags, TagStringTable);
        return new ElfVersions(
            tags.TryGetValue(TagSoName, out ulong name) ? elf.Text(strings + name) : "",
            DecodeNeeds(elf, loads, tags, strings),
            DecodeDefinitions(elf, loads, tags, strings),
            DecodeRelocations(elf, loads, tags, strings));
    }

    private static List<ElfNeed> DecodeNeeds(ElfReader elf, List<Segment> loads, Dictionary<ulong, ulong> tags, ulong strings)
    {
        List<ElfNeed> needs = [];
        if (!tags.ContainsKey(TagVersionNeeds))
            return needs;
        ulong at = OffsetOf(elf, loads, tags, TagVersionNeeds);
        for (ulong left = tags.GetValueOrDefault(TagVersionNeedCount); left > 0; left--)
        {
            string library = elf.Text(strings + elf.UInt32(at + 4));
            ulong one = at + elf.UInt32(at + 8);
            for (ushort count = elf.UInt16(at + 2); count > 0; count--)
            {
                string version = elf.Text(strings + elf.UInt32(one + 8));
                bool weak = (elf.UInt16(one + 4) & WeakFlag) != 0;
                needs.Add(new ElfNeed(library, version, elf.UInt16(one + 6), weak, (int)(one + 4)));
                if (elf.UInt32(one + 12) is var nextOne and not 0)
                    one += nextOne;
                else
                    break;
            }

            if (elf.UInt32(at + 12) is var next and not 0)
                at += next;
            else
                break;
        }

        return needs;
    }

    private static HashSet<string> DecodeDefinitions(ElfReader elf, List<Segment> loads, Dictionary<ulong, ulong> tags, ulong strings)
    {
        HashSet<string> provides = [];
        if (!tags.ContainsKey(TagVersionDefinitions))
            return provides;
        ulong at = OffsetOf(elf, loads, tags, TagVersionDefinitions);
        for (ulong left = tags.GetValueOrDefault(TagVersionDefinitionCount); left > 0; left--)
        {
            // The first auxiliary entry names the version, the rest name its parents.
            provides.Add(elf.Text(strings + elf.UInt32(at + elf.UInt32(at + 12))));
            if (elf.UInt32(at + 16) is var next and not 0)
                at += next;
            else
                break;
        }

        return provides;
    }

    /// <summary>
    /// The loader looks a symbol up only when a relocation refers to it, so these are the symbols whose version matters.
    /// </summary>
    private static ILookup<int, string> DecodeRelocations(ElfReader elf, List<Segment> loads, Dictionary<ulong, ulong> tags, ulong strings)
    {
        HashSet<(int Version, string Symbol)> found = [];
        if (tags.ContainsKey(TagVersionOfSymbol) && tags.ContainsKey(TagSymbolTable))
        {
            ulong versions = OffsetOf(elf, loads, tags, TagVersionOfSymbol);
            ulong symbols = OffsetOf(elf, loads, tags, TagSymbolTable);
            foreach ((ulong tag, ulong sizeTag) in new[] { (TagRela, TagRelaSize), (TagPltRela, TagPltRelaSize) })
            {
                ulong bytes = tags.GetValueOrDefault(sizeTag);
                if (bytes == 0 || !tags.ContainsKey(tag))
                    continue;
                ulong start = OffsetOf(elf, loads, tags, tag);
                for (ulong at = start; at < start + bytes; at += 24)
                {
                    ulong symbol = elf.UInt64(at + 8) >> 32;
                    if (symbol != 0)
                        found.Add((elf.UInt16(versions + (2 * symbol)) & 0x7fff, elf.Text(strings + elf.UInt32(symbols + (24 * symbol)))));
                }
            }
        }

        return found.ToLookup(x => x.Version, x => x.Symbol);
    }

    /// <summary>Tables are named by address; a loadable segment says where in the file that address is.</summary>
    private static ulong OffsetOf(ElfReader elf, List<Segment> loads, Dictionary<ulong, ulong> tags, ulong tag)
    {
        if (!tags.TryGetValue(tag, out ulong address))
            throw elf.Malformed($"its dynamic segment lacks tag 0x{tag:x}");
        foreach (Segment load in loads)
        {
            if (address >= load.Address && address - load.Address < load.Bytes)
                return load.Offset + (address - load.Address);
        }

        throw elf.Malformed($"address 0x{address:x} of tag 0x{tag:x} is in no segment of the file");
    }

    private sealed record Segment(ulong Address, ulong Offset, ulong Bytes);
}
