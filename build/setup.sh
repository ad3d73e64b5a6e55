# Sourced by graph-pruning and test.sh, which set $root. Installs what is missing, builds what is stale, and costs a
# few milliseconds when nothing is.                                                        POSIX sh, no bashisms
#
#   prepare NAME PROJECT SECONDS     PROJECT is built, and .build/NAME.stamp is its proof
#
# Reads: NUGET_PACKAGES, HOME, GRAPH_PRUNING_LIBTORCH, TorchBackend. Everything it writes is under .build/ and the projects' bin/, obj/.

SDK_WANTED=10.0
state=$root/.build

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 5
}

# libtorch's OpenMP threads spin while they wait unless this is in the environment before the process starts. Other
# processes on the machine then lose most of their time, and so do our own threads.
: "${OMP_WAIT_POLICY=passive}" "${GOMP_SPINCOUNT=0}"
export OMP_WAIT_POLICY GOMP_SPINCOUNT

find_dotnet() {
    if command -v dotnet >/dev/null 2>&1; then
        dotnet=dotnet
        return
    fi
    for dotnet in "${DOTNET_ROOT:-/usr/share/dotnet}/dotnet" "${HOME:-/root}/.dotnet/dotnet" /usr/share/dotnet/dotnet /usr/lib/dotnet/dotnet /usr/local/share/dotnet/dotnet; do
        [ -x "$dotnet" ] && return
    done
    fail "GraphPruning needs the .NET SDK $SDK_WANTED and found no dotnet on this machine: install the package dotnet-sdk-$SDK_WANTED of your distribution, or see https://dotnet.microsoft.com/download, and run this again."
}

check_sdk() {
    found=$("$dotnet" --list-sdks 2>/dev/null | sed 's/ .*//' | tr '\n' ' ')
    case " $found" in
    *" $SDK_WANTED."*) ;;
    *) fail "GraphPruning needs the .NET SDK $SDK_WANTED and found ${found:-only runtimes }with $dotnet: install the package dotnet-sdk-$SDK_WANTED of your distribution, or see https://dotnet.microsoft.com/download, and run this again." ;;
    esac
}

# True when NAME was built after the last change of any source, with packages that are still there. The folders count
# too: a deleted file leaves no newer file behind. bin/ and obj/ are results.
fresh() {
    stamp=$state/$1.stamp backend=
    [ -f "$stamp" ] || return 1
    { read -r libtorch && read -r backend; } <"$stamp"
    [ "${TorchBackend:-$backend}" = "$backend" ] || return 1
    [ -e "$libtorch" ] || [ -n "${GRAPH_PRUNING_LIBTORCH-}" ] || return 1
    [ -z "$(changed_since "$stamp" "$1")" ]
}

# changed_since FILE NAME [find's tests]: one source of NAME that is newer than FILE, or nothing.
changed_since() {
    reference=$1 name=$2
    shift 2
    case $name in
    tests) folders="$root/tests" ;;
    *) folders="" ;;
    esac
    find "$root/src" ${folders:+"$folders"} "$root/build" "$root/.config" "$root/global.json" "$root/paket.dependencies" \
        "$root/paket.lock" "$root/Directory.Build.props" "$root/Directory.Build.targets" \
        \( -name bin -o -name obj \) -prune -o -newer "$reference" "$@" -print -quit
}

