# mutants-each.awk: the rows of a table in a C file.
#   awk -v array=rules -f tools/mutants-each.awk FILE             each row, squeezed, one a line
#   awk -v array=rules -v leave="ROW" -f ... FILE                 the file without that row
# A table begins with "NAME[...] = {" at the end of a line and ends with a line "};". A row is what stands between two
# braces that match, and its comma; what names its place ([X] =) goes with it.
function squeezed(text) {
	gsub(/\/\*[^*]*\*\//, "", text)
	gsub(/[ \t\n]+/, " ", text)
	sub(/^ /, "", text)
	sub(/ $/, "", text)
	return text
}

# Takes the row that begins in text off it; strings may hold braces.
function row(   i, c, depth, quoted, begun) {
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (quoted) {
			if (c == "\\") i++
			else if (c == "\"") quoted = 0
			continue
		}
		if (c == "\"") quoted = 1
		else if (c == "{") { depth++; begun = 1 }
		else if (c == "}") depth--
		if (begun && depth == 0) {
			if (match(substr(text, i + 1), /^[ \t\n]*,/)) i += RLENGTH
			one = substr(text, 1, i)
			text = substr(text, i + 1)
			return 1
		}
	}
	return 0
}

function flush(   name, kept) {
	while (row()) {
		name = one
		sub(/,$/, "", name)
		name = squeezed(name)
		if (leave == "") print name
		else if (name != leave) kept = kept one
		else gone++
	}
	if (leave != "") printf "%s%s", kept, text
	text = ""
}

!inside {
	if (leave != "") print
	inside = index($0, array "[") && $0 ~ /\] = \{( *\/\*.*\*\/)?$/
	next
}
/^[ \t]*};/ {
	flush()
	inside = 0
	if (leave != "") print
	next
}
{ text = text $0 "\n" }
END { exit leave != "" && gone != 1 }
