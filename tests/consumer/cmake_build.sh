#!/bin/sh
# cmake_build.sh SOURCE WORK [-DOPTION=VALUE…]: builds a consumer as a user of CMake would.
#
# Two compilers at a time, whatever else is built beside it. The end of a failed build is told once
# more without the lines of what succeeded. Where no word is about a source (a compiler that was
# killed or crashed says nothing of the kind), the build goes on once, and that is said aloud.
set -eu
source=$1 work=$2
shift 2
mkdir -p "$work"
log=$work/build.log
# What a compiler or linker has against a source, or CMake against the project.
blames='^[^ ]+:[0-9]+(:[0-9]+)?: (fatal )?error:|undefined reference|multiple definition|CMake Error'

build() {
  cmake --build "$work" --parallel 2 >"$log" 2>&1 && return
  grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" >&2 || tail -n 40 "$log" >&2
  return 1
}

cmake -S "$source" -B "$work" -G Ninja "$@"
build && exit
if grep -qE "$blames" "$log"; then exit 1; fi
echo "the build failed without a word about a source (above); it goes on once more" >&2
free -m >&2 || true
build
