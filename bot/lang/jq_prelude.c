/* jq_prelude: see jq_prelude.h. A name is kept as _name before it is defined anew: inside its own
 * definition it would mean itself. Only what lies behind in the text sees the new meaning, jq's own
 * library does not: a function of that library that uses a guarded one is defined anew as well.
 * Found by running every builtin of jq 1.6 over odd values (tests/unit/test_lang_jq_guard.c). */
#include "lang/jq_prelude.h"

#include <stddef.h>

/* clang-format off */
/* The world outside: an expression is a function of its document. */
static const char world[] =
	"def _no($n): error(\"\\($n) is refused\");\n"
	"def env: _no(\"env\"); def now: _no(\"now\");\n"
	"def input: _no(\"input\"); def inputs: _no(\"inputs\");\n"
	"def debug: _no(\"debug\"); def stderr: _no(\"stderr\"); def halt: _no(\"halt\");\n"
	"def halt_error: _no(\"halt_error\"); def halt_error($x): _no(\"halt_error\");\n"
	"def input_filename: _no(\"input_filename\");\n"
	"def input_line_number: _no(\"input_line_number\");\n"
	"def modulemeta: _no(\"modulemeta\"); def get_search_list: _no(\"get_search_list\");\n"
	"def get_jq_origin: _no(\"get_jq_origin\"); def get_prog_origin: _no(\"get_prog_origin\");\n"
	"def localtime: _no(\"localtime\"); def strflocaltime(f): _no(\"strflocaltime\");\n"
	/* Loops as often as its argument says. */
	"def jn(a; b): _no(\"jn\"); def yn(a; b): _no(\"yn\");\n"
	/* Quadratic, and endless where the pattern matches nothing. */
	"def sub(r; s): _no(\"sub (use replace)\"); def sub(r; s; f): _no(\"sub (use replace)\");\n"
	"def gsub(r; s): _no(\"gsub (use replace)\"); def gsub(r; s; f): _no(\"gsub (use replace)\");\n";

static const char guards[] =
	/* gmtime fails an assertion on what the C library can't break down, strftime on a format
	 * that is no string. */
	"def _time($n): (if type == \"number\" then . >= 0 and . < 253402300800\n"
	"  else type == \"array\" and all(.[]; type == \"number\" and . >= 0 and . < 10000) end) as $ok\n"
	"  | if $ok then . else error(\"\\($n): wanted a time within 1970..9999\") end;\n"
	"def _gmtime: gmtime; def gmtime: _time(\"gmtime\") | _gmtime;\n"
	"def _mktime: mktime; def mktime: _time(\"mktime\") | _mktime;\n"
	"def _strftime($f): strftime($f);\n"
	"def strftime($f): if $f | type != \"string\" then error(\"strftime: wanted a format\")\n"
	"  else _time(\"strftime\") | _strftime($f) end;\n"
	"def todateiso8601: strftime(\"%Y-%m-%dT%H:%M:%SZ\");\n"
	"def todate: todateiso8601; def date: todateiso8601;\n"
	/* Fails an assertion on numbers that are no code points. */
	"def _implode: implode;\n"
	"def implode: if type == \"array\" and all(.[]; type == \"number\" and . >= 0 and . <= 1114111\n"
	"  and (. < 55296 or . >= 57344)) then _implode else error(\"implode: wanted code points\") end;\n"
	/* Not a number, used as an index, fails an assertion; a document could spell one. */
	"def _nan($n): if any(.. | numbers; isnan) then error(\"\\($n): not a number\") else . end;\n"
	"def _tonumber: tonumber; def tonumber: _tonumber | _nan(\"tonumber\");\n"
	"def _fromjson: fromjson; def fromjson: _fromjson | _nan(\"fromjson\");\n"
	/* Looking for nothing never ends. */
	"def _indices($i): indices($i);\n"
	"def indices($i): if $i == \"\" or $i == [] then error(\"indices: nothing to look for\")\n"
	"  else _indices($i) end;\n"
	"def index($i): indices($i) | .[0];\n"
	"def rindex($i): indices($i) | .[-1:][0];\n"
	/* Operators are functions too: -1e20 % -1 is a SIGFPE, \"x\" * 1e9 a gigabyte. The right
	 * operand is the outer loop, as in jq. */
	"def __mod(a; b): a % b;\n"
	"def _mod(a; b): b as $b | a as $a\n"
	"  | if ($a | type == \"number\" and fabs > 9007199254740992)\n"
	"    then error(\"%: a number out of range\") else __mod($a; $b) end;\n"
	"def __multiply(a; b): a * b;\n"
	"def _multiply(a; b): b as $b | a as $a | ([$a, $b] | map(type)) as $t\n"
	"  | if ($t == [\"string\", \"number\"] and ($a | utf8bytelength) * $b > 65536)\n"
	"    or ($t == [\"number\", \"string\"] and ($b | utf8bytelength) * $a > 65536)\n"
	"    then error(\"*: a text of over 64 KiB\") else __multiply($a; $b) end;\n"
	"def _range($a; $b): range($a; $b);\n"
	"def range($a; $b): if ($b | type == \"number\") and ($a | type == \"number\") and $b - $a > 100000\n"
	"  then error(\"range: over 100000 numbers\") else _range($a; $b) end;\n"
	"def range($a): range(0; $a);\n"
	"def _range($a; $b; $c): range($a; $b; $c);\n"
	"def range($a; $b; $c): if any($a, $b, $c; type != \"number\") then error(\"range: wanted numbers\")\n"
	"  elif $c == 0 or ($b - $a) / $c > 100000 then error(\"range: over 100000 numbers\")\n"
	"  else _range($a; $b; $c) end;\n";

