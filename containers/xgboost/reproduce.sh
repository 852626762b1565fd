#!/usr/bin/env bash
# Builds the image of this commit a second time, without a cache, and compares the two to the last byte.
# With --base the base is built a second time as well, where it is the one built from Debian packages.
# Environment: as for build.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/fraudlab/_version.py)
first=${IMAGE_NAME:-fraudlab-xgboost}:$version
again=fraudlab-again
say() { printf 'reproduce: %s\n' "$*"; }

docker version --format '{{.Server.Version}}' >/dev/null || { say "needs a Docker engine" >&2; exit 1; }
trap 'docker rmi --force "$again:$version" "$again:latest" "$again-base:latest" >/dev/null 2>&1 || true
    rm -f "build/$again.sbom.cdx.json"' EXIT

containers/xgboost/build.sh
base=$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.base.name"}}' "$first")
if [ "${1:-}" = --base ]; then
    packages() { docker image inspect --format '{{index .Config.Labels "fraudlab.packages"}}' "$1"; }
    [ -n "$(packages "$base")" ] || { say "$base was not built from Debian packages: leave out --base" >&2; exit 1; }
    docker rmi --force "$again-base:latest" >/dev/null 2>&1 || true
    containers/base/build.sh "$again-base:latest"
    [ "$(packages "$base")" = "$(packages "$again-base:latest")" ] ||
        { say "the Debian archive has moved on since $base was built; remove that image and build again" >&2; exit 1; }
    .venv/bin/python containers/xgboost/compare.py "$base" "$again-base:latest"
    base=$again-base:latest
fi
IMAGE_NAME=$again BASE_IMAGE=$base containers/xgboost/build.sh --no-cache
.venv/bin/python containers/xgboost/compare.py "$first" "$again:$version"
