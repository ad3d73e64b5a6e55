namespace Pruning.Model.Logging

open System
open System.Text
open Google.Protobuf
open Tensorboard
open Pruning.Model.Drawing

/// Values of a TensorBoard event, each as the plug-in that shows it wants it.
[<RequireQualifiedAccess>]
module Summaries =

    let private metadata (plugin: string) (content: byte[]) : SummaryMetadata =
        let data = SummaryMetadata.Types.PluginData(PluginName = plugin, Content = ByteString.CopyFrom content)

        SummaryMetadata(PluginData = data)

    let private shape (sizes: int list) : TensorShapeProto =
        let proto = TensorShapeProto()

        for size in sizes do
            proto.Dim.Add(TensorShapeProto.Types.Dim(Size = int64 size))

        proto

    /// A number, single precision in the file.
    let scalar (tag: string) (value: float) : Summary.Types.Value =
        Summary.Types.Value(Tag = tag, SimpleValue = float32 value)

    /// A text, shown as Markdown.
    let text (tag: string) (words: string) : Summary.Types.Value =
        let tensor = TensorProto(Dtype = DataType.DtString, TensorShape = shape [ 1 ])
        tensor.StringVal.Add(ByteString.CopyFrom(words, Encoding.UTF8))
        Summary.Types.Value(Tag = tag, Metadata = metadata "text" [||], Tensor = tensor)

    let histogram (tag: string) (distribution: ValueDistribution) : Summary.Types.Value =
        Summary.Types.Value(Tag = tag, Histo = ValueDistribution.toProto distribution)

    let image (tag: string) (picture: Picture) : Summary.Types.Value =
        let image =
            Summary.Types.Image(
                Width = picture.Width,
                Height = picture.Height,
                Colorspace = 3, // RGB
                EncodedImageString = ByteString.CopyFrom picture.Png
            )

        Summary.Types.Value(Tag = tag, Image = image)

    /// A precision-recall curve of the plug-in pr_curves, whose tags end in /pr_curves: a tensor [6, thresholds].
    let precisionRecall (tag: string) (table: PrecisionRecallTable) : Summary.Types.Value =
        let thresholds = table.TruePositives.Length
        let tensor = TensorProto(Dtype = DataType.DtFloat, TensorShape = shape [ 6; thresholds ])

        for row in PrecisionRecallTable.rows table do
            tensor.FloatVal.AddRange(Array.map float32 row)

        // PrCurvePluginData: version (1) is 0, the default; num_thresholds (2) is a varint.
        use content = new IO.MemoryStream()
        use stream = new CodedOutputStream(content)
        stream.WriteTag(2, WireFormat.WireType.Varint)
        stream.WriteUInt32(uint32 thresholds)
        stream.Flush()

        Summary.Types.Value(
            Tag = $"{tag}/pr_curves",
            Metadata = metadata "pr_curves" (content.ToArray()),
            Tensor = tensor
        )

    /// A message of the plug-in hparams: see HParams for tags and contents. The tensor is empty: everything is metadata.
    let hparams (tag: string) (content: byte[]) : Summary.Types.Value =
        let tensor = TensorProto(Dtype = DataType.DtFloat, TensorShape = shape [ 0 ])
        Summary.Types.Value(Tag = tag, Metadata = metadata "hparams" content, Tensor = tensor)
