/// NCCL as we call it, against a stand-in of the tests' own that moves bytes between threads (Native/nccl-stand-in.c): names,
/// arguments, the id by value, the order of the calls, the sums. Nothing here runs on a GPU.
module Pruning.Tests.Model.NcclTests

open System
open System.ComponentModel
open System.IO
open System.Runtime.InteropServices
open System.Text
open Expecto
open TorchSharp
open Pruning.Model.Tensors
open Pruning.Model.Distributed
open Pruning.Native.Errors
open Pruning.Native.Mpi
open Pruning.Native.Nccl
open Pruning.Tests

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type private JournalFunction = delegate of byte array * unativeint -> unit

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type private NumberFunction = delegate of int -> unit

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type private DeviceFunction = delegate of unit -> int

/// A directory that stays until the program ends: what is loaded is not unloaded.
let private directory: Lazy<string> =
    lazy
        (let directory = Directory.CreateTempSubdirectory "graph-pruning-nccl-"
         AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> directory.Delete true)
         directory.FullName)

/// A C file as a library. None without a compiler.
let private compile (name: string) (source: string) : string option =
    let library = Path.Combine(directory.Value, name)

    let words =
        [
            "-std=gnu11"
            "-Wall"
            "-Wextra"
            "-Werror"
            "-shared"
            "-fPIC"
            "-pthread"
            "-o"
            library
            source
        ]

    try
        Cli.Run.program "gcc" words |> Cli.Run.expecting 0 |> ignore
        Some library
    with :? Win32Exception ->
        None

let private standIn: Lazy<string option> =
    lazy compile "libnccl-stand-in.so" (Path.Combine(Fixture.own, "..", "Pruning.Model.Tests", "nccl-stand-in.c"))

let private path () : string =
    match standIn.Value with
    | Some path -> path
    | None -> skiptest "wanted gcc to make a stand-in of NCCL, found none"

let private load () : NcclLibrary = NcclLibrary.Load(path (), null)

let private export<'T> (name: string) : 'T =
    Marshal.GetDelegateForFunctionPointer<'T>(NativeLibrary.GetExport(NativeLibrary.Load(path ()), name))

/// The calls since the last time, by rank and in order.
let private journal () : Map<int, string list> =
    let text = Array.zeroCreate<byte>(1 <<< 20)
    (export<JournalFunction> "standin_journal").Invoke(text, unativeint text.Length)

    Encoding.UTF8.GetString(text).TrimEnd('\000').Split('\n', StringSplitOptions.RemoveEmptyEntries)
    |> List.ofArray
    |> List.map (fun line ->
        let space = line.IndexOf ' '
        int (line.Substring(0, space)), line.Substring(space + 1))
    |> List.groupBy fst
    |> List.map (fun (rank, lines) -> rank, List.map snd lines)
    |> Map.ofList

