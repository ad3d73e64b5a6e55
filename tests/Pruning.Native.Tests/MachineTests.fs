module Pruning.Tests.Native.MachineTests

open System
open System.IO
open Expecto
open Pruning.Native.Host
open Pruning.Native.Nccl

/// A tree of files under a temporary directory.
let private withFiles (files: (string * string) list) (test: string -> unit) =
    let root = Directory.CreateTempSubdirectory()

    try
        for path, text in files do
            let full = Path.Combine(root.FullName, path)
            Directory.CreateDirectory(Path.GetDirectoryName full |> nonNull) |> ignore
            File.WriteAllText(full, text)

        test root.FullName
    finally
        root.Delete true

let private limits root membership =
    let found = CgroupLimits.Read(root, membership)
    Option.ofNullable found.Cores, Option.ofNullable found.MemoryBytes

[<Tests>]
let tests =
    testList
        "Machine"
        [
            test "the report of this machine has cores, memory and a C++ library" {
                let report = Machine.Probe()
                Expect.isGreaterThanOrEqual report.Cores 1 "cores"
                Expect.isGreaterThan report.MemoryBytes 0L "memory"
                Expect.isLessThanOrEqual report.AvailableBytes report.MemoryBytes "available"
                Expect.stringStarts report.LibStdCxx.Version "GLIBCXX_3.4" "libstdc++"
                Expect.stringContains report.Runtime ".NET 10" "runtime"
            }

            test "what is absent is said in words" {
                let report = Machine.Probe()

                for library in [ report.Mpi; report.Nccl; report.CudaDriver ] do
                    if not library.Found then
                        Expect.stringStarts library.Description "not found: " library.Name

                    Expect.isNotEmpty library.Description library.Name
            }

            test "control groups, version 2: the least limit of the group and its parents holds" {
                withFiles
                    [
                        "cpu.max", "max 100000\n"
                        "memory.max", "max\n"
                        "batch/cpu.max", "400000 100000\n"
                        "batch/memory.max", "8589934592\n"
                        "batch/job 1/cpu.max", "150000 100000\n"
                        "batch/job 1/memory.max", "17179869184\n"
                    ]
                    (fun root ->
                        Expect.equal (limits root [ "0::/batch/job 1" ]) (Some 1.5, Some 8589934592L) "limits"
                        Expect.equal (limits root [ "0::/not/here" ]) (None, None) "unlimited root")
            }

            test "control groups, version 1: unlimited is a huge number or minus one" {
                withFiles
                    [
                        "cpu,cpuacct/box/cpu.cfs_quota_us", "200000\n"
                        "cpu,cpuacct/box/cpu.cfs_period_us", "100000\n"
                        "cpu,cpuacct/cpu.cfs_quota_us", "-1\n"
                        "cpu,cpuacct/cpu.cfs_period_us", "100000\n"
                        "memory/box/memory.limit_in_bytes", "9223372036854771712\n"
                    ]
                    (fun root ->
                        let membership = [ "4:memory:/box"; "3:cpu,cpuacct:/box"; "1:name=systemd:/box"; "nonsense" ]
                        Expect.equal (limits root membership) (Some 2.0, None) "limits")
            }

            test "no control groups at all mean no limits" {
                Expect.equal (limits "/nowhere" [ "0::/" ]) (None, None) "limits"
            }

            test "a spinning OpenMP is pointed out, a sleeping one is not" {
                let words (environment: (string * string) list) =
                    let found = dict environment

                    [
                        for setting in
                            Machine.ThreadSettings(fun name ->
                                match found.TryGetValue name with
                                | true, value -> value
                                | _ -> null) -> setting.Description
                    ]

                let policy environment = List.item 0 (words environment)
                let spin environment = List.item 1 (words environment)
                Expect.stringContains (policy []) "sets it to passive" "nothing to do"
                Expect.stringContains (policy [ "OMP_WAIT_POLICY", "active" ]) "set it to passive" "what to do"

                Expect.stringStarts
                    (policy [ "OMP_WAIT_POLICY", "PASSIVE" ])
                    "PASSIVE: waiting threads sleep"
                    "any case"

                Expect.stringStarts (spin [ "GOMP_SPINCOUNT", "1000" ]) "1000: waiting threads spin" "spin count"
            }

            test "versions of NCCL are read in both of its spellings" {
                Expect.equal (NcclLibrary.VersionText 2804) "2.8.4" "old"
                Expect.equal (NcclLibrary.VersionText 22304) "2.23.4" "new"
            }

            test "SDKs and GPUs are read from their directories" {
                withFiles
                    [
                        "sdk/10.0.100/x", ""
                        "sdk/9.0.1/x", ""
                        "sdk/NuGetFallbackFolder/x", ""
                        "shared/Microsoft.NETCore.App/10.0.0/x", ""
                        "gpus/0000:01:00.0/information", "Model: \t\t NVIDIA A100\nIRQ: 1\n"
                    ]
                    (fun root ->
                        let runtime = Path.Combine(root, "shared", "Microsoft.NETCore.App", "10.0.0")
                        Expect.containsAll (Machine.SdksBeside runtime) [ "9.0.1"; "10.0.100" ] "SDKs"
                        Expect.hasLength (Machine.SdksBeside runtime) 2 "folders that are no SDK do not count"

                        Expect.equal
                            (List.ofSeq (Machine.GpuNames(Path.Combine(root, "gpus"))))
                            [ "NVIDIA A100" ]
                            "GPUs"

                        Expect.isEmpty (Machine.GpuNames(Path.Combine(root, "none"))) "no driver")
            }
        ]
