#!/bin/sh
# ./test.sh [--filter TEXT] [Expecto's options]          builds everything and runs the tests whose names contain TEXT.
# ./test.sh slow [--short] [--filter TEXT] [...]         the same with the long tests (tests/README.md); --short: fewer rounds.
# The last line is "N passed, N failed, N skipped"; the exit code is 0 when nothing failed and something passed.
root=$(dirname -- "$(readlink -f -- "$0")")
. "$root/build/setup.sh"
prepare tests GraphPruning.sln 90
cd "$root" || exit 1
exec "$dotnet" "$root/tests/Pruning.Tests/bin/Release/net10.0/Pruning.Tests.dll" "$@"
