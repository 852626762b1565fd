#!/usr/bin/env bash
# Builds a base image with Python from Debian packages, for machines that reach a Debian mirror but no container
# registry. The mirror is the one this machine's apt uses. Does nothing if an image of this same script exists.
set -euo pipefail

suite=bookworm
image=${1:-fraudlab-base:$suite}
label=fraudlab.inputs

die() { printf 'base-image: %s\n' "$*" >&2; exit 1; }

inputs=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-16)
built=$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$image" 2>/dev/null || true)
if [ "$built" = "$inputs" ]; then
    echo "base-image: $image is up to date"
    exit 0
fi

[ "$(id -u)" = 0 ] || die "debootstrap must run as root: sudo $0, or set BASE_IMAGE to an image that can be pulled"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"

mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1; }
archive=$(mirror)
[ -n "$archive" ] || { apt-get update --quiet=2; archive=$(mirror); }
[ -n "$archive" ] || die "no Debian archive in the apt sources of this machine"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
rootfs=$work/rootfs
echo "base-image: building $image with debootstrap (about a minute)"
debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" "$rootfs" "$archive" \
    >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; die "debootstrap failed"; }

# Licences stay; documentation, translations, package lists and caches do not.
find "$rootfs/usr/share/doc" ! -type d ! -name copyright -delete
find "$rootfs/usr/share/doc" -type d -empty -delete
rm -rf "$rootfs"/usr/share/{man,info,locale,lintian,bash-completion,common-licenses/*-old} \
    "$rootfs"/var/lib/apt/lists/* "$rootfs"/var/cache/{apt,debconf}/* "$rootfs"/var/log/* \
    "$rootfs"/usr/lib/python3*/{idlelib,lib2to3,pydoc_data,turtledemo} "$rootfs"/tmp/*
find "$rootfs/usr/lib" -name __pycache__ -prune -exec rm -rf {} +
find "$rootfs/usr/lib" -path '*/gconv/*' -name '*.so' ! -name 'UTF*' ! -name 'ISO8859-1*' -delete
rm -f "$rootfs"/etc/{hostname,resolv.conf,machine-id}

tar --create --numeric-owner --directory "$rootfs" . |
    docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' --change "LABEL $label=$inputs" - "$image" \
        >/dev/null
echo "base-image: $image is ready ($(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B)"
