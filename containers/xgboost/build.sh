#!/usr/bin/env bash
# Builds the image, unless the one that has its name was built from these very inputs.
# Succeeds without an image where there is no Docker engine: runs then use the `process` backend.
# Environment: BASE_IMAGE, SSL_CERT_FILE (handed to pip as a build secret).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/fraudlab/__init__.py)
image=fraudlab-xgboost:$version
default_base=$(sed -n 's/^ARG BASE_IMAGE=//p' containers/xgboost/Dockerfile)

say() { printf 'image: %s\n' "$*"; }

if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    say "no Docker engine answers: no image is built, and runs use plain processes"
    exit 0
fi

inputs=$({
    echo "${BASE_IMAGE:-$default_base}"
    {
        find src/fraudlab/__init__.py src/fraudlab/container src/fraudlab/evaluation -name '*.py'
        ls containers/base/build.sh containers/xgboost/{Dockerfile,Dockerfile.dockerignore,requirements.txt,prune.sh,command}
    } | LC_ALL=C sort | xargs sha256sum
} | sha256sum | cut -c1-16)
if [ "$(docker image inspect --format '{{index .Config.Labels "fraudlab.inputs"}}' "$image" 2>/dev/null)" = "$inputs" ]; then
    docker tag "$image" fraudlab-xgboost:latest
    say "$image is up to date"
    exit 0
fi

base=${BASE_IMAGE:-$default_base}
if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 300 docker pull --quiet "$base" >/dev/null 2>&1; then
    [ -z "${BASE_IMAGE:-}" ] || { say "BASE_IMAGE $base neither exists here nor can be pulled" >&2; exit 1; }
    base=fraudlab-base:bookworm
    say "$default_base cannot be pulled: using $base, built from Debian packages"
    containers/base/build.sh "$base"
fi

revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain -- src/fraudlab/{__init__.py,container,evaluation} containers 2>/dev/null)" ] || revision+=-dirty
secret=()
[ -z "${SSL_CERT_FILE:-}" ] || [ ! -f "$SSL_CERT_FILE" ] || secret=(--secret "id=ca,src=$SSL_CERT_FILE")

say "building $image on $base"
DOCKER_BUILDKIT=1 docker build --quiet --file containers/xgboost/Dockerfile --tag "$image" --tag fraudlab-xgboost:latest \
    --build-arg "BASE_IMAGE=$base" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --build-arg "INPUTS=$inputs" "${secret[@]}" . >/dev/null
say "$image is ready ($(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B)"