# Where packages are kept. An unwritable or missing home gets one of our own, so that nothing depends on it.
choose_home() {
    if [ -z "${HOME-}" ] || ! [ -w "$HOME" ]; then
        config=${HOME-}/.nuget/NuGet/NuGet.Config
        mkdir -p "$state/home/.nuget/NuGet"
        [ -r "$config" ] && cp "$config" "$state/home/.nuget/NuGet/NuGet.Config"
        HOME=$state/home
        export HOME
    fi
    : "${NUGET_PACKAGES:=$HOME/.nuget/packages}"
    export NUGET_PACKAGES
    # Paket resolves from ~/.nuget/packages. Where packages live elsewhere, it is given a home in which that is true.
    if [ "$NUGET_PACKAGES" != "$HOME/.nuget/packages" ]; then
        mkdir -p "$NUGET_PACKAGES" "$state/home/.nuget/NuGet"
        [ -r "$HOME/.nuget/NuGet/NuGet.Config" ] && [ "$HOME" != "$state/home" ] &&
            cp "$HOME/.nuget/NuGet/NuGet.Config" "$state/home/.nuget/NuGet/NuGet.Config"
        ln -sfn "$NUGET_PACKAGES" "$state/home/.nuget/packages"
        HOME=$state/home
        export HOME
    fi
}

# Runs a step and keeps its output to itself, unless it fails.
step() {
    if ! "$@" >"$state/step.log" 2>&1 </dev/null 9>&-; then
        cat "$state/step.log" >&2
        return 1
    fi
}

install_packages() {
    libtorch_version=$(sed -n 's/^    libtorch-cpu-linux-x64 (\(.*\)).*/\1/p' "$root/paket.lock")
    libtorch=$NUGET_PACKAGES/libtorch-cpu-linux-x64/$libtorch_version/runtimes/linux-x64/native/libtorch_cpu.so
    setup=$state/setup.stamp
    if [ -f "$setup" ] && [ "$(cat "$setup")" = "$NUGET_PACKAGES" ] && [ -e "$libtorch" ] &&
        [ -z "$(find "$root/paket.lock" "$root/build/packages.proj" "$root/.config/dotnet-tools.json" -newer "$setup")" ]; then
        return
    fi
    [ -e "$libtorch" ] || say "Fetching packages (about 250 MB, once) ..."
    step "$dotnet" tool restore || return 1
    step "$dotnet" restore build/packages.proj --disable-build-servers -p:NuGetAudit=false || return 1
    # Paths of another package folder may stand in the restored projects.
    rm -f paket-files/paket.restore.cached
    printf '%s\n' "$NUGET_PACKAGES" >"$setup.new"
    mv "$setup.new" "$setup"
}

build() (
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_UI_LANGUAGE=en
    choose_home
    cd "$root" || exit 1
    install_packages || fail "The packages could not be installed: the messages above say why; check what 'dotnet nuget list source' names, and run this again."
    # cpu or cuda (docs/how-to/use-a-gpu.md); MSBuild reads the variable. Once chosen it stays, until another one is named.
    : "${TorchBackend:=${backend:-cpu}}"
    export TorchBackend
    say "Building GraphPruning (about $3 s) ..."
    touch "$state/$1.start"
    step "$dotnet" build "$2" -c Release -v quiet -nologo --disable-build-servers -clp:NoSummary || {
        say "GraphPruning could not be built: the messages above say why."
        exit 1
    }
    # Sources that changed while they were being compiled stay newer than the stamp.
    printf '%s\n' "$libtorch" "$TorchBackend" >"$state/$1.new"
    [ -z "$(changed_since "$state/$1.start" "$1" -type f)" ] || touch -r "$state/$1.start" "$state/$1.new"
    [ "$1" = tests ] && cp -p "$state/$1.new" "$state/program.stamp" # The solution holds the program.
    mv "$state/$1.new" "$state/$1.stamp"
)

prepare() {
    find_dotnet
    fresh "$1" && return
    check_sdk
    mkdir -p "$state" 2>/dev/null
    [ -w "$state" ] || fail "GraphPruning must be built, but $state cannot be written to: ask its owner to run $root/graph-pruning doctor once."
    # Only one builds; the others wait and then find the work done. Descriptor 9 is closed for everything that is
    # started, or a process that stays behind would keep the lock.
    {
        if ! flock -n 9; then
            say "Waiting for another build of GraphPruning to end ..."
            flock 9
        fi
        fresh "$1" || build "$@" 9>&- || exit $?
    } 9>"$state/lock"
}
