#!/bin/sh
# check-scenarios: holds tests/scenario/SENTENCES against the tests that quote them and against NOT_YET. Each sentence is
# quoted in its own words by at least one QUOTE("id", "words", ...), there or in tests/wire, or stands in NOT_YET, never both; nothing is quoted
# that is not listed; and what is promised ($PROMISED) is all quoted. Ends "N passed, N failed": one for each sentence.
# Usage: tools/check-scenarios.sh [FOLDER]
set -u
cd "$(dirname "$0")/.." || exit 70
export LC_ALL=C
IN=${1:-tests/scenario}
PROMISED=${PROMISED:-E39 E40 E43 E44 E45 E46 E47 E60}

# Each QUOTE as "file<TAB>id<TAB>words"; the two strings may stand on several lines, the words as a constant
# ("static const char accurate[] = ..." or "#define ACCURATE ...") of the same file.
quotes() {
	awk '
		# Takes the string literals that text begins with off it; adjacent ones are one.
		function literal(   s) {
			s = ""
			while (match(text, /^[ ,]*"[^"]*"/)) {
				got = substr(text, RSTART, RLENGTH)
				sub(/^[ ,]*"/, "", got); sub(/"$/, "", got)
				s = s got
				text = substr(text, RLENGTH + 1)
				if (text !~ /^ *"/) break
			}
			return s
		}
		function flush(   id, words, all) {
			gsub(/[\t\n ]+/, " ", whole)
			all = whole
			while (match(all, /static const char [a-z_0-9]+\[\] = "/)) {
				id = substr(all, RSTART + 18, RLENGTH - 18)
				sub(/\[.*/, "", id)
				text = substr(all, RSTART + RLENGTH - 1)
				all = substr(all, RSTART + RLENGTH)
				constant[id] = literal()
			}
			all = whole
			while (match(all, /#define [A-Z_0-9]+ "/)) {
				id = substr(all, RSTART + 8, RLENGTH - 10)
				text = substr(all, RSTART + RLENGTH - 1)
				all = substr(all, RSTART + RLENGTH)
				constant[id] = literal()
			}
			all = whole
			while (match(all, /QUOTE\( ?"/)) {
				text = substr(all, RSTART + RLENGTH - 1)
				all = substr(all, RSTART + RLENGTH)
				id = literal()
				if (match(text, /^, *[A-Za-z_0-9]+,/)) {
					words = substr(text, RSTART, RLENGTH)
					gsub(/[, ]/, "", words)
					words = constant[words]
				} else
					words = literal()
				print name "\t" id "\t" words
			}
			whole = ""
			split("", constant)
		}
		FNR == 1 { if (NR > 1) flush(); name = FILENAME }
		{ whole = whole $0 "\n" }
		END { flush() }' "$IN"/*.c tests/wire/*.c
}

quotes | awk -F'\t' -v sentences="$IN/SENTENCES" -v not_yet="$IN/NOT_YET" -v promised=" $PROMISED " '
	function fails(id, why) { print "scenarios: " id ": " why; failed++; bad[id] = 1 }
	function read(file, into, missing,   line, part, n) {
		while ((n = (getline line <file)) > 0) {
			if (line ~ /^#/ || line !~ /[^ ]/) continue
			n = split(line, part, / \| /)
			if (n != 2 + missing) fails(part[1], file ": not \"id | words" (missing ? " | what is missing\"" : "\""))
			if (part[1] in into) fails(part[1], "stands twice in " file)
			into[part[1]] = part[2]
		}
		if (n < 0) fails(file, "cannot be read")
		close(file)
	}
	{
		quoted[$2] = $1
		said[NR] = $3; by[NR] = $2; where[NR] = $1
	}
	END {
		read(sentences, sentence, 0)
		read(not_yet, later, 1)
		for (i = 1; i <= NR; i++) {
			if (!(by[i] in sentence)) fails(by[i], where[i] " quotes it, but it is no sentence")
			else if (said[i] != sentence[by[i]]) fails(by[i], where[i] " misquotes it: \"" said[i] "\"")
		}
		for (id in later) {
			scenario = id; sub(/\..*/, "", scenario)
			if (!(id in sentence)) fails(id, "stands in NOT_YET, but is no sentence")
			else if (later[id] != sentence[id]) fails(id, "NOT_YET misquotes it: \"" later[id] "\"")
			if (index(promised, " " scenario " ")) fails(id, "is promised, and stands in NOT_YET")
		}
		for (id in sentence) {
			total++
			if (id in quoted && id in later) fails(id, quoted[id] " quotes it, and it stands in NOT_YET")
			if (!(id in quoted) && !(id in later)) fails(id, "no test quotes it: \"" sentence[id] "\"")
			if (!(id in bad)) passed++
		}
		if (!total) fails(sentences, "has no sentence")
		print passed + 0 " passed, " failed + 0 " failed"
		exit failed > 0
	}'
