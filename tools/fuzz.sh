#!/bin/sh
# fuzz: lets libFuzzer loose on each decoder for a while; what it finds is kept under BUILD-FOLDER/found.
# The corpus in tests/fuzz/corpus/NAME is read only; new inputs grow in BUILD-FOLDER/corpus.
# Usage: tools/fuzz.sh BUILD-FOLDER SECONDS-FOR-EACH; ends "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 70
B=${1:?usage: tools/fuzz.sh BUILD-FOLDER SECONDS}
SECONDS_EACH=${2:?usage: tools/fuzz.sh BUILD-FOLDER SECONDS}
passed=0
failed=0
for source in tests/fuzz/fuzz_*.c; do
	[ -f "$source" ] || continue
	name=$(basename "$source" .c)
	mkdir -p "$B/corpus/$name" "$B/found/$name"
	set -- "$B/corpus/$name"
	for seeds in "tests/fuzz/corpus/${name#fuzz_}" tests/samples; do
		[ ! -d "$seeds" ] || set -- "$@" "$seeds"
	done
	if "$B/$name" -max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="$B/found/$name/" "$@" </dev/null >"$B/found/$name.log" 2>&1; then
		passed=$((passed + 1))
		echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$B/found/$name.log") inputs, nothing found"
	else
		failed=$((failed + 1))
		tail -n 40 "$B/found/$name.log"
		echo "$name: FAILED; the input is in $B/found/$name/"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
