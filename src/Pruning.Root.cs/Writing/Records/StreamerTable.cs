using System.Globalization;

namespace Pruning.Root.Writing.Records;

/// <summary>
/// The members of the ROOT classes that trees and RNTuples consist of, with ROOT's checksums. Readers that know the classes
/// only from the file's descriptions need them. Each paragraph is a class: name, version, checksum, then one member per line.
/// </summary>
internal static class StreamerTable
{
    private const string Text = """
        TObject 1 901bc02d
        unsigned_int fUniqueID
        bits fBits

        TNamed 1 dfb74a3c
        base TObject
        TString fName
        TString fTitle

        TString 2 00017419

        TCollection 3 57e3cb9c
        base TObject
        TString fName
        int fSize

        TSeqCollection 0 fc6c3bc6
        base TCollection

        TList 5 69c5c3bb
        base TSeqCollection

        TObjArray 3 a99e6552
        base TSeqCollection
        int fLowerBound
        int fLast

        TAttLine 2 94074549
        short fLineColor
        short fLineStyle
        short fLineWidth

        TAttFill 2 ffd92a92
        short fFillColor
        short fFillStyle

        TAttMarker 2 291d8bec
        short fMarkerColor
        short fMarkerStyle
        float fMarkerSize

        ROOT::TIOFeatures 1 1aa12f10
        unsigned_char fIOBits

        TRefTable 3 8c895b85
        base TObject
        Int_t fSize
        pointer TObjArray* fParents
        pointer TObject* fOwner
        vector<string> fProcessGUIDs

        TBranch 13 10978aac
        base TNamed
        base TAttFill
        int fCompress
        int fBasketSize
        int fEntryOffsetLen
        int fWriteBasket
        Long64_t fEntryNumber
        any ROOT::TIOFeatures fIOFeatures
        int fOffset
        counter fMaxBaskets
        int fSplitLevel
        Long64_t fEntries
        Long64_t fFirstEntry
        Long64_t fTotBytes
        Long64_t fZipBytes
        object TObjArray fBranches
        object TObjArray fLeaves
        object TObjArray fBaskets
        counted int* fBasketBytes fMaxBaskets
        counted Long64_t* fBasketEntry fMaxBaskets
        counted Long64_t* fBasketSeek fMaxBaskets
        TString fFileName

        TBranchRef 1 2360b3fd
        base TBranch
        pointer TRefTable* fRefTable

        TBranchElement 10 e74f5e63
        base TBranch
        TString fClassName
        TString fParentName
        TString fClonesName
        unsigned_int fCheckSum
        short fClassVersion
        int fID
        int fType
        int fStreamerType
        int fMaximum
        pointer TBranchElement* fBranchCount
        pointer TBranchElement* fBranchCount2

        TLeaf 2 6d1e8152
        base TNamed
        Int_t fLen
        Int_t fLenType
        Int_t fOffset
        Bool_t fIsRange
        Bool_t fIsUnsigned
        pointer TLeaf* fLeafCount

        TLeafElement 1 a04f8893
        base TLeaf
        Int_t fID
        Int_t fType

        TLeafO 1 02ae48d3
        base TLeaf
        bool fMinimum
        bool fMaximum

        TLeafB 1 0f1e4b5e
        base TLeaf
        char fMinimum
        char fMaximum

        TLeafS 1 150ceecf
        base TLeaf
        short fMinimum
        short fMaximum

        TLeafI 1 7e6aae19
        base TLeaf
        int fMinimum
        int fMaximum

        TLeafL 1 de320862
        base TLeaf
        Long64_t fMinimum
        Long64_t fMaximum

        TLeafF 1 3add9d72
        base TLeaf
        float fMinimum
        float fMaximum

        TLeafD 1 118e8776
        base TLeaf
        double fMinimum
        double fMaximum

        TLeafC 1 fbe3b2f3
        base TLeaf
        int fMinimum
        int fMaximum

        TTree 20 7264e07f
        base TNamed
        base TAttLine
        base TAttFill
        base TAttMarker
        Long64_t fEntries
        Long64_t fTotBytes
        Long64_t fZipBytes
        Long64_t fSavedBytes
        Long64_t fFlushedBytes
        double fWeight
        int fTimerInterval
        int fScanField
        int fUpdate
        int fDefaultEntryOffsetLen
        counter fNClusterRange
        Long64_t fMaxEntries
        Long64_t fMaxEntryLoop
        Long64_t fMaxVirtualSize
        Long64_t fAutoSave
        Long64_t fAutoFlush
        Long64_t fEstimate
        counted Long64_t* fClusterRangeEnd fNClusterRange
        counted Long64_t* fClusterSize fNClusterRange
        any ROOT::TIOFeatures fIOFeatures
        object TObjArray fBranches
        object TObjArray fLeaves
        pointer TList* fAliases
        any TArrayD fIndexValues
        any TArrayI fIndex
        pointer TVirtualIndex* fTreeIndex
        pointer TList* fFriends
        pointer TList* fUserInfo
        pointer TBranchRef* fBranchRef
        """;

