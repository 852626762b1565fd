#!/usr/bin/env bash
# Builds a base image with Python from Debian packages, for machines that reach a Debian mirror but no container
# registry. Does nothing if an image of this same script exists. Environment: DEBIAN_ARCHIVE, the URI of another archive
# than the one this machine's apt uses, such as a snapshot's.
set -euo pipefail

suite=bookworm
image=${1:-fraudlab-base:$suite}
label=fraudlab.inputs
# binutils: `strip`, for the image's build. What the image itself keeps of this, containers/xgboost/prune-base.sh says.
packages=binutils,ca-certificates,python3,python3-venv
# Equal packages make an equal image, whenever it is built.
export SOURCE_DATE_EPOCH=946684800 LC_ALL=C

die() { printf 'base-image: %s\nfix: %s\n' "$1" "$2" >&2; exit 1; }

inputs=$({ cat "${BASH_SOURCE[0]}"; echo "${DEBIAN_ARCHIVE:-}"; } | sha256sum | cut -c1-16)
built=$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$image" 2>/dev/null || true)
if [ "$built" = "$inputs" ]; then
    echo "base-image: $image is up to date"
    exit 0
fi

[ "$(id -u)" = 0 ] ||
    die "a base is made by debootstrap, which must run as root" \
        "sudo make base-image, or set BASE_IMAGE to an image that can be pulled"
command -v debootstrap >/dev/null ||
    die "a base is made by debootstrap, which is not installed" "apt-get install debootstrap"

mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1; }
archive=${DEBIAN_ARCHIVE:-$(mirror)}
[ -n "$archive" ] || { apt-get update --quiet=2; archive=$(mirror); }
[ -n "$archive" ] ||
    die "there is no Debian archive in the apt sources of this machine" "name one: DEBIAN_ARCHIVE=URI make base-image"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
rootfs=$work/rootfs
echo "base-image: building $image with debootstrap (about a minute)"
debootstrap --variant=minbase --include="$packages" "$suite" "$rootfs" "$archive" >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; die "debootstrap failed ($(tail -n 1 "$work/log"))" "see what it printed, then make base-image"; }

# Licences stay; documentation, translations, package lists, caches and logs do not.
find "$rootfs/usr/share/doc" -type f ! -name copyright -delete
find "$rootfs/usr/share/doc" -type d -empty -delete
rm -rf "$rootfs"/usr/share/{man,info,locale,lintian,bash-completion} "$rootfs"/var/lib/apt/lists/* \
    "$rootfs"/var/cache/{apt,debconf,ldconfig}/* "$rootfs"/var/log/* "$rootfs"/tmp/*
find "$rootfs/usr/lib" -name __pycache__ -prune -exec rm -rf {} +
rm -f "$rootfs"/etc/{hostname,resolv.conf,machine-id,*-} "$rootfs"/var/lib/dpkg/*-old

versions=$(dpkg-query --admindir="$rootfs/var/lib/dpkg" --show | sha256sum | cut -c1-16)
tar --create --numeric-owner --sort=name --mtime="@$SOURCE_DATE_EPOCH" --directory "$rootfs" . |
    docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' --change "LABEL $label=$inputs" \
        --change "LABEL fraudlab.packages=$versions" - "$image" >/dev/null
echo "base-image: $image is ready ($(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B)"
