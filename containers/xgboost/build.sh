#!/usr/bin/env bash
# Builds the image, unless the one that has its name was built from these very inputs, and writes its bill of materials
# to build/sbom.cdx.json. Succeeds without an image where there is no Docker engine: runs then use the `process` backend.
# Arguments are handed to `docker build`.
# Environment: IMAGE_NAME, BASE_IMAGE, SSL_CERT_FILE (handed to pip and apt as a build secret).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=${IMAGE_NAME:-fraudlab-xgboost}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/fraudlab/__init__.py)
image=$name:$version
bill=build/${IMAGE_NAME:+${IMAGE_NAME//\//-}.}sbom.cdx.json
default_base=$(sed -n 's/^ARG BASE_IMAGE=//p' containers/xgboost/Dockerfile)
sources=(src/fraudlab/__init__.py src/fraudlab/container src/fraudlab/evaluation containers)

say() { printf 'image: %s\n' "$*"; }
label() { docker image inspect --format "{{index .Config.Labels \"$1\"}}" "$image" 2>/dev/null || true; }

write_bill() {
    local container
    container=$(docker create "$image")
    mkdir -p build
    docker cp --quiet "$container:/opt/fraudlab/sbom.cdx.json" "$bill" >/dev/null
    docker rm "$container" >/dev/null
    say "bill of materials: $bill"
}

if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    say "no Docker engine answers: no image is built, and runs use plain processes"
    exit 0
fi

inputs=$({
    echo "${BASE_IMAGE:-$default_base}"
    find "${sources[@]}" -type f ! -name '*.pyc' ! -name README.md ! -name requirements.in |
        LC_ALL=C sort | xargs sha256sum
} | sha256sum | cut -c1-16)

# The commit that made these inputs what they are, and its time: a commit that leaves them alone leaves the image alone.
commit() { TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format="$1" -- "${sources[@]}" 2>/dev/null; }
revision=$(commit %H || true)
created=$(commit %cd || true)
epoch=$(commit %ct || true)
[ -z "$(git status --porcelain -- "${sources[@]}" 2>/dev/null)" ] || revision+=-dirty

if [ $# = 0 ] && [ "$(label fraudlab.inputs)" = "$inputs" ] &&
    [ "$(label org.opencontainers.image.revision)" = "${revision:-unknown}" ]; then
    docker tag "$image" "$name:latest"
    say "$image is up to date"
    grep -qF "\"${revision:-unknown}\"" "$bill" 2>/dev/null || write_bill
    exit 0
fi

base=${BASE_IMAGE:-$default_base}
if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 300 docker pull --quiet "$base" >/dev/null 2>&1; then
    [ -z "${BASE_IMAGE:-}" ] || { say "BASE_IMAGE $base neither exists here nor can be pulled" >&2; exit 1; }
    base=fraudlab-base:bookworm
    say "$default_base cannot be pulled: using $base, built from Debian packages"
    containers/base/build.sh "$base"
fi
# A registry's digest, or where the base never was in one its id here.
digest=$(docker image inspect --format '{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{.Id}}{{end}}' "$base")

secret=()
[ -z "${SSL_CERT_FILE:-}" ] || [ ! -f "$SSL_CERT_FILE" ] || secret=(--secret "id=ca,src=$SSL_CERT_FILE")

say "building $image on $base"
DOCKER_BUILDKIT=1 docker build --quiet --file containers/xgboost/Dockerfile --tag "$image" --tag "$name:latest" \
    --build-arg "BASE_IMAGE=$base" --build-arg "BASE_NAME=$base" --build-arg "BASE_DIGEST=${digest##*@}" \
    --build-arg "VERSION=$version" --build-arg "REVISION=${revision:-unknown}" \
    --build-arg "CREATED=${created:-1970-01-01T00:00:00Z}" --build-arg "SOURCE_DATE_EPOCH=${epoch:-0}" \
    --build-arg "INPUTS=$inputs" "${secret[@]}" "$@" . >/dev/null
say "$image is ready ($(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B)"
write_bill
