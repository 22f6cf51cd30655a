#!/bin/sh
# fuzz: lets libFuzzer loose on each decoder for a while; what it finds is kept under BUILD-FOLDER/found.
# The corpus in tests/fuzz/corpus/NAME is read only; new inputs grow in BUILD-FOLDER/corpus. A target has to run 5,000
# inputs in a second of CPU time (so that a busy machine is no finding): a slower one explores little, and a decoder that is
# slow on 4 KiB is a finding itself.
# Usage: tools/fuzz.sh BUILD-FOLDER SECONDS-FOR-EACH [NAME...]; ends "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 70
B=${1:?usage: tools/fuzz.sh BUILD-FOLDER SECONDS [NAME...]}
SECONDS_EACH=${2:?usage: tools/fuzz.sh BUILD-FOLDER SECONDS [NAME...]}
shift 2
[ $# -gt 0 ] || set -- tests/fuzz/fuzz_*.c
LEAST=5000 # inputs a CPU second
LEN_MAX=4096
passed=0
failed=0

# cpu_s: the CPU seconds of all that has been waited for. `times` in a subshell would tell of that.
count_cpu() {
	times >"$B/found/times"
	cpu_s=$(awk 'NR == 2 { split($1 "m" $2, t, /[ms]+/); printf "%d", 60 * (t[1] + t[3]) + t[2] + t[4] }' "$B/found/times")
}

# How much of the decoder the inputs reach, by source lines and branches: "FILE 97% of lines, 95% of branches".
coverage() {
	profile=$B/found/$1.prof
	LLVM_PROFILE_FILE=$profile.raw "$B/$1" -runs=0 "$B/corpus/$1" "tests/fuzz/corpus/${1#fuzz_}" >/dev/null 2>&1 &&
		llvm-profdata merge -o "$profile" "$profile.raw" &&
		llvm-cov report "$B/$1" -instr-profile="$profile" $(sed -n 's|^/\* Covers: \(.*\) \*/$|\1|p' "tests/fuzz/$1.c") |
		awk '$1 ~ /[.]c$/ { printf "    %-24s %7s of lines, %7s of branches\n", $1, $10, $13 }'
	rm -f "$profile" "$profile.raw"
}

for name in "$@"; do
	name=$(basename "$name" .c)
	seeds=tests/fuzz/corpus/${name#fuzz_}
	log=$B/found/$name.log
	mkdir -p "$B/corpus/$name" "$B/found/$name"
	count_cpu
	before=$cpu_s
	if ! LLVM_PROFILE_FILE=/dev/null "$B/$name" -max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=1024 \
		-max_len="$LEN_MAX" -print_final_stats=1 -artifact_prefix="$B/found/$name/" \
		"$B/corpus/$name" "$seeds" </dev/null >"$log" 2>&1; then
		failed=$((failed + 1))
		tail -n 40 "$log"
		echo "$name: FAILED; the input is in $B/found/$name/"
		continue
	fi
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	count_cpu
	spent=$((cpu_s - before))
	speed=$((${runs:-0} / (spent > 0 ? spent : 1)))
	echo "$name: nothing found in $runs inputs, $(sed -n 's/^stat::average_exec_per_sec: *//p' "$log") a second," \
		"$speed a second of CPU;$(sed -n 's/^#[0-9]*\tDONE  *\(cov: [0-9]* ft: [0-9]*\).*/ \1/p' "$log")"
	coverage "$name"
	if [ "$speed" -ge "$LEAST" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$name: FAILED: fewer than $LEAST inputs a second of CPU"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
