#!/bin/sh
# Gives everything in a layer one time, so that equal content makes an equal layer, whenever it is built.
set -eu

find "$1" -exec touch --no-dereference --date=@946684800 {} +
