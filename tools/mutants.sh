#!/bin/sh
# mutants: breaks one line of the product at a time and sees whether the simulator notices; ends "N passed, N failed".
# A mutant is tests/sim/mutants/NAME.patch: free text, a line "catcher: I-xx" (the invariant that should see it) or
# "catcher: disk" (the disk test should, in the simulator's place), then a diff from the root of the tree. Each is
# built in a copy under BUILD-FOLDER/mutants, two at a time.
# Usage: tools/mutants.sh BUILD-FOLDER [NAME...]     SEEDS=A..B: how long to look (1..500)   LIMIT_S: for each mutant
set -u
cd "$(dirname "$0")/.." || exit 70
SEEDS=${SEEDS:-1..500}
LIMIT_S=${LIMIT_S:-240}
MAKE=${MAKE:-make}
export SEEDS LIMIT_S MAKE
unset MAKEFLAGS MFLAGS MAKELEVEL

first_failure() { # OUTPUT: "seed K (invariant)" from a line "seed K: I-xx ..."
	sed -n 's/^seed \([0-9]*\): *\(.*\)$/seed \1 (\2)/p; s/^ERROR: \(disk: .*\)$/\1/p' "$1" | head -n 1
}

copy_tree() { # FOLDER: sources and objects with their times, so that only what the patch touches is built again
	rm -rf "$1"
	mkdir -p "$1/build" &&
		cp -a Makefile bot handlers sandbox templates migrations connectors tools "$1/" &&
		mkdir -p "$1/tests" && cp -a tests/lib tests/sim tests/scenario tests/disk "$1/tests/" &&
		cp -a "$B/o" "$B"/*.a "$B/embed" "$B"/embedded.* "$1/build/" &&
		find "$1/build/o" -name '*.d' -exec sed -i "s|^$B/|build/|" {} +
}

judge() { # NAME: prints its verdict, exit code 0 when it was caught
	patch=tests/sim/mutants/$1.patch
	copy=$B/mutants/$1
	copy_tree "$copy" || return 1
	if ! GIT_CEILING_DIRECTORIES=$(cd "$B/mutants" && pwd) git -C "$copy" apply -C1 --recount --whitespace=nowarn \
		"$PWD/$patch" 2>"$copy.out"; then
		echo "$1 FAILED: the patch does not apply: $(head -n 1 "$copy.out")"
		return 1
	fi
	wanted=$(sed -n 's/^catcher: *//p' "$patch" | head -n 1)
	set -- "$1" build/sim --seeds "$SEEDS" --until-failure --once
	[ "$wanted" != disk ] || set -- "$1" build/disk
	if ! "$MAKE" -s -C "$copy" B=build WERROR= "$2" >"$copy.out" 2>&1; then
		echo "$1 FAILED: does not build: $(grep -m1 error: "$copy.out")"
		return 1
	fi
	name=$1
	shift
	(cd "$copy" && timeout -k 5 "$LIMIT_S" "$@") </dev/null >"$copy.out" 2>&1
	rc=$?
	found=$(first_failure "$copy.out")
	rm -rf "$copy"
	case $rc:$found in
	0:*)
		echo "$name SURVIVED seeds $SEEDS (wanted: ${wanted:-any})"
		return 1
		;;
	124:*) echo "$name caught by the time limit of $LIMIT_S s" ;;
	*:) echo "$name FAILED: exit code $rc without a seed: $(tail -n 1 "$copy.out")"; return 1 ;;
	*"${wanted%% *}"*) echo "$name caught by $found" ;;
	*) echo "$name caught by $found, though not by ${wanted}" ;;
	esac
}

if [ "${1:-}" = --one ]; then
	B=$2
	judge "$3" && : >"$B/mutants/$3.caught"
	exit 0
fi
B=${1:?usage: tools/mutants.sh BUILD-FOLDER [NAME...]}
shift
if [ $# -eq 0 ]; then
	for patch in tests/sim/mutants/*.patch; do
		[ -f "$patch" ] || continue
		name=${patch##*/}
		set -- "$@" "${name%.patch}"
	done
fi
rm -rf "$B/mutants"
mkdir -p "$B/mutants"
if ! "$B/sim" --seeds "$SEEDS" --until-failure --once </dev/null >"$B/mutants/sound.out" 2>&1; then
	tail -n 20 "$B/mutants/sound.out"
	echo "mutants: the unchanged program fails already: $(first_failure "$B/mutants/sound.out")"
	echo "0 passed, 1 failed"
	exit 1
fi
[ $# -eq 0 ] || printf '%s\0' "$@" | xargs -0 -n1 -P2 tools/mutants.sh --one "$B"
caught=$(find "$B/mutants" -name '*.caught' | wc -l)
echo "$caught passed, $(($# - caught)) failed"
[ "$caught" -eq $# ]
