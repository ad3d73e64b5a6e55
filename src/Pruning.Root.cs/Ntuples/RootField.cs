using Pruning.Root.Columns;
using Pruning.Root.Errors;
using Pruning.Root.Ntuples.Metadata;

namespace Pruning.Root.Ntuples;

/// <summary>
/// A field of an RNTuple: a value, a list, a record, a variant. Fields form a tree. The top-level fields correspond to the
/// branches of a TTree. Creating a field reads only the description.
/// </summary>
public sealed class RootField : IRootBranch
{
    private readonly RootNtuple _ntuple;
    private readonly List<RootField> _children = [];
    private readonly List<ColumnFamily> _families = [];
    private IReadOnlyList<NtupleLeaf> _leaves = [];

    internal RootField(RootNtuple ntuple, FieldRecord record, RootField? parent)
    {
        _ntuple = ntuple;
        Record = record;
        Depth = parent is null ? 0 : parent.Depth + 1;
        parent?._children.Add(this);
    }

    /// <summary>Its own name as the writer gave it; <c>_0</c> for what a collection or an array consists of.</summary>
    public string Name => Record.Name;

    /// <summary>C++ type, for example <c>std::vector&lt;float&gt;</c>; empty for records without a class.</summary>
    public string TypeName => Record.TypeName;

    /// <summary>How the writer's own code spells the type where that differs, else empty.</summary>
    public string TypeAlias => Record.TypeAlias;

    /// <summary>Description given by the writer.</summary>
    public string Description => Record.Description;

    /// <summary>Fields inside: members of a record, alternatives of a variant, the elements of a collection.</summary>
    public IReadOnlyList<RootField> Children => _children;

    /// <summary>The field shows columns of another field, and stores no bytes itself.</summary>
    public bool IsProjected => Record.IsProjected;

    /// <summary>Entries of the RNTuple.</summary>
    public long EntryCount => _ntuple.EntryCount;

    /// <summary>
    /// Members with values, by the names that <see cref="RootColumn.Field"/> gives them; <c>""</c> for a field that is one
    /// list or value.
    /// </summary>
    public IReadOnlyList<string> Members => [.. _leaves.Select(leaf => leaf.Member)];

    /// <summary>Type of the values of a field that is one number or one list of numbers an entry, else null.</summary>
    public RootElementType? ElementType => Single is { IsJagged: true } leaf ? leaf.Type : null;

    /// <summary>
    /// Values per entry where all entries have the same number (1 for plain numbers); null for lists and everything else.
    /// </summary>
    public int? FixedLength => Single is { IsJagged: true } leaf ? leaf.FixedLength : null;

    /// <summary>True when at least one member can be read. <see cref="UnsupportedMember"/> gives the state of each.</summary>
    public bool IsSupported => Unsupported is null;

    /// <summary>Why no member can be read, null when one can.</summary>
    public string? Unsupported => _leaves.Count == 0 ? "it has no values"
        : _leaves.Any(leaf => leaf.Problem is null) ? null
        : _leaves[0].Problem;

    IReadOnlyList<KeyValuePair<string, string>> IRootBranch.UnsupportedMembers => _leaves.Count == 0
        ? [new("", Unsupported!)]
        : [.. _leaves.Where(leaf => leaf.Problem is not null).Select(leaf => KeyValuePair.Create(leaf.Member, leaf.Problem!))];

    long IRootBranch.PieceCount => PageCount;

    /// <summary>Number of pages, those of the fields inside included.</summary>
    /// <exception cref="RootFormatException">A page list is damaged.</exception>
    public long PageCount => _ntuple.Storage.Of(this).Pages;

    /// <summary>Bytes of the pages in the file, those of the fields inside included.</summary>
    /// <exception cref="RootFormatException">A page list is damaged.</exception>
    public long StoredBytes => _ntuple.Storage.Of(this).StoredBytes;

    /// <summary>Bytes of the pages once decompressed, those of the fields inside included.</summary>
    /// <exception cref="RootFormatException">A page list is damaged.</exception>
    public long UncompressedBytes => _ntuple.Storage.Of(this).UncompressedBytes;

    /// <summary>
    /// The codec that the pages are stored with, and its setting code: <c>zstd 505</c>, <c>none</c>. Reads the first bytes
    /// of a page.
    /// </summary>
    /// <exception cref="RootFormatException">A page list or a page is damaged.</exception>
    public string Compression => _ntuple.Storage.Compression(this);

    /// <summary>
    /// Names of the encodings of its columns and of those of the fields inside, for example <c>SplitIndex64</c> and
    /// <c>SplitReal32</c>.
    /// </summary>
    public IReadOnlyList<string> Encodings =>
        [.. _families.SelectMany(family => family.Columns).Select(column => column.Encoding?.Name
        ?? "unknown").Concat(_children.SelectMany(child => child.Encodings)).Distinct()];

    internal FieldRecord Record { get; }

    internal int Depth { get; }

    internal RootLocation Location => _ntuple.Location with { Field = Name };

    /// <summary>Its columns by position, each in every representation.</summary>
    internal IReadOnlyList<ColumnFamily> Families => _families;

    internal IReadOnlyList<NtupleLeaf> Leaves => _leaves;

    private NtupleLeaf? Single => _leaves is [{ Problem: null } leaf] ? leaf : null;

    /// <summary>Why a member of <see cref="Members"/> cannot be read, null when it can.</summary>
    public string? UnsupportedMember(string member) => Leaf(member).Problem;

    /// <summary>Type of a member's values; null for texts and for what cannot be read.</summary>
    public RootElementType? ElementTypeOf(string member) => Leaf(member) is { Problem: null, Kind: not LeafKind.Text } leaf ? leaf.Type
        : null;

    internal void Add(ColumnFamily family) => _families.Add(family);

    internal void FindLeaves(LeafFinder finder)
    {
        if (Depth == 0)
            _leaves = finder.Find(this, "", []);
    }

    internal NtupleLeaf Leaf(string member) => _leaves.FirstOrDefault(leaf => leaf.Member == member)
        ?? throw new RootFormatException(RootErrorKind.BranchNotFound, $"there is no member '{member}'", Location,
            NearestNames.Suggest(member, Members, "The field has no members."));
}