let private run size (work: Communicator -> 'T) = LocalGroup.run size (TimeSpan.FromSeconds 60.0) work

/// Needs of a rank that has a GPU, as far as it knows.
let private needs: NcclNeeds =
    {
        Gpu = Some 0
        Load = load
        SetDevice = ignore
    }

let private joined (route: ExchangeRoute) : NcclRanks =
    match route with
    | ExchangeRoute.Nccl ranks -> ranks
    | ExchangeRoute.Host reason -> failtestf "wanted NCCL, found the host: %s" reason

let private hostReason (route: ExchangeRoute) : string =
    match route with
    | ExchangeRoute.Host reason -> reason
    | ExchangeRoute.Nccl ranks -> failtestf "wanted the host, found %s" ranks.Description

/// Numbers of a rank whose sums depend on their order.
let private terms (rank: int) (count: int) : float32 array =
    Array.init count (fun i -> 1.0f / float32 (1 + rank + 7 * (i % 1000)))

let private library =
    testList
        "library"
        [
            test "where it is looked for: the named file alone, or the system, and beside libtorch" {
                Expect.equal
                    (List.ofSeq (NcclLibrary.Candidates("/own/nccl.so", "/t/torch/lib")))
                    [ "/own/nccl.so" ]
                    "named"

                Expect.equal
                    (List.ofSeq (NcclLibrary.Candidates(null, "/env/site-packages/torch/lib")))
                    [
                        "libnccl.so.2"
                        "/env/site-packages/torch/lib/libnccl.so.2"
                        "/env/site-packages/nvidia/nccl/lib/libnccl.so.2"
                        "libnccl.so"
                    ]
                    "beside a PyTorch"

                Expect.equal (List.ofSeq (NcclLibrary.Candidates("", null))) [ "libnccl.so.2"; "libnccl.so" ] "system"
            }

            test "a library that is not there is one sentence" {
                Expect.throwsC (fun () -> NcclLibrary.Load("/nowhere/libnccl.so", null) |> ignore) (fun error ->
                    Expect.equal (error.GetType()) typeof<DeviceException> "type"
                    Expect.stringContains error.Message "/nowhere/libnccl.so" "names it"
                    Expect.stringContains error.Message "GRAPH_PRUNING_NCCL" "what to do")
            }

            test "a library without the functions is one sentence" {
                Expect.throwsC (fun () -> NcclLibrary.Load("libc.so.6", null) |> ignore) (fun error ->
                    Expect.equal (error.GetType()) typeof<DeviceException> "type"
                    Expect.stringContains error.Message "nccl" "names a function")
            }

            test "its version and a new id" {
                let nccl = load ()
                Expect.equal nccl.Version "2.27.3" "version"
                let id = nccl.CreateId()
                Expect.hasLength id 128 "bytes"
                Expect.equal id (Array.init 128 (fun i -> byte (int id[0] + 37 * i))) "all of them"
                Expect.notEqual (nccl.CreateId()) id "another one"
            }

            test "the id arrives whole: one byte that differs is refused, with NCCL's words" {
                let nccl = load ()

                for place in [ 1; 64; 127 ] do
                    let id = nccl.CreateId()
                    id[place] <- id[place] + 1uy

                    Expect.throwsC (fun () -> NcclRanks.Join(nccl, id, 0, 1) |> ignore) (fun error ->
                        Expect.equal (error.GetType()) typeof<PeerException> "type"
                        Expect.stringContains error.Message "ncclCommInitRank failed: invalid argument" "says what")
            }

            test "the device of a thread is set by the runtime that libtorch has loaded, whatever it is called" {
                let source = Path.Combine(directory.Value, "cuda.c")

                File.WriteAllText(
                    source,
                    "static int device = -1;\nint cudaSetDevice(int number) { if (number > 7) return 101; device = number; return 0; \
                     }\nint standin_device(void) { return device; }\n"
                )

                match compile "libcudart-0123abcd.so.12" source with
                | None -> skiptest "wanted gcc, found none"
                | Some path ->
                    let loaded = NativeLibrary.Load path
                    CudaRuntime.SetDevice 3

                    let device =
                        Marshal.GetDelegateForFunctionPointer<DeviceFunction>(
                            NativeLibrary.GetExport(loaded, "standin_device")
                        )

                    Expect.equal (device.Invoke()) 3 "device"

                    Expect.throwsC (fun () -> CudaRuntime.SetDevice 8) (fun error ->
                        Expect.equal (error.GetType()) typeof<DeviceException> "type"
                        Expect.stringContains error.Message "GPU 8" "names it")
            }
        ]

let private sums =
    testList
        "sums"
        [
            for size in [ 2; 3; 4 ] do
                for count in [ 1; 5; 1003 ] do
                    test $"{count} numbers of {size} ranks: the bits of the other ways, in both types" {
                        path () |> ignore

                        let answers =
                            run size (fun ranks ->
                                use _scope = torch.NewDisposeScope()
                                let nccl = joined (NcclExchange.choose ranks needs)
                                let mine = terms ranks.Rank count
                                let wide = mine |> Array.map float
                                let single, double = torch.tensor mine, torch.tensor wide
                                NcclExchange.sum nccl single
                                NcclExchange.sum nccl double
                                nccl.Dispose()
                                ranks.Sum mine
                                ranks.Sum wide
                                (mine, single.data<float32>().ToArray()), (wide, double.data<float>().ToArray()))

                        for (wanted, found), (wantedWide, foundWide) in answers do
                            Expect.equal found wanted "float32"
                            Expect.equal foundWide wantedWide "float64"
                    }

            test "gradients: missing ones count zero, and a rank's own stay where they are" {
                path () |> ignore

                let answers =
                    run 3 (fun ranks ->
                        use _scope = torch.NewDisposeScope()

                        let parameter (values: float32 array) =
                            new Modules.Parameter(torch.tensor values, requires_grad = true)

                        let everywhere, first, nowhere = parameter [| 0f; 0f |], parameter [| 0f |], parameter [| 0f |]

                        everywhere.grad <- torch.tensor [| float32 ranks.Rank; 1f |]

                        if ranks.Rank = 0 then
                            first.grad <- torch.tensor [| 5f |]

                        let route = NcclExchange.choose ranks needs
                        GradientExchange.sum route ranks [ everywhere; first; nowhere ]
                        (joined route).Dispose()
                        let values (gradient: Tensor | null) = (nonNull gradient).data<float32>().ToArray()
                        values everywhere.grad, values first.grad, isNull nowhere.grad)

                for answer in answers do
                    Expect.equal answer ([| 3f; 3f |], [| 5f |], true) "sums"
            }

            test "the calls of a rank, in order, with their bytes" {
                path () |> ignore
                journal () |> ignore

                run 3 (fun ranks ->
                    use _scope = torch.NewDisposeScope()
                    let nccl = joined (NcclExchange.choose ranks needs)
                    NcclExchange.sum nccl (torch.tensor (terms ranks.Rank 7))
                    nccl.Dispose())
                |> ignore

                // Seven numbers of four bytes in three slices of three, the last one filled up.
                let wanted =
                    [
                        "join 3"
                        for peer in 0..2 do
                            $"send {peer} 12"
                            $"receive {peer} 12"
                        "move 6"
                        "gather 12"
                        "destroy"
                    ]

                Expect.equal (journal ()) (Map [ for rank in 0..2 -> rank, wanted ]) "journal"
            }

            test "pieces that do not fit are refused before NCCL sees them" {
                path () |> ignore

                run 2 (fun ranks ->
                    use _scope = torch.NewDisposeScope()
                    use nccl = joined (NcclExchange.choose ranks needs)
                    let of' (count: int) = torch.zeros (int64 count)

                    for refused in
                        [
                            (fun () -> nccl.AllToAll(of' 3, of' 3))
                            (fun () -> nccl.AllToAll(of' 4, of' 2))
                            (fun () -> nccl.AllGather(of' 2, of' 3))
                            (fun () -> nccl.AllGather((torch.zeros (4L, 2L)).t(), of' 16))
                        ] do
                        Expect.throwsT<ArgumentException> refused "refused")
                |> ignore
            }
        ]

let private routes =
    testList
        "routes"
        [
            test "one rank exchanges nothing" {
                Expect.stringContains (hostReason (NcclExchange.choose Communicator.alone needs)) "one rank" "reason"
            }

            test "a rank on the CPU sends all through the host, and all know why" {
                path () |> ignore

                let reasons =
                    run 3 (fun ranks ->
                        let needs = if ranks.Rank = 1 then { needs with Gpu = None } else needs
                        hostReason (NcclExchange.choose ranks needs))

                for reason in reasons do
                    Expect.equal reason "the gradients of rank 1 are on the CPU" "reason"
            }

            test "ranks on the CPU, as they are" {
                for reason in
                    run 2 (fun ranks -> hostReason (NcclExchange.choose ranks (NcclExchange.needsOf torch.CPU))) do
                    Expect.equal reason "the gradients of rank 0 are on the CPU" "reason"
            }

            test "a library that one rank lacks sends all through the host, and all know why" {
                path () |> ignore

                let reasons =
                    run 2 (fun ranks ->
                        let needs =
                            if ranks.Rank = 1 then
                                { needs with
                                    Load = fun () -> NcclLibrary.Load("/nowhere/libnccl.so", null)
                                }
                            else
                                needs

                        let route = NcclExchange.choose ranks needs
                        Expect.stringContains (NcclExchange.describe route) "through the memory of the host" "words"
                        hostReason route)

                for reason in reasons do
                    Expect.stringContains reason "/nowhere/libnccl.so" "reason"
            }

            test "a GPU that is not there sends all through the host" {
                path () |> ignore

                let reasons =
                    run 2 (fun ranks ->
                        let refuse (_: int) =
                            if ranks.Rank = 0 then
                                raise (DeviceException "no GPU 0")

                        hostReason (NcclExchange.choose ranks { needs with SetDevice = refuse }))

                Expect.equal reasons [| "no GPU 0"; "no GPU 0" |] "reason"
            }

            test "what NCCL refuses goes through the host" {
                path () |> ignore
                (export<NumberFunction> "standin_refuse").Invoke 2

                for reason in run 2 (fun ranks -> hostReason (NcclExchange.choose ranks needs)) do
                    Expect.stringContains reason "ncclCommInitRank failed: invalid usage" "reason"
            }

            test "says which library it is" {
                path () |> ignore

                let words =
                    run 2 (fun ranks ->
                        let route = NcclExchange.choose ranks needs
                        use _joined = joined route
                        NcclExchange.describe route)

                for word in words do
                    Expect.stringStarts word "from GPU to GPU, by NCCL 2.27.3 (" "words"
            }
        ]

// The stand-in is one library of the process, with one list of calls.
[<Tests>]
let tests = testSequencedGroup "NCCL" (testList "NCCL" [ library; sums; routes ])
