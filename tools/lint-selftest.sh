#!/bin/sh
# lint-selftest: breaks every house rule in a temporary copy and sees each break refused; ends "N passed, N failed".
# Which arrows are missing is written down here once more, so that a loosened tools/layers.txt is noticed too.
set -u
cd "$(dirname "$0")/.." || exit 70
export LC_ALL=C
COPY=$(mktemp -d) || exit 70
trap 'rm -rf "$COPY"' EXIT
trap 'exit 130' INT TERM
mkdir "$COPY/tools"
cp Makefile .clang-format .clang-tidy "$COPY/"
cp tools/*.sh tools/*.awk tools/*.txt tools/*.c "$COPY/tools/"
for room in base lang model store io door slack vendor view config; do mkdir -p "$COPY/bot/$room"; done
mkdir -p "$COPY/handlers" "$COPY/sandbox" "$COPY/tests/unit" "$COPY/docs"

passed=0
failed=0
ok() { passed=$((passed + 1)); }
not_ok() {
	failed=$((failed + 1))
	echo "lint-selftest: $1"
}
plant() { # FILE TEXT: written to FILE of the copy
	printf '%b' "$2" >"$COPY/$1"
}

# One file for each pair of rooms; "x" = the row's room may include the column's.
rooms="main turn handlers view door slack vendor store config io lang model base sandbox tests"
arrows="
main     x x x x x x x x x x x x x - -
turn     - x x x x x x x x - x x x - -
handlers - - x - - - - - - - x x x - -
view     - - - x - - - - - - x x x - -
door     - - - - x - - - - - x x x - -
slack    - - - - - x - - - - x x x - -
vendor   - - - - - - x - - - x x x - -
store    - - - - - - - x - - - x x - -
config   - - - - - - - - x - x x x - -
io       - - - - - - - - - x - - x - -
lang     - - - - - - - - - - x - x - -
model    - - - - - - - - - - - x x - -
base     - - - - - - - - - - - - x - -
sandbox  - - - - - - - - - - - - x x -
tests    x x x x x x x x x x x x x x x"
file_in() { # ROOM NAME: where a file of that room lies
	case $1 in
	main) echo "bot/$2" ;;
	turn) echo "bot/turn_$2" ;;
	handlers | sandbox) echo "$1/$2" ;;
	tests) echo "tests/unit/$2" ;;
	*) echo "bot/$1/$2" ;;
	esac
}
header_of() { # ROOM: how others name a header of it
	case $1 in
	main | turn) echo "$1.h" ;;
	*) echo "$1/planted.h" ;;
	esac
}
check_arrows() {
	pairs=$COPY/pairs
	echo "$arrows" | while read -r from row; do
		for to in ${from:+$rooms}; do
			plant "$(file_in "$from" "to_$to.h")" "#include \"$(header_of "$to")\"\n"
			echo "$from $to ${row%% *}"
			row=${row#* }
		done
	done >"$pairs"
	lint_says rules >"$COPY/report"
	while read -r from to wanted; do
		file=$(file_in "$from" "to_$to.h")
		if grep -q "^$file:1: $from may not include $to" "$COPY/report"; then seen=-; else seen=x; fi
		if [ "$seen" = "$wanted" ]; then ok; else not_ok "$from includes $to: wanted $wanted, saw $seen"; fi
		rm -f "$COPY/$file"
	done <"$pairs"
}

lint_says() { # STEP: its report
	(cd "$COPY" && tools/lint.sh build "$1" 2>&1)
}
refused() { # WHAT STEP FILE WORDS: the report of STEP names FILE with these words; then FILE is removed
	if lint_says "$2" | grep "^[^ ]*$3:" | grep -qF -- "$4"; then ok; else not_ok "$1 was not refused"; fi
	rm -f "$COPY/$3"
}
accepted() { # WHAT STEP FILE: the report of STEP does not name FILE; then FILE is removed
	if lint_says "$2" | grep "^[^ ]*$3:"; then not_ok "$1 was refused"; else ok; fi
	rm -f "$COPY/$3"
}

# The libraries, each where it may not be and where it may.
check_libraries() {
	while read -r header no yes; do
		plant "bot/$no" "#include <$header>\n"
		refused "<$header> in $no" rules "bot/$no" "<$header> may not be included here"
		plant "bot/$yes" "#include <$header>\n"
		accepted "<$header> in $yes" rules "bot/$yes"
	done <<-END
		sqlite3.h vendor/planted.h store/planted.h
		libwebsockets.h slack/planted.h io/planted.h
		curl/curl.h vendor/planted.h io/planted.h
		cjson/cJSON.h view/planted.h base/json.h
		cJSON.h view/planted.h base/json.h
		jq.h config/planted.h lang/planted.h
		jv.h view/planted.h lang/planted.h
		yaml.h config/planted.h lang/planted.h
		openssl/evp.h door/planted.h base/planted.h
		time.h view/planted.h io/planted.h
		sys/socket.h slack/planted.h io/planted.h
		unistd.h door/planted.h config/planted.h
		sys/socket.h turn.h main.h
	END
}

# Each banned word, by an example that uses it; the word in a comment or a string is no use.
check_words() {
	for call in 'strcpy(a, b)' 'strcat(a, b)' 'sprintf(a, b)' 'vsprintf(a, b, c)' 'strtok(a, b)' 'atoi(a)' 'atol(a)' \
		'atof(a)' 'gets(a)' 'scanf(a)' 'sscanf(a, b)' 'rand()' 'srand(1)' 'random()' 'time(0)' 'localtime(a)' \
		'gmtime_r(a, b)' 'strftime(a, b)' 'clock_gettime(a, b)' 'getrandom(a, b, c)' 'system(a)' 'popen(a, b)' \
		'getenv(a)' 'malloc(1)' 'calloc(1, 1)' 'realloc(a, 1)' 'strdup(a)' 'asprintf(a, b)' 'sleep(1)' \
		'curl_easy_perform(a)' 'cJSON_Parse(a)' 'sqlite3_step(a)'; do
		plant bot/lang/planted.c "x = $call;\n"
		refused "$call" rules bot/lang/planted.c banned
	done
	plant bot/lang/planted.c '/* strcpy(a)\n system(b) */ x = "system(c)"; // popen(d)\nmy_time(0);\n'
	accepted "words in comments, strings and other words" rules bot/lang/planted.c
	plant bot/lang/planted.c 'x = strcpy(a, b); /* banned: why it has to be */\n'
	accepted "a word with its reason" rules bot/lang/planted.c
	plant bot/lang/planted.c 'x = strcpy(a, b); /* banned: */\n'
	refused "a word without a reason" rules bot/lang/planted.c banned
	plant handlers/planted.c 'switch (x) {\ndefault:\n}\n'
	refused "default: in a handler" rules handlers/planted.c banned
	plant docs/planted.md "something TO""DO here\n"
	refused "a left-over word" rules docs/planted.md left-over
	plant docs/planted.md "see $COPY/docs\n"
	refused "a path of this machine" rules docs/planted.md "one machine"
	plant bot/model/planted.c '\n'
	refused "code in model" rules bot/model/planted.c "headers only"
	plant bot/lang/planted.c '#include "../base/text.h"\n'
	refused "a climbing include" rules bot/lang/planted.c climb
}

