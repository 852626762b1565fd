#!/bin/sh
# Compiles Python files to bytecode that never looks at its source's time, and to the same bytes every time: a fixed hash
# seed, and a process for each entry of a folder, so that nothing depends on what was compiled before.
# ROOT is the folder that will be / in the image.
set -eu

root=$1
shift
for folder in "$@"; do
    [ -d "$folder" ] || continue
    find "$folder" -mindepth 1 -maxdepth 1 ! -name __pycache__ ! -name lib-dynload \( -type d -o -name '*.py' \) -print0 |
        PYTHONHASHSEED=0 xargs -0 -n 1 -P "$(nproc)" \
            python3 -m compileall -q --invalidation-mode unchecked-hash -s "$root" -p /
done
