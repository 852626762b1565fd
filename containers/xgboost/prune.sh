#!/bin/sh
# Drops from an environment what no job imports: scripts, tests, headers, Cython sources, Arrow's network parts, and scipy's
# and scikit-learn's branches beyond what the jobs call. tests/docker imports and loads what is left.
set -eu

find "$1/bin" -type f -delete
cd "$1"/lib/python3*/site-packages
find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' -o -name '*.h' -o -name '*.hpp' \
    -o -name '*.c' -o -name '*.cpp' -o -name '*.a' -o -name '*.lib' -o -name '*.tp' -o -name meson.build \) -delete
rm -rf pyarrow/include pyarrow/includes pyarrow/src numpy/_core/include numpy/distutils
# Arrow's RPC, its cloud file systems and ORC: a job reads and writes folders, and makes no outbound call.
rm -f pyarrow/*flight* pyarrow/*s3* pyarrow/_gcsfs* pyarrow/_azurefs* pyarrow/_hdfs* pyarrow/*orc* pyarrow/_pyarrow_cpp_tests*
# xgboost imports scipy.sparse, scikit-learn's train_test_split its model_selection and metrics.
for branch in cluster datasets differentiate fftpack io misc odr signal; do rm -rf "scipy/$branch"; done
for branch in _loss cluster compose covariance cross_decomposition datasets decomposition ensemble experimental \
    feature_extraction feature_selection frozen gaussian_process impute inspection linear_model manifold mixture \
    neighbors neural_network semi_supervised svm tree; do
    rm -rf "sklearn/$branch"
done

# The wheel holds three copies of one library where the build had links.
for copy in pyarrow/libarrow_python.so*; do
    original=$(ls pyarrow/libarrow_python.so.*.*.* | head -n 1)
    [ "$copy" = "$original" ] || ! cmp -s "$copy" "$original" || ln -sf "${original#pyarrow/}" "$copy"
done
