#!/usr/bin/env bash
# Wheel and source archive in dist/, both built by the locked hatchling without asking a registry for another. Then
# each is installed in an environment of its own, with the launcher's locked packages, and makes a small run there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=$PWD/.venv/bin
rm -rf dist
echo "dist: building"
"$bin/python" -m build --no-isolation --outdir dist . >/dev/null
ls -1 dist
[ "${1:-}" != --no-try ] || exit 0

there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
echo "dist: the launcher's locked packages in an empty environment (a minute or two)"
"$bin/python" -m venv "$there/venv"
pip=("$there/venv/bin/python" -m pip --disable-pip-version-check --quiet)
"${pip[@]}" install --require-hashes --no-deps --use-pep517 -r requirements/launcher.txt

# The empty environment has no hatchling, so the source archive becomes a wheel here.
"$bin/python" -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation \
    --wheel-dir "$there/from-source" dist/*.tar.gz

try() { # WHAT WHEEL: a small run of it in an empty folder
    "${pip[@]}" install --no-deps --force-reinstall "$2"
    rm -rf "$there/empty"
    mkdir "$there/empty"
    (cd "$there/empty" && "$there/venv/bin/fraudlab" train backend=process tracking=off data.rows=5000 \
        data.fraud_rate=0.02 model.num_round=3 >"$there/progress" 2>&1) ||
        { cat "$there/progress" >&2; echo "dist: $1 does not work" >&2; exit 1; }
    echo "dist: $1 works, a run of it completed in an empty folder"
}
try "the wheel" dist/*.whl
try "the source archive" "$there"/from-source/*.whl
