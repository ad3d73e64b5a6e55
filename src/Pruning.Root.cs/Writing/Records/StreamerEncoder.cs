namespace Pruning.Root.Writing.Records;

/// <summary>Writes the list of class descriptions that every file carries: the counterpart of <c>ClassCatalogue</c>.</summary>
internal static class StreamerEncoder
{
    /// <param name="keyBytes">Bytes of the record's key.</param>
    /// <param name="classes">The classes, base classes first.</param>
    public static ReadOnlySpan<byte> Encode(int keyBytes, IReadOnlyList<ClassDescription> classes)
    {
        var objects = new ObjectWriter(keyBytes);
        RootBufferWriter buffer = objects.Buffer;
        int list = buffer.Open(5);
        buffer.WriteObject();
        buffer.WriteString("");
        buffer.WriteInt32(classes.Count);
        foreach (ClassDescription one in classes)
        {
            int slot = objects.OpenSlot("TStreamerInfo");
            EncodeClass(objects, one);
            buffer.Close(slot);
            buffer.WriteString(""); // option text that lists store with each object
        }
        buffer.Close(list);
        return buffer.Written;
    }

    private static void EncodeClass(ObjectWriter objects, ClassDescription one)
    {
        RootBufferWriter buffer = objects.Buffer;
        int frame = buffer.Open(9);
        buffer.WriteNamed(one.Name, "", 0x00010000);
        buffer.WriteUInt32(one.Checksum);
        buffer.WriteInt32(one.Version);
        int slot = objects.OpenSlot("TObjArray");
        int array = objects.OpenArray(one.Members.Count);
        foreach (MemberDescription member in one.Members)
        {
            int element = objects.OpenSlot(member.Element);
            EncodeMember(buffer, member);
            buffer.Close(element);
        }
        buffer.Close(array);
        buffer.Close(slot);
        buffer.Close(frame);
    }

    private static void EncodeMember(RootBufferWriter buffer, MemberDescription member)
    {
        int outer = buffer.Open(member.Element is "TStreamerBase" or "TStreamerSTL" ? 3 : 2);
        int frame = buffer.Open(4);
        buffer.WriteNamed(member.Name, member.Title);
        buffer.WriteInt32(member.Type);
        buffer.WriteInt32(member.Bytes);
        buffer.WriteZeros(2 * sizeof(int)); // fArrayLength, fArrayDim
        buffer.WriteInt32(0);
        buffer.WriteUInt32(member.BaseChecksum); // fMaxIndex[1] of a base
        buffer.WriteZeros(3 * sizeof(int));
        buffer.WriteString(member.TypeName);
        buffer.Close(frame);
        switch (member.Element)
        {
            case "TStreamerBase":
                buffer.WriteInt32(member.BaseVersion);
                break;
            case "TStreamerSTL":
                buffer.WriteInt32(1); // a vector
                buffer.WriteInt32(member.ContentType);
                break;
            case "TStreamerBasicPointer":
                buffer.WriteInt32(member.Counter!.Value.Version);
                buffer.WriteString(member.Counter.Value.Name);
                buffer.WriteString(member.Counter.Value.Class);
                break;
        }
        buffer.Close(outer);
    }
}
