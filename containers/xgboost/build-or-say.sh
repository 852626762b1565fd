#!/usr/bin/env bash
# Builds the image for a run or for tests, which can do without. Always succeeds; where an engine answers and the image
# cannot be built, the reason and what mends it are left in build/image-problem, and the run decides by
# backend.fallback whether it goes on as plain processes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

problem=build/image-problem
mkdir -p build
rm -f "$problem"
if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    echo "image: no Docker engine answers: no image is built, and runs use plain processes"
    exit 0
fi
said=$(mktemp)
trap 'rm -f "$said"' EXIT
containers/xgboost/build.sh 2>"$said" || {
    cat "$said" >&2
    {
        sed -n 's/^image: //p' "$said" | tail -n 1 | grep . || tail -n 1 "$said"
        sed -n 's/^fix: //p' "$said" | tail -n 1
    } >"$problem"
}
