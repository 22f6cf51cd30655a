# rules: the house rules a compiler doesn't know: who includes whom, banned words, lengths, left-over words.
# Usage: awk -f tools/rules.awk -v tree=/path tools/layers.txt tools/banned.txt FILE...     (paths from the tree's root)
# Prints FILE:LINE: what is wrong; exit code 1 if anything is.

function complain(line, what) {
	print FILENAME ":" line ": " what
	wrong = 1
}

function room_of(path) {
	if (path ~ /^bot\/turn[^\/]*$/) return "turn"
	if (path ~ /^bot\/[^\/]*$/) return "main"
	if (path ~ /^bot\//) { sub(/^bot\//, "", path); sub(/\/.*/, "", path); return path }
	sub(/\/.*/, "", path)
	return path
}

function layer_rule(line) {
	if (line ~ /^</) {
		libraries++
		header[libraries] = substr(line, 2, index(line, "> ") - 2)
		where[libraries] = substr(line, index(line, "> ") + 2)
	} else if (line ~ /^[a-z]+:/) {
		split(line, halves, ":")
		rooms[halves[1]] = 1
		n = split(halves[2], targets, " ")
		for (i = 1; i <= n; i++) arrow[halves[1], targets[i]] = 1
	}
}

function banned_rule(line) {
	if (line ~ /^#/ || line == "") return
	if (split(line, f, "\t") != 4) complain(FNR, "four fields wanted, separated by tabs")
	words++
	word[words] = "(^|[^A-Za-z0-9_])" f[1]
	word_in[words] = f[2]; word_except[words] = f[3]; word_why[words] = f[4]
}

function check_include(line, name, to) {
	name = line
	if (line ~ /</) {
		sub(/^[^<]*</, "", name); sub(/>.*/, "", name)
		for (i = 1; i <= libraries; i++)
			if (name ~ header[i] && (where[i] ~ /^!/ ? FILENAME ~ substr(where[i], 2) : FILENAME !~ where[i]))
				complain(FNR, "<" name "> may not be included here")
		return
	}
	sub(/^[^"]*"/, "", name); sub(/".*/, "", name)
	if (!(room in rooms)) return
	if (name ~ /[.][.]/) return complain(FNR, "an include may not climb: write \"room/file.h\"")
	to = name
	if (name ~ /\//) sub(/\/.*/, "", to)
	else to = room_of("bot/" name) # no folder: a header right in bot/
	if (to != room && !((room, to) in arrow) && !((room, name) in arrow)) complain(FNR, room " may not include " to)
}

# The line without comments and without the insides of strings; keeps in_comment from line to line.
function code_of(s, out, rest) {
	out = ""
	while (s != "") {
		if (in_comment) {
			if (!index(s, "*/")) return out
			s = substr(s, index(s, "*/") + 2)
			in_comment = 0
			continue
		}
		if (!match(s, /["']|\/\*|\/\//)) return out s
		out = out substr(s, 1, RSTART - 1)
		rest = substr(s, RSTART)
		if (rest ~ /^\/\//) return out
		if (rest ~ /^\/\*/) { in_comment = 1; s = substr(rest, 3); continue }
		if (!match(rest, /^"([^"\\]|\\.)*"/) && !match(rest, /^'([^'\\]|\\.)*'/)) return out rest
		out = out "\"\""
		s = substr(rest, RLENGTH + 1)
	}
	return out
}

function check_words(code) {
	if ($0 ~ /\/\* banned: [^ *]/) return
	for (i = 1; i <= words; i++)
		if (code ~ word[i] && FILENAME ~ word_in[i] && FILENAME !~ word_except[i])
			complain(FNR, "banned: " $0 " (" word_why[i] ")")
}

function function_begins(column) { if (begun == 0) { begun = FNR; indent = column } }
function function_ends() {
	if (FNR - begun > FUNCTION_LINES) complain(begun, "a function of " FNR - begun " lines (at most " FUNCTION_LINES ")")
	begun = 0
}

function c_line(code) {
	code = code_of($0)
	if ($0 ~ /^[ \t]*#[ \t]*include/) check_include($0)
	check_words(code)
	if (code ~ /^\{/) function_begins(0)
	else if (code ~ /^\}/ && begun) function_ends()
}

# A function begins on a line that ends in "{" and ends with "}" in the same column; inner ones count with the outer.
function js_line(column) {
	match($0, /^[ \t]*/)
	column = RLENGTH
	if (begun && column == indent && $0 ~ /^[ \t]*\}/) function_ends()
	if ($0 ~ /\{$/ && ($0 ~ /function[ *(]/ || $0 ~ /=> \{$/) && $0 !~ /^[ \t]*(describe|suite)\(/) function_begins(column)
}

function sh_line() {
	if ($0 ~ /^[a-z_]+\(\) *[\{(]/ && $0 !~ /[\})]$/) function_begins(0)
	else if ($0 ~ /^[\})]/ && begun) function_ends()
}

function file_ends() {
	if (kind != "other" && lines > FILE_LINES) { print file ": " lines " lines (at most " FILE_LINES ")"; wrong = 1 }
}

function file_begins() {
	if (file != "") file_ends()
	file = FILENAME
	kind = file ~ /[.][ch]$/ ? "c" : file ~ /[.]m?js$/ ? "js" : file ~ /([.]sh|^[.]ci\/run)$/ ? "sh" : "other"
	room = room_of(file)
	in_comment = begun = 0
	if (file ~ /^bot\/model\/.*[.]c$/) complain(1, "model is headers only")
}

BEGIN {
	FILE_LINES = 500
	FUNCTION_LINES = 60
	left_over = "(^|[^A-Za-z])(TO" "DO|FIX" "ME|XX" "X)([^A-Za-z]|$)"
	split("/wo" "rk/ /tmp" "/b-", machine, " ")
}
FILENAME ~ /^tools\/layers[.]txt$/ { layer_rule($0); next }
FILENAME ~ /^tools\/banned[.]txt$/ { banned_rule($0); next }
FNR == 1 { file_begins() }
{
	lines = FNR
	if ($0 ~ left_over) complain(FNR, "a left-over word: " $0)
	if ((tree != "" && index($0, tree "/")) || index($0, machine[1]) || index($0, machine[2]))
		complain(FNR, "a path of one machine: " $0)
	if (kind == "c") c_line()
	else if (kind == "js") js_line()
	else if (kind == "sh") sh_line()
}
END {
	if (file != "") file_ends()
	exit wrong
}