static const char patterns[] =
	/* After an empty match the global search of 1.6 goes on one byte further, and in the middle
	 * of a character it runs off the end of the text. */
	"def _match($re; $f): match($re; $f);\n"
	"def _empty($re; $f): (. , \"\") | _match($re; $f) | select(.length == 0);\n"
	"def match($re; $f): if ($f | type == \"string\") and any($f | explode[]; . == 103)\n"
	"  and any(_empty($re; $f | split(\"g\") | join(\"\")); true)\n"
	"  then error(\"match: a pattern that fits an empty text\") else _match($re; $f) end;\n"
	"def match($v): if $v | type == \"array\" then match($v[0]; $v[1]) else match($v; null) end;\n"
	"def capture($re; $f): match($re; $f)\n"
	"  | [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries;\n"
	"def capture($v): if $v | type == \"array\" then capture($v[0]; $v[1]) else capture($v; null) end;\n"
	"def scan($re): match($re; \"g\")\n"
	"  | if .captures == [] then .string else [.captures[].string] end;\n"
	"def split($re; $f): . as $s | [foreach ((match($re; \"g\" + $f) | [.offset, .length]), null) as $m\n"
	"  ([0, null]; if $m == null then [0, $s[.[0]:]] else [$m[0] + $m[1], $s[.[0]:$m[0]]] end; .[1])];\n"
	"def splits($re; $f): split($re; $f) | .[];\n"
	"def splits($re): splits($re; null);\n"
	/* Ours, linear in the length of the text. */
	"def replace($old; $new): if type != \"string\" then .\n"
	"  elif $old == \"\" then error(\"replace: nothing to look for\")\n"
	"  else split($old) | join($new) end;\n"
	"def one_line: if type != \"string\" then . else explode\n"
	"  | map(if . < 32 or (. >= 127 and . < 160) or . == 8232 or . == 8233 then 32 else . end)\n"
	"  | _implode end;\n"
	"def clip($n): if type != \"string\" or length <= $n then . elif $n < 1 then \"\"\n"
	"  else .[0:$n - 1] + \"\\u2026\" end;\n"
	/* What an evaluation is given; the rest of the program is made by lang/jq.c. */
	"{} as $ENV | . as {fn: $__fn, ctx: $ctx, doc: $doc} |\n";
/* clang-format on */

const char *const jq_prelude[] = { world, guards, patterns, NULL };