lines() { # N TEXT: the text N times, as plant wants it
	awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) printf "%s\\n", text }'
}
check_lengths() {
	for file in bot/lang/planted.c bot/lang/planted.h sandbox/planted.js tools/planted.sh; do
		plant $file "$(lines 501 '')"
		refused "501 lines of $file" rules $file "501 lines"
		plant $file "$(lines 500 '')"
		accepted "500 lines of $file" rules $file
	done
	plant bot/lang/planted.c "void f(void)\n{\n$(lines 60 '	f();')}\n"
	refused "a long function in C" rules bot/lang/planted.c "a function of 61 lines"
	plant bot/lang/planted.c "void f(void)\n{\n$(lines 59 '	f();')}\n"
	accepted "a function of 60 lines" rules bot/lang/planted.c
	plant sandbox/planted.js "export function f() {\n$(lines 60 '  f();')}\n"
	refused "a long function in JavaScript" rules sandbox/planted.js "a function of"
	plant sandbox/planted.js "export const f = () => {\n$(lines 60 '  f();')};\n"
	refused "a long arrow function" rules sandbox/planted.js "a function of"
	plant tools/planted.sh "f() {\n$(lines 60 '	f')}\n"
	refused "a long function in a script" rules tools/planted.sh "a function of"
}
check_compilers() {
	plant bot/lang/planted.c 'int  f( void );\n'
	refused "spaces where they don't belong" format bot/lang/planted.c "not as clang-format"
	plant bot/lang/planted.c 'int f(void);\nint f(void)\n{\n\tint a[2] = {0};\n\treturn a[3];\n}\n'
	refused "an array read past its end" cppcheck bot/lang/planted.c "out of bounds"
	plant bot/lang/planted.c 'int f(int *x);\nint f(int *x)\n{\n\treturn *x;\n}\n'
	refused "a pointer that could be const" tidy bot/lang/planted.c readability-non-const-parameter
	plant bot/lang/planted.c 'int f(int a, int b, int c, int d, int e, int g, int h);\nint f(int a, int b, int c, int d, int e, int g, int h)\n{\n\treturn a + b + c + d + e + g + h;\n}\n'
	refused "seven parameters" tidy bot/lang/planted.c readability-function-size
}

check_arrows
check_libraries
check_words
check_lengths
check_compilers
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
