#!/usr/bin/env bash
# Builds the image, unless the one that has its name was built from these very inputs, and writes its bill of materials
# to build/sbom.cdx.json. Where it cannot be built it says why and what mends it, and fails.
# Arguments are handed to `docker build`.
# Environment: IMAGE_NAME, BASE_IMAGE, SSL_CERT_FILE (handed to pip and apt as a build secret).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

name=${IMAGE_NAME:-fraudlab-xgboost}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/fraudlab/_version.py)
image=$name:$version
bill=build/${IMAGE_NAME:+${IMAGE_NAME//\//-}.}sbom.cdx.json
default_base=$(sed -n 's/^ARG BASE_IMAGE=//p' containers/xgboost/Dockerfile)
sources=(src/fraudlab/__init__.py src/fraudlab/_version.py src/fraudlab/container src/fraudlab/evaluation containers)

say() { printf 'image: %s\n' "$*"; }
die() { printf 'image: %s\nfix: %s\n' "$1" "$2" >&2; exit 1; }
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
    die "no Docker engine answers, and no image is built" "start Docker, or run without it: fraudlab train backend=process"
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
    [ -z "${BASE_IMAGE:-}" ] ||
        die "BASE_IMAGE $base neither exists here nor can be pulled" "name another, or unset BASE_IMAGE"
    base=fraudlab-base:bookworm
    say "$default_base cannot be pulled: using $base, built from Debian packages"
    said=$(mktemp)
    containers/base/build.sh "$base" 2>"$said" || {
        cat "$said" >&2
        why=$(sed -n 's/^base-image: //p' "$said" | tail -n 1)
        [ -n "$why" ] || why=$(tail -n 1 "$said")
        how=$(sed -n 's/^fix: //p' "$said" | tail -n 1)
        rm -f "$said"
        die "$default_base cannot be pulled, and its stand-in cannot be built: ${why:-without a word}" "${how:-make base-image}"
    }
    rm -f "$said"
fi
# A registry's digest, or where the base never was in one its id here.
digest=$(docker image inspect --format '{{if .RepoDigests}}{{index .RepoDigests 0}}{{else}}{{.Id}}{{end}}' "$base")

secret=()
[ -z "${SSL_CERT_FILE:-}" ] || [ ! -f "$SSL_CERT_FILE" ] || secret=(--secret "id=ca,src=$SSL_CERT_FILE")

say "building $image on $base"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
DOCKER_BUILDKIT=1 docker build --quiet --file containers/xgboost/Dockerfile --tag "$image" --tag "$name:latest" \
    --build-arg "BASE_IMAGE=$base" --build-arg "BASE_NAME=$base" --build-arg "BASE_DIGEST=${digest##*@}" \
    --build-arg "VERSION=$version" --build-arg "REVISION=${revision:-unknown}" \
    --build-arg "CREATED=${created:-1970-01-01T00:00:00Z}" --build-arg "SOURCE_DATE_EPOCH=${epoch:-0}" \
    --build-arg "INPUTS=$inputs" "${secret[@]}" "$@" . >/dev/null 2>"$said" || {
    cat "$said" >&2
    if grep -qi 'no space left on device' "$said"; then
        die "the disk is full" "free some space, for example: docker system prune"
    elif grep -qi 'buildx' "$said"; then
        die "this docker client builds with buildx, which is missing or broken" "install it: apt-get install docker-buildx-plugin (docker-buildx on Debian)"
    elif grep -qiE 'permission denied.*docker' "$said"; then
        die "this user may not use the Docker engine" "sudo usermod -aG docker $(id -un), and log in again"
    fi
    die "docker build failed: $(grep -v '^ *$' "$said" | tail -n 1)" "see what it printed, then make image"
}
say "$image is ready ($(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B)"
write_bill
