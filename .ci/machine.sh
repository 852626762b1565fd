#!/usr/bin/env bash
# Brings a bare Debian machine to what the full test run needs: a Docker engine with Compose v2 and buildx,
# debootstrap for the base image, a browser and a load generator. Idempotent; run it as root.
set -euo pipefail

plugins=/usr/local/lib/docker/cli-plugins
engine_log=/var/log/dockerd.log

say() { printf 'machine: %s\n' "$*"; }
die() { printf 'machine: %s\n' "$*" >&2; exit 1; }

install_packages() {
    local package missing=()
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null
}

# The URI of the archive this machine already uses, so that no host name is written here.
archive() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $1" 'Label: Debian' | head -n 1
}

# bookworm's docker-compose is the old 1.29 and it has no buildx; trixie's plugins are static enough to run on it.
install_plugins() {
    if docker compose version --short 2>/dev/null | grep -qE '^v?[2-9]' && docker buildx version >/dev/null 2>&1; then
        return 0
    fi
    local codename uri work
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    uri=$(archive "$codename")
    [ -n "$uri" ] || { apt-get update --quiet=2; uri=$(archive "$codename"); }
    [ -n "$uri" ] || die "no Debian archive in the apt sources of this machine"
    say "taking Compose and buildx from trixie"
    work=$(mktemp -d)
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root" "$plugins"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri trixie main" >"$work/sources.list"
    local private=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=-
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
    apt-get "${private[@]}" --quiet=2 update
    (cd "$work" && apt-get "${private[@]}" --quiet=2 download docker-compose docker-buildx)
    local deb
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$work/root"; done
    install -m 755 "$work"/root/usr/libexec/docker/cli-plugins/* "$plugins/"
    rm -rf "$work"
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

start_engine() {
    engine_answers && return 0
    local file
    # After a hard stop these files name processes that are gone, or somebody else's by now.
    for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
        if [ -f "$file" ] && ! grep -qE '^(dockerd|containerd)$' "/proc/$(cat "$file")/comm" 2>/dev/null; then
            rm -f "$file"
        fi
    done
    say "starting dockerd (log: $engine_log)"
    setsid nohup dockerd >>"$engine_log" 2>&1 </dev/null &
    local second
    for second in $(seq 60); do
        engine_answers && return 0
        sleep 1
    done
    tail -n 20 "$engine_log" >&2
    [ "$(command -v docker)" = /usr/bin/docker ] || ! /usr/bin/docker version >/dev/null 2>&1 ||
        die "$(command -v docker) does not speak to Debian's engine but /usr/bin/docker does: put /usr/bin first in PATH"
    die "no Docker engine after $second s"
}

[ "$(id -u)" = 0 ] || die "must run as root"
# procps: SageMaker's local mode calls pgrep. docker-registry: a rehearsal's images.
install_packages ca-certificates git make procps python3 python3-venv docker.io iptables debootstrap chromium docker-registry wrk
install_plugins
start_engine
say "engine $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short)," \
    "buildx $(docker buildx version | cut -d' ' -f2)"
