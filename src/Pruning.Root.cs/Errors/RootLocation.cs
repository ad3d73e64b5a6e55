using System.Globalization;
using System.Text;

namespace Pruning.Root.Errors;

/// <summary>A place in a ROOT file. Parts that are not known are null.</summary>
/// <param name="File">Path of the file, as it was given.</param>
public sealed record RootLocation(string File)
{
    /// <summary>Path of the tree inside the file.</summary>
    public string? Tree { get; init; }

    /// <summary>Full name of the branch.</summary>
    public string? Branch { get; init; }

    /// <summary>Path of the RNTuple inside the file.</summary>
    public string? Ntuple { get; init; }

    /// <summary>Field of the RNTuple, with its member.</summary>
    public string? Field { get; init; }

    /// <summary>Cluster of the RNTuple, counted from 0.</summary>
    public long? Cluster { get; init; }

    /// <summary>Page of the field's column in the cluster, counted from 0.</summary>
    public long? Page { get; init; }

    /// <summary>Basket of the branch, counted from 0.</summary>
    public long? Basket { get; init; }

    /// <summary>Entry of the tree.</summary>
    public long? Entry { get; init; }

    /// <summary>Byte of the file: of the damaged field, or of the record that contains it.</summary>
    public long? Byte { get; init; }

    /// <summary>Byte of the payload of the record at <see cref="Byte"/> once decompressed.</summary>
    public long? PayloadByte { get; init; }

    /// <summary>For example <c>run3.root, tree 'Tracksters', branch 'energy', basket 2, entry 17, byte 4</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(File.Length > 0 ? File : "a file");
        if (Tree is not null)
            text.Append(", tree '").Append(Tree).Append('\'');
        if (Branch is not null)
            text.Append(", branch '").Append(Branch).Append('\'');
        if (Ntuple is not null)
            text.Append(", RNTuple '").Append(Ntuple).Append('\'');
        if (Field is not null)
            text.Append(", field '").Append(Field).Append('\'');
        Append(text, ", cluster ", Cluster);
        Append(text, ", page ", Page);
        Append(text, ", basket ", Basket);
        Append(text, ", entry ", Entry);
        if (PayloadByte is null)
        {
            Append(text, ", byte ", Byte);
        }
        else
        {
            Append(text, ", byte ", PayloadByte);
            Append(text, " of the record at byte ", Byte);
        }
        return text.ToString();
    }

    private static void Append(StringBuilder text, string label, long? number)
    {
        if (number is long value)
            text.Append(label).Append(value.ToString(CultureInfo.InvariantCulture));
    }
}
