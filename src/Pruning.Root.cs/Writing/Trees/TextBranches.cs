using System.Buffers.Binary;
using System.Text;
using Pruning.Root.Writing.Records;

namespace Pruning.Root.Writing.Trees;

/// <summary>A branch with one text an entry (TLeafC), in UTF-8.</summary>
public sealed class TextBranch : BranchWriter
{
    internal TextBranch(TreeWriter tree, string name)
        : base(tree, name, new LeafShape("TLeafC", 'C', "", 1, 1, false), null, isJagged: true) => Largest = 1;

    /// <summary>The text of the current entry.</summary>
    public void Set(string text)
    {
        CheckText(text);
        CountedText.Write(text, Begin().Take(RootBufferWriter.StringBytes(text)));
        End();
    }

    /// <summary>Texts of many entries.</summary>
    public BranchData Values(IReadOnlyList<string> texts)
    {
        long[] starts = new long[texts.Count + 1];
        for (int i = 0; i < texts.Count; i++)
        {
            CheckText(texts[i]);
            starts[i + 1] = starts[i] + RootBufferWriter.StringBytes(texts[i]);
        }
        byte[] encoded = new byte[starts[^1]];
        for (int i = 0; i < texts.Count; i++)
            CountedText.Write(texts[i], encoded.AsSpan((int)starts[i]));
        return new EncodedData(this, encoded, starts);
    }

    /// <summary>Updates the length of the longest text, including the end byte that C++ needs.</summary>
    /// <param name="entryBytes">Bytes of an entry: the text and its length.</param>
    internal void Saw(int entryBytes) => Largest = Math.Max(Largest, entryBytes > 255 ? entryBytes - 4 : entryBytes);

    // The byte 0 ends a text in C++, so the rest would be lost.
    private void CheckText(string text)
    {
        if (text.Contains('\0'))
            throw new ArgumentException(
                $"Cannot write branch '{Name}': a text contains the character 0, which ends texts in ROOT. Leave it out.");
    }
}

/// <summary>A branch <c>vector&lt;string&gt;</c>: a list of texts an entry, in UTF-8.</summary>
public sealed class TextVectorBranch : BranchWriter
{
    internal TextVectorBranch(TreeWriter tree, string name)
        : base(tree, name, LeafShape.OfObjects, CollectionClass.VectorOf("string"), isJagged: true)
    {
    }

    /// <summary>Texts of the current entry.</summary>
    public void Set(IReadOnlyList<string> texts)
    {
        Encode(texts, 0, texts.Count, Begin().Take(BytesOf(texts, 0, texts.Count)));
        End();
    }

    /// <summary>Texts of many entries: entry e has the texts [offsets[e], offsets[e + 1]).</summary>
    /// <param name="offsets">[entries + 1]; need not begin with 0.</param>
    /// <param name="texts">The values that the offsets refer to.</param>
    public BranchData Lists(ReadOnlyMemory<long> offsets, IReadOnlyList<string> texts)
    {
        ReadOnlySpan<long> bounds = offsets.Span;
        long entries = BranchData.CheckOffsets(bounds, texts.Count, 1, Name);
        long[] starts = new long[entries + 1];
        for (int e = 0; e < entries; e++)
            starts[e + 1] = starts[e] + BytesOf(texts, (int)bounds[e], (int)bounds[e + 1]);
        byte[] encoded = new byte[starts[^1]];
        for (int e = 0; e < entries; e++)
            Encode(texts, (int)bounds[e], (int)bounds[e + 1], encoded.AsSpan((int)starts[e], (int)(starts[e + 1] - starts[e])));
        return new EncodedData(this, encoded, starts);
    }

    private static long BytesOf(IReadOnlyList<string> texts, int first, int end)
    {
        long bytes = VectorHeader.Bytes;
        for (int i = first; i < end; i++)
            bytes += RootBufferWriter.StringBytes(texts[i]);
        return bytes;
    }

    private static void Encode(IReadOnlyList<string> texts, int first, int end, Span<byte> entry)
    {
        VectorHeader.Write(entry, entry.Length, end - first);
        Span<byte> room = entry[VectorHeader.Bytes..];
        for (int i = first; i < end; i++)
            room = room[CountedText.Write(texts[i], room)..];
    }
}

/// <summary>A text after its length: one byte, or 255 and four.</summary>
internal static class CountedText
{
    public static int Write(string text, Span<byte> room)
    {
        int bytes = RootBufferWriter.StringBytes(text);
        int length = bytes > 255 ? bytes - 5 : bytes - 1;
        room[0] = (byte)Math.Min(length, 255);
        if (length >= 255)
            BinaryPrimitives.WriteInt32BigEndian(room[1..], length);
        Encoding.UTF8.GetBytes(text, room[(bytes - length)..]);
        return bytes;
    }
}
