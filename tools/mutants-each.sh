#!/bin/sh
# mutants-each: takes one rule at a time out of the program and sees whether a test notices: each row of the tables in
# tests/mutants/tables, and each term of the conditions of each SQL statement that changes or claims a row
# (tests/mutants/mutate.c). A mutant is built in a copy under BUILD-FOLDER/mutants; its judges are the unit tests of the
# room, the scenarios (of the sweeps of deaths a part), and then the simulator; the first that fails ends it.
# Those that survive must stand in tests/mutants/survivors with the reason. Ends
#   N caught, M survived of K (P %)
#   N passed, N failed                       failed: survivors that are not listed, and one if P is below 90
# Usage: tools/mutants-each.sh BUILD-FOLDER [WORDS]    only mutants with these words in their name
#        SEEDS=A..B: for the simulator (1..60)         DEATHS: every so-manieth of the sweeps (211)
set -u
cd "$(dirname "$0")/.." || exit 70
B=${1:?usage: tools/mutants-each.sh BUILD-FOLDER [WORDS]}
WORDS=${2:-}
MAKE=${MAKE:-make}
SEEDS=${SEEDS:-1..60}
DEATHS=${DEATHS:-211}
LEAST=90
LISTED=tests/mutants/survivors
COPY=$B/mutants/each
SQL=bot/store/statements_mutant.h
OUT=$B/mutants/each.out
export DEATHS
unset MAKEFLAGS MFLAGS MAKELEVEL

each_table() { # COMMAND...: with FILE ARRAY
	grep -v '^#' tests/mutants/tables | while read -r file array; do "$@" "$file" "$array"; done
}
rows() { # FILE ARRAY
	awk -v array="$2" -f tools/mutants-each.awk "$1" | sed "s|^|row $1 $2: |"
}
names() { "$B/mutate" list && each_table rows; }

copy_tree() { # sources and objects with their times, so that only what is mutated is built again
	rm -rf "$COPY" && mkdir -p "$COPY/build" "$COPY/tests" &&
		cp -a Makefile bot handlers sandbox templates migrations connectors playbooks deploy tools "$COPY/" &&
		cp -a tests/lib tests/sim tests/scenario tests/unit tests/fuzz "$COPY/tests/" &&
		cp -a "$B/o" "$B"/*.a "$B/embed" "$B"/embedded.* "$COPY/build/" &&
		find "$COPY/build/o" -name '*.d' -exec sed -i "s|^$B/|build/|" {} + &&
		# The texts of the statements are used in one file only.
		: >"$COPY/$SQL" && sed -i 's|^#include "store/inside.h"|&\n#include "store/statements_mutant.h"|' "$COPY/bot/store/run.c" &&
		: >"$OUT.first"
}

room_of() { # MUTANT: as in tests/unit/test_ROOM_*.c
	case $1 in
	sql*) echo store ;;
	"row handlers/"*) echo handlers ;;
	*) echo "$1" | sed 's|^row bot/\([a-z]*\)/.*|\1|' ;;
	esac
}

file_of() { # MUTANT
	case $1 in
	sql*) echo $SQL ;;
	*) echo "$1" | sed 's|^row \([^ ]*\) .*|\1|' ;;
	esac
}

mutate() { # MUTANT FILE
	case $1 in
	sql*) "$B/mutate" make "$1" >"$COPY/$2" ;;
	*)
		array=${1#row * }
		awk -v array="${array%%: *}" -v leave="$(echo "${1#*: }" | sed 's/\\/\\\\/g')" -f tools/mutants-each.awk "$2" >"$COPY/$2"
		;;
	esac
}

# The judge that noticed, or nothing. A unit test has 20 s of the CPU, a bigger one 60 s.
units_judge() { # ROOM
	{ # the one that noticed the last one first, then the quick ones
		grep "^test_$1_" "$OUT.first"
		sort -n "$OUT.costs" | sed -n "s/^[0-9]* \(test_$1_.*\)/\1/p" | grep -vxF -f "$OUT.first"
	} >"$OUT.units"
	while read -r unit; do
		run "$unit"
		case $? in
		0) ;;
		2) echo "nobody: it does not build"; return ;;
		*) echo "$unit" | tee "$OUT.first"; return ;;
		esac
	done <"$OUT.units"
}
stories_judge() {
	run scenario || { echo "the scenarios"; return; }
	run sim --seeds "$SEEDS" --until-failure --once || echo "the simulator"
}
judged_by() { # ROOM
	by=$(units_judge "$1")
	if [ -n "$by" ]; then echo "$by"; else stories_judge; fi
}
run() { # PROGRAM...: exit code 2 if it does not build, else 0 or 1
	"$MAKE" -s -C "$COPY" B=build WERROR= "build/$1" </dev/null >"$OUT" 2>&1 || return 2
	case $1 in test_*) cpu_s=20 ;; *) cpu_s=60 ;; esac
	(cd "$COPY" && ulimit -t $cpu_s && program=build/$1 && shift && exec timeout -k 5 1200 "$program" "$@") </dev/null >"$OUT" 2>&1 || return 1
}

mkdir -p "$B/mutants"
copy_tree || exit 70
names | grep -F -- "$WORDS" >"$OUT.names"
printf '%s\n' handlers store slack view base >"$OUT.rooms"
[ -n "$WORDS" ] && while read -r name; do room_of "$name"; done <"$OUT.names" | sort -u >"$OUT.rooms"
: >"$OUT.costs"
must() { # PROGRAM...: without a mutant it passes; what it costs is written down
	begun=$(date +%s%N)
	run "$@" || { tail -n 20 "$OUT"; echo "mutants: the unchanged program fails already: $1"; echo "0 passed, 1 failed"; exit 1; }
	echo "$(($(date +%s%N) - begun)) $1" >>"$OUT.costs"
}
while read -r room; do
	for unit in tests/unit/test_"$room"_*.c; do
		unit=${unit##*/}
		must "${unit%.c}"
	done
done <"$OUT.rooms"
must scenario
must sim --seeds "$SEEDS" --until-failure --once
all=0 caught=0 unlisted=0
while read -r name; do
	file=$(file_of "$name")
	all=$((all + 1))
	if mutate "$name" "$file"; then by=$(judged_by "$(room_of "$name")"); else by="nobody: it can't be made"; fi
	if [ "$file" = $SQL ]; then : >"$COPY/$file"; else cp "$file" "$COPY/$file"; fi
	if [ -n "$by" ] && [ "${by#nobody}" = "$by" ]; then
		caught=$((caught + 1))
		echo "caught by $by: $name"
		grep -qF -- "$name | " $LISTED && echo "    (take it off $LISTED)"
	elif grep -qF -- "$name | " $LISTED; then
		echo "SURVIVED, as argued: $name"
	else
		unlisted=$((unlisted + 1))
		echo "SURVIVED${by:+ $by}: $name"
	fi
done <"$OUT.names"
rm -rf "$COPY"
percent=$((all ? 100 * caught / all : 0))
echo "$caught caught, $((all - caught)) survived of $all ($percent %)"
[ -n "$WORDS" ] || [ "$percent" -ge "$LEAST" ] || unlisted=$((unlisted + 1))
echo "$((all - unlisted)) passed, $unlisted failed"
[ "$unlisted" -eq 0 ]
