#!/usr/bin/env bash
# A fresh laptop: an unprivileged user with Debian's own Python, no docker in PATH and a clean clone in its home.
# Runs both commands of the README, and every block of README and docs that needs no Docker, as that user. Run it as
# root; the user and its home are removed again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

person=fraudlab-laptop
say() { printf 'laptop: %s\n' "$*"; }
die() { printf 'laptop: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "must run as root, to be somebody else"

leave() {
    id "$person" >/dev/null 2>&1 || return 0
    pkill -KILL -u "$person" || true # everything of this user was started here
    userdel --force --remove "$person" >/dev/null 2>&1 || true
}
leave
trap leave EXIT
useradd --create-home --shell /bin/bash "$person"
home=$(getent passwd "$person" | cut -d: -f6)

# What Debian always has, and what the README asks for: nothing else is in this user's PATH.
bin=$home/bin
mkdir "$bin"
{
    dpkg-query --show --showformat='${Package} ${Essential} ${Priority}\n' |
        awk '$2 == "yes" || $3 == "required" || $3 == "important" { print $1 }'
    printf '%s\n' git make curl ca-certificates python3 python3-minimal python3.11 python3.11-minimal python3-venv
} | sort -u | xargs dpkg-query --listfiles 2>/dev/null | grep -E '^(/usr)?/bin/[^/]+$' | sort -u |
    while read -r tool; do ln -sf "$tool" "$bin/"; done
ln -sf /usr/bin/awk /usr/bin/which "$bin/"
[ ! -e "$bin/docker" ] || die "docker is in the laptop's PATH"

# How pip finds packages here, as variables: this user reads no configuration of root's.
environment=(HOME="$home" PATH="$bin" USER="$person" LANG=C.UTF-8 TERM=dumb)
while IFS='=' read -r name value; do
    name=${name#:env:.}
    name=${name#global.}
    name=${name#install.}
    value=${value#\'}
    environment+=("PIP_$(tr a-z- A-Z_ <<<"$name")=${value%\'}")
done < <(/usr/bin/python3 -m pip config list 2>/dev/null | sed 's/\\n/ /g')
for name in SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

# The other lane of .ci/run runs these; which tests passed here, it is told at the end.
outcomes=$home/outcomes.txt
environment+=(PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --deselect=tests/fuzz --deselect=tests/supply --deselect=tests/container --outcomes=$outcomes")

as_person() { runuser -u "$person" -- env -i "${environment[@]}" bash -c "cd; $1"; }

git clone --quiet --no-hardlinks . "$home/fraudlab"
chown -R "$person:" "$home"
say "$(as_person 'python3 --version'), docker: $(as_person 'command -v docker || echo none')"
# The first block of the README is `make train-local` and `make test`.
as_person 'cd fraudlab && make setup'
as_person 'cd fraudlab && .venv/bin/python .ci/blocks.py'
mkdir -p build
cp "$outcomes" build/laptop-outcomes.txt
cp "$outcomes.seen-actions" build/laptop-outcomes.txt.seen-actions
