#!/bin/sh
# lint: format, house rules (tools/rules.awk), cppcheck, clang-tidy; ends "N passed, N failed".
# Usage: tools/lint.sh BUILD-FOLDER [STEP...]     STEP: format rules cppcheck tidy; default all
set -u
cd "$(dirname "$0")/.." || exit 70
export LC_ALL=C
B=${1:?usage: tools/lint.sh BUILD-FOLDER [STEP...]}
shift
[ $# -gt 0 ] || set -- format rules cppcheck tidy

# Files of ours, with no folder that is made or fetched.
files() {
	find . \( -name .git -o -name node_modules -o -path ./build -o -path "./${B#./}" -o -path ./run \) -prune -o \
		-type f \( "$@" \) -print | sed 's|^\./||' | sort
}
sources() { files -name '*.[ch]'; }
texts() {
	files -name '*.[ch]' -o -name '*.js' -o -name '*.mjs' -o -name '*.sh' -o -name '*.awk' -o -name '*.jq' \
		-o -name '*.yaml' -o -name '*.sql' -o -name '*.md' -o -name '*.css' -o -name '*.html' \
		-o -name Makefile -o -path ./.ci/run
}

lint_format() {
	sources | xargs clang-format --dry-run -Werror 2>&1 |
		awk -F: '/: error: /{ if (!seen[$1]++) print $1 ":" $2 ": not as clang-format has it (make fmt)"; bad = 1 }
			END { exit bad }'
}
lint_rules() { texts | xargs awk -v tree="$PWD" -f tools/rules.awk tools/layers.txt tools/banned.txt; }
# Its exit code forgets what it finds across files, so any word of it is a failure. ctuuninitvar takes each
# out-parameter for a read.
lint_cppcheck() {
	mkdir -p "$B/cppcheck"
	sources | grep '[.]c$' | cppcheck --file-list=- -j2 --cppcheck-build-dir="$B/cppcheck" --std=c11 -D_GNU_SOURCE \
		-Ibot -I. -Itests --enable=warning,performance,portability --suppress=ctuuninitvar --inline-suppr --quiet \
		>"$B/cppcheck.out" 2>&1
	cat "$B/cppcheck.out"
	[ ! -s "$B/cppcheck.out" ]
}
lint_tidy() { "${MAKE:-make}" --no-print-directory -s -k -j"$(nproc)" B="$B" tidy; }

passed=0
failed=0
for step in "$@"; do
	if "lint_$step" 2>&1; then
		passed=$((passed + 1))
		echo "lint $step: ok"
	else
		failed=$((failed + 1))
		echo "lint $step: FAILED"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
