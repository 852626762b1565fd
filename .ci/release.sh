#!/usr/bin/env bash
# make release in a clean clone, to its end: version, changelog, wheel and source archive that make a run each in an empty
# environment, commit and tag. The clone uses the packages of this checkout's .venv and goes again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'release: %s\n' "$*" >&2; exit 1; }
version=999.0.0
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
git clone --quiet --no-hardlinks . "$there/fraudlab"
ln -s "$PWD/.venv" "$there/fraudlab/.venv"
cd "$there/fraudlab"
echo /.venv >>.git/info/exclude
git config user.name "release test"
git config user.email release@localhost
# Directly after a release there is nothing to release.
sed -i 's/^## \[Unreleased\]$/&\n\n### Added\n- A line that a release moves.\n/' CHANGELOG.md
git commit --quiet --all --allow-empty --message "Something to release"
git checkout --quiet -B release

make -o .venv/.setup -o .venv/.dev release VERSION="$version"

[ -z "$(git status --porcelain)" ] || die "the clone is not clean"
[ "$(git cat-file -t "v$version")" = tag ] || die "the tag is not annotated"
[ "$(git rev-parse "v$version^{commit}")" = "$(git rev-parse HEAD)" ] || die "the tag is not of the release's commit"
git show --format=%s --name-only HEAD
grep -A5 "^## \[$version\] - $(date -u +%Y)" CHANGELOG.md
ls dist
