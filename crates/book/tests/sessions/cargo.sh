#!/bin/bash
# Stands in for cargo in the book's sessions: what cargo prints while it builds is left out, and the
# program runs in the session's folder. Forms of cargo that it does not know fail.
fail() { echo "cargo: $* is not known to the book's sessions" >&2; exit 101; }
build() { "$BOOK_CARGO" "$@" --quiet --target-dir "$BOOK_TARGET" --manifest-path "$BOOK_ROOT/Cargo.toml" >&2; }

verb=$1; shift
package=$BOOK_PACKAGE example='' program='' profile=debug
options=()
while [ $# -gt 0 ]; do
    case $1 in
        -p) package=$2; shift ;;
        --example) example=$2; options+=(--example "$2"); shift ;;
        --bin) program=$2; options+=(--bin "$2"); shift ;;
        --test) options+=(--test "$2"); shift ;;
        --release) profile=release; options+=(--release) ;;
        -q) ;;
        --) shift; break ;;
        -*) fail "$verb $1" ;;
        *) break ;;
    esac
    shift
done
[ -n "$package" ] || fail "$verb without -p"
# In a package's folder that stands for an earlier step, the program is that step.
if [ "$verb$package$program$example" = "run$BOOK_PACKAGE" ] && [ -n "$BOOK_EXAMPLE" ]; then
    example=$BOOK_EXAMPLE; options+=(--example "$example")
fi

case $verb in
    build) build build -p "$package" "${options[@]}" ;;
    run)
        build build -p "$package" "${options[@]}" || exit
        [ -z "$BOOK_BUILD_ONLY" ] || exit 0
        if [ -n "$example" ]; then exec "$BOOK_TARGET/$profile/examples/$example" "$@"; fi
        exec "$BOOK_TARGET/$profile/${program:-$package}" "$@"
        ;;
    test)
        build test --no-run -p "$package" "${options[@]}" || exit
        [ -z "$BOOK_BUILD_ONLY" ] || exit 0
        set -o pipefail
        export RUST_TEST_THREADS=1 # or the order of the lines would change from run to run
        noise='^ *(Blocking|Compiling|Doc-tests|Finished|Running) '
        { "$BOOK_CARGO" test --target-dir "$BOOK_TARGET" --manifest-path "$BOOK_ROOT/Cargo.toml" -p "$package" \
            "${options[@]}" "$@" 2>&1 >&3 | { grep -vE "$noise" >&2 || true; }; } 3>&1
        ;;
    *) fail "$verb" ;;
esac
