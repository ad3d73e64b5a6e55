using Pruning.Root.Columns;

namespace Pruning.Root.Streamers;

/// <summary>
/// Makes shapes from type names and class descriptions. Types that cannot be read throw <see cref="UnsupportedShape"/>, also
/// classes that contain themselves and descriptions that expand without end.
/// </summary>
internal sealed class ShapeBuilder
{
    private const int MaxDepth = 32;
    private const int MaxShapes = 4096;

    private readonly ClassCatalogue _classes;
    private readonly HashSet<(string ClassName, int Version)> _open = [];
    private int _shapes;

    public ShapeBuilder(ClassCatalogue classes) => _classes = classes;

    /// <summary>The shape of a value inside a list. Only objects have an envelope there.</summary>
    public EntryShape OfType(string typeName, int depth = 0)
    {
        Guard(typeName, depth);
        if (ClassNames.Number(typeName) is ElementEncoding number)
            return new NumberShape(number);
        CppType type = CppType.Parse(typeName);
        if (IsText(type.Name))
            return new TextShape(TextForm.Counted);
        if (type.Name == "bitset")
            return new ListShape(new NumberShape(ElementEncoding.Plain(RootElementType.Bool)));
        if (type.Arguments.Count > 0 && ClassNames.IsCollection(type.Name))
            return new ListShape(OfType(type.Arguments[0], depth + 1));
        if (type.Arguments.Count > 1 && ClassNames.IsMap(type.Name))
            return new ListShape(PairOf("0", type.Arguments[0], "1", type.Arguments[1], depth + 1));
        if (typeName.EndsWith('*'))
            return new SkippedShape(SkippedKind.Pointer);
        if (type is { Name: "pair", Arguments.Count: 2 } && _classes.Versions(CppType.Strip(typeName)).Count == 0)
            return new ObjectShape(typeName, null, PairOf("first", type.Arguments[0], "second", type.Arguments[1], depth + 1));
        return OfObject(CppType.Strip(typeName), depth);
    }

    /// <summary>The shape of a value that is a branch or a member. Lists and texts have an envelope there.</summary>
    public EntryShape OfMember(string typeName, int depth = 0)
    {
        EntryShape shape = OfType(typeName, depth);
        return shape is ListShape or TextShape && CppType.Strip(typeName) != "TString" ? new CollectionShape(shape) : shape;
    }

    /// <summary>An object of a class in its envelope.</summary>
    public EntryShape OfObject(string className, int depth = 0) =>
        BuiltIn(className) ?? OfSymmetricMatrix(className, depth) ?? OfObject(Only(className), depth);

    /// <summary>The members of a class without an envelope.</summary>
    public RecordShape OfClass(StreamerInfo info, int depth = 0)
    {
        Guard(info.ClassName, depth);
        if (!_open.Add((info.ClassName, info.Version)))
            throw new UnsupportedShape($"class {info.ClassName} contains itself");
        var members = new List<ShapeMember>();
        foreach (StreamerElement? element in info.Elements)
        {
            if (element is null)
                throw new UnsupportedShape($"the description of class {info.ClassName} has members of an unknown kind");
            members.Add(new ShapeMember(element.Type == 0 || IsIdentity(element) ? ""
                : element.Name, OfElement(element, info.ClassName, depth + 1)));
        }
        _open.Remove((info.ClassName, info.Version));
        return new RecordShape(members);
    }

    /// <summary>One member of a class.</summary>
    public EntryShape OfElement(StreamerElement element, string className, int depth = 0)
    {
        Guard(className, depth);
        int code = element.Type;
        if (code == ElementEncoding.ObjectBits)
            return new BitsShape();
        if (code is > 0 and < 60 && code % 20 is not (0 or 7) && NumberOf(element, code % 20) is ElementEncoding number)
        {
            EntryShape one = new NumberShape(number);
            return code < 20 ? one
                : code < 40 ? Dimensioned(one, element.Dimensions)
                : new CountedShape(Dimensioned(one, element.Dimensions), element.CountName, Flagged: true);
        }
        return code switch
        {
            0 => OfBase(element, depth),
            7 => new TextShape(TextForm.Wide),
            61 or 62 or 63 or 68 => OfObject(CppType.Strip(element.TypeName.TrimEnd('*')), depth),
            81 or 82 => Dimensioned(OfObject(CppType.Strip(element.TypeName), depth), element.Dimensions),
            64 or 69 => new SkippedShape(SkippedKind.Pointer),
            65 => new TextShape(TextForm.Counted),
            85 => Dimensioned(new TextShape(TextForm.Counted), element.Dimensions),
            66 => new SkippedShape(SkippedKind.Identity),
            67 => OfObject("TNamed", depth),
            300 or 365 or 500 => OfMember(element.TypeName, depth),
            320 or 520 => new CollectionShape(Dimensioned(OfType(element.TypeName, depth), element.Dimensions)),
            _ => throw new UnsupportedShape(
                $"member '{element.Name}' of class {className} has the type code {code} ({element.TypeName}), which is not decoded"),
        };
    }