    private const string NtupleText = """
        ROOT::RNTuple 2 4ba21bf5
        unsigned_short fVersionEpoch
        unsigned_short fVersionMajor
        unsigned_short fVersionMinor
        unsigned_short fVersionPatch
        ULong64_t fSeekHeader
        ULong64_t fNBytesHeader
        ULong64_t fLenHeader
        ULong64_t fSeekFooter
        ULong64_t fNBytesFooter
        ULong64_t fLenFooter
        ULong64_t fMaxKeySize
        """;

    private static readonly Lazy<IReadOnlyList<ClassDescription>> s_classes = new(() => Parse(Text));
    private static readonly Lazy<IReadOnlyList<ClassDescription>> s_ntuple = new(() => Parse(NtupleText));

    /// <summary>The classes of trees, base classes first.</summary>
    public static IReadOnlyList<ClassDescription> Classes => s_classes.Value;

    /// <summary>The class of RNTuples.</summary>
    public static ClassDescription Ntuple => s_ntuple.Value[0];

    /// <summary>The description of a standard vector.</summary>
    public static ClassDescription Vector(string className) =>
        new(className, CollectionClass.Version, CollectionClass.Checksum(className), [MemberDescription.Vector("This", className, 0)]);

    private static IReadOnlyList<ClassDescription> Parse(string table)
    {
        var classes = new List<ClassDescription>();
        foreach (string paragraph in table.ReplaceLineEndings("\n").Split("\n\n"))
        {
            string[] lines = paragraph.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            string[] head = lines[0].Split(' ');
            int version = int.Parse(head[1], CultureInfo.InvariantCulture);
            uint checksum = uint.Parse(head[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            MemberDescription[] members = [.. lines.Skip(1).Select(line => MemberDescription.Parse(line, head[0], version, classes))];
            classes.Add(new ClassDescription(head[0], version, checksum, members));
        }
        return classes;
    }
}

/// <summary>A class that is described in a file.</summary>
/// <param name="Name">Name of the class.</param>
/// <param name="Version">Its version.</param>
/// <param name="Checksum">ROOT's checksum of its members.</param>
/// <param name="Members">Bases and members in order.</param>
internal sealed record ClassDescription(string Name, int Version, uint Checksum, IReadOnlyList<MemberDescription> Members);

/// <summary>A base or member of a class.</summary>
/// <param name="Element">TStreamerBase, TStreamerBasicType, ...</param>
/// <param name="Name">Name of the member, or of the base class.</param>
/// <param name="Title">Comment; for counted arrays, the counter in brackets.</param>
/// <param name="Type">ROOT's type code.</param>
/// <param name="Bytes">Size in C++.</param>
/// <param name="TypeName">C++ type.</param>
/// <param name="BaseChecksum">For a base class, its checksum.</param>
/// <param name="BaseVersion">For a base class, its version.</param>
/// <param name="Counter">For a counted array, the member that counts and its class.</param>
internal sealed record MemberDescription(
    string Element, string Name, string Title, int Type, int Bytes, string TypeName, uint BaseChecksum = 0, int BaseVersion =
        0, (string Name, string Class, int Version)? Counter = null)
{
    private const int PointerBytes = 8;

    /// <summary>A member that is a vector.</summary>
    public static MemberDescription Vector(string name, string className, int bytes) => new(
        "TStreamerSTL",
        name,
        name == "This" ? $"<{Spelling(CollectionClass.ContentOf(className))}> Used to call the proper TStreamerInfo case" : "",
        500,
        bytes,
        className);

    /// <summary>The type code of a vector's content; 61 for classes.</summary>
    public int ContentType => Number(CollectionClass.ContentOf(TypeName))?.Code ?? 61;

    /// <summary>A member that is a number.</summary>
    public static MemberDescription OfNumber(string type, string name)
    {
        (int code, int bytes) = Number(type)!.Value;
        return new MemberDescription("TStreamerBasicType", name, "", code, bytes, type);
    }

    /// <summary>Reads a line of the table.</summary>
    public static MemberDescription Parse(string line, string owner, int ownerVersion, IReadOnlyList<ClassDescription> known)
    {
        string[] words = line.Split(' ');
        switch (words[0])
        {
            case "base":
                ClassDescription parent = known.First(candidate => candidate.Name == words[1]);
                int code = words[1] switch { "TObject" => 66, "TNamed" => 67, _ => 0 };
                return new MemberDescription("TStreamerBase", parent.Name, "", code, 0, "BASE", parent.Checksum, parent.Version);
            case "pointer":
                return new MemberDescription("TStreamerObjectPointer", words[2], "", 64, PointerBytes, words[1]);
            case "object":
                return new MemberDescription("TStreamerObject", words[2], "", 61, 64, words[1]);
            case "any":
                return new MemberDescription("TStreamerObjectAny", words[2], "", 62, words[1] == "ROOT::TIOFeatures" ? 1 : 24, words[1]);
            case "counted":
                return new MemberDescription(
                    "TStreamerBasicPointer", words[2], $"[{words[3]}]", 40
                        + Number(words[1].TrimEnd('*'))!.Value.Code, PointerBytes, words[1], Counter: (words[3], owner, ownerVersion));
            case "TString":
                return new MemberDescription("TStreamerString", words[1], "", 65, 24, "TString");
            case "vector<string>":
                return Vector(words[1], words[0], 24);
            case "bits":
                return new MemberDescription("TStreamerBasicType", words[1], "", 15, 4, "unsigned int");
            case "counter":
                return new MemberDescription("TStreamerBasicType", words[1], "", 6, 4, "int");
            default:
                return OfNumber(words[0].Replace('_', ' ').Replace(" t", "_t"), words[1]);
        }
    }

    private static (int Code, int Bytes)? Number(string type) => type switch
    {
        "char" => (1, 1),
        "short" => (2, 2),
        "int" or "Int_t" => (3, 4),
        "float" => (5, 4),
        "double" => (8, 8),
        "unsigned char" => (11, 1),
        "unsigned short" => (12, 2),
        "unsigned int" => (13, 4),
        "Long64_t" => (16, 8),
        "ULong64_t" => (17, 8),
        "bool" or "Bool_t" => (18, 1),
        _ => null,
    };

    // ROOT names numbers by its own types in these titles.
    private static string Spelling(string content) => content switch
    {
        "bool" => "Bool_t",
        "char" => "Char_t",
        "unsigned char" => "UChar_t",
        "short" => "Short_t",
        "unsigned short" => "UShort_t",
        "int" => "Int_t",
        "unsigned int" => "UInt_t",
        "float" => "Float_t",
        "double" => "Double_t",
        _ => content,
    };
}
