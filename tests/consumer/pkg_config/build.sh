#!/bin/sh
# build.sh COMPILER PREFIX WORK: builds the program as a Makefile user would.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pc=$(find "$2" -name tracestore.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
mkdir -p "$3"
# shellcheck disable=SC2046  # flags, one a word
"$1" -std=c++20 "$here/../main.cc" -o "$3/consumer" $(pkg-config --static --cflags --libs tracestore)