    /// <summary>Wraps a shape into constant dimensions; the first is the outermost.</summary>
    public static EntryShape Dimensioned(EntryShape shape, IReadOnlyList<int> dimensions)
    {
        for (int i = dimensions.Count - 1; i >= 0; i--)
            shape = new ConstantShape(shape, dimensions[i]);
        return shape;
    }

    /// <summary>True for the text classes.</summary>
    public static bool IsText(string typeName) => typeName is "string" or "TString" or "basic_string";

    private static bool IsIdentity(StreamerElement element) => element.Type == 66 && element.Name == "TObject";

    private static ElementEncoding? NumberOf(StreamerElement element, int code) => code switch
    {
        9 => ElementEncoding.Double32(element.Title),
        19 => ElementEncoding.Float16(element.Title),
        _ => ElementEncoding.OfStreamerType(code),
    };

    private EntryShape OfBase(StreamerElement element, int depth)
    {
        if (element.Name == "TObject")
            return new SkippedShape(SkippedKind.Identity);
        if (CppType.Parse(element.Name) is { Arguments.Count: > 0 } type
            && (ClassNames.IsCollection(type.Name) || ClassNames.IsMap(type.Name)))
            return OfMember(element.Name, depth);
        if (BuiltIn(element.Name) is EntryShape known)
            return known;
        StreamerInfo? info = _classes.Versions(element.Name).Find(candidate => candidate.Version == element.BaseVersion);
        return OfObject(info ?? Only(element.Name), depth);
    }

    // ROOT writes it with special code: the base class in an envelope, then the upper half of the matrix without one.
    private EntryShape? OfSymmetricMatrix(string className, int depth)
    {
        CppType type = CppType.Parse(className);
        if (type is not { Name: "TMatrixTSym", Arguments: [string argument] } || ClassNames.Number(argument) is not ElementEncoding number)
            return null;
        return new RecordShape(
            [
                new ShapeMember("", OfObject(Only($"TMatrixTBase<{argument}>"), depth + 1)),
                new ShapeMember("fElements", new CountedShape(new NumberShape(number), "fNrows", Flagged: false, Triangular: true)),
            ]);
    }

    private ObjectShape OfObject(StreamerInfo info, int depth) => new(info.ClassName, info, OfClass(info, depth + 1));

    private StreamerInfo Only(string className)
    {
        if (CustomStreamers.Contains(className) || className.StartsWith("TMatrixTSparse<", StringComparison.Ordinal))
            throw new UnsupportedShape($"class {className} is written by its own code, not by its description");
        List<StreamerInfo> versions = _classes.Versions(className);
        return versions.Count switch
        {
            0 => throw new UnsupportedShape(_classes.Missing($"class {className}")),
            1 => versions[0],
            _ => versions.MaxBy(info => info.Version)!,
        };
    }

    private RecordShape PairOf(string first, string firstType, string second, string secondType, int depth) => new(
        [new ShapeMember(first, OfPairItem(firstType, depth)), new ShapeMember(second, OfPairItem(secondType, depth))]);

    private EntryShape OfPairItem(string typeName, int depth) =>
        OfMember(typeName, depth) is CollectionShape collection ? collection with { OnlyInColumns = true } : OfType(typeName, depth);

    // Classes of ROOT itself whose layout never changed, described or not.
    private static EntryShape? BuiltIn(string className) => className switch
    {
        "TObject" => new SkippedShape(SkippedKind.Identity),
        "TString" => new TextShape(TextForm.Counted),
        "TNamed" => new ObjectShape("TNamed", null, new RecordShape(
            [
                new ShapeMember("", new SkippedShape(SkippedKind.Identity)),
                new ShapeMember("fName", new TextShape(TextForm.Counted)),
                new ShapeMember("fTitle", new TextShape(TextForm.Counted)),
            ])),
        "TDatime" => new RecordShape([new ShapeMember("fDatime", new NumberShape(ElementEncoding.Plain(RootElementType.UInt32)))]),
        "TArrayC" => ArrayOf(RootElementType.Int8),
        "TArrayS" => ArrayOf(RootElementType.Int16),
        "TArrayI" => ArrayOf(RootElementType.Int32),
        "TArrayL" or "TArrayL64" => ArrayOf(RootElementType.Int64),
        "TArrayF" => ArrayOf(RootElementType.Float32),
        "TArrayD" => ArrayOf(RootElementType.Float64),
        _ => null,
    };

    private static readonly HashSet<string> CustomStreamers =
    [
        "TClonesArray", "TObjArray", "TList", "THashList", "TMap", "TCollection", "TRef", "TRefArray", "TUUID",
        "TBits", "TGraph", "TF1", "TFormula", "TClass", "TStreamerInfo",
    ];

    private static ListShape ArrayOf(RootElementType type) => new(new NumberShape(ElementEncoding.Plain(type)));

    private void Guard(string typeName, int depth)
    {
        if (depth > MaxDepth)
            throw new UnsupportedShape($"type {typeName} is nested deeper than {MaxDepth}");
        if (++_shapes > MaxShapes)
            throw new UnsupportedShape($"it contains more than {MaxShapes} types");
    }
}

/// <summary>A type that cannot be read. Its branch becomes unsupported, the rest of the file stays readable.</summary>
internal sealed class UnsupportedShape(string reason) : Exception(reason);
