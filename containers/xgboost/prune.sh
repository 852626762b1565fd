#!/bin/sh
# Drops from an environment what no job imports: tests, headers, Cython sources, Arrow's network parts.
set -eu

cd "$1"/lib/python3*/site-packages
find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' -o -name '*.h' -o -name '*.hpp' \
    -o -name '*.c' -o -name '*.cpp' -o -name '*.a' -o -name '*.lib' \) -delete
rm -rf pyarrow/include pyarrow/includes pyarrow/src numpy/_core/include
# Arrow's RPC and its cloud file systems: a job reads and writes folders, and makes no outbound call.
rm -f pyarrow/*flight* pyarrow/*s3* pyarrow/_gcsfs* pyarrow/_azurefs* pyarrow/_hdfs* pyarrow/_pyarrow_cpp_tests*

# The wheel holds three copies of one library where the build had links.
for copy in pyarrow/libarrow_python.so*; do
    original=$(ls pyarrow/libarrow_python.so.*.*.* | head -n 1)
    [ "$copy" = "$original" ] || ! cmp -s "$copy" "$original" || ln -sf "${original#pyarrow/}" "$copy"
done
