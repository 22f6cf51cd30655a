/* jq: expressions of a file, tamed and folded into one compiled program. Called by config
 * (compile), handlers, view and vendor (run). An expression reads `.` (= $doc), $doc and $ctx and
 * nothing else: no clock, no environment, no file, no input.
 *
 * Refused by an error that says so: env now input inputs debug stderr halt halt_error
 * input_filename input_line_number modulemeta get_search_list get_jq_origin get_prog_origin
 * localtime strflocaltime sub gsub jn yn; `$ENV` is {}; import and include are syntax errors.
 *
 * Guarded, because jq 1.6 aborts, crashes or never returns: gmtime mktime strftime todate
 * todateiso8601 date (times within 1970..9999), implode (code points), tonumber fromjson (no nan),
 * indices index rindex (not of ""), match capture scan split splits (globally, no pattern that fits
 * an empty text), % (not by -1, not over 2^53), text * number (64 KiB), range (100,000 numbers).
 *
 * Added: replace($old; $new) every literal occurrence; one_line (control characters become spaces);
 * clip($n) at most n code points, the last one "…" where something was cut. All three leave
 * anything but a string as it is. */
#ifndef LANG_JQ_H
#define LANG_JQ_H
#include "base/fail.h"
#include "base/text.h"
struct cJSON;
struct yaml;

/* Longer strings and names are cut, between two code points, on the way in. */
#define JQ_STRING_BYTES_MAX 4096
/* Of a result: its names, its strings and 16 for each value. */
#define JQ_RESULT_BYTES_MAX ((size_t)1 << 20)
/* CPU time of an evaluation; over it the process dies of SIGXCPU, which nobody may block or catch.
 */
#define JQ_CPU_MS 1000
/* Of one set: its expressions; the bytes of their texts and the definitions. */
#define JQ_EXPRESSIONS_MAX 1000
#define JQ_TEXT_BYTES_MAX  ((size_t)1 << 20)

/* One expression, or the shared definitions, and where it stands. All but text must outlive the
 * set. */
struct jq_source {
	const char *name; /* for messages: "alert.subject" */
	struct str text;
	const char *file;
	int line; /* of the text's first line, from 1 */
	/* Line N of the text is line + N - 1 of the file; else all of it is at `line`. */
	bool keeps_lines;
};
/* The source of a YAML scalar; in a `|` block the lines are kept. */
struct jq_source jq_source_of(const char *name, const struct yaml *scalar);

/* jq 1.6 reads definitions from ~/.jq, if there is such a file, in front of every program: main
 * calls this, which unsets HOME, before the first thread starts. */
void jq_forget_home(void);

struct jq_set;
/* Compiles them into one program, the expressions numbered as given. defs, or NULL: `def`s put in
 * front of all. RC_MALFORMED: "file:line: name: what jq says", of the first expression that is
 * wrong. Costs 14 ms and about 0.7 ms for each expression. Any thread may call it. */
MUST_CHECK enum rc jq_set_new(const struct jq_source *sources, size_t n,
			      const struct jq_source *defs, struct jq_set **out, struct fail *fail);
void jq_set_free(struct jq_set *set); /* NULL is fine */
/* What $ctx is where a run brings none; null at first. Taken over once: to convert all words of a
 * language costs more than most expressions. */
void jq_set_keep(struct jq_set *set, const struct cJSON *ctx);
size_t jq_set_count(const struct jq_set *set);
const char *jq_set_name(const struct jq_set *set, int index);

/* Runs one. Exactly one value must come out: *out, to json_free(); null comes as a JSON null, never
 * as NULL. ctx may be NULL (what jq_set_keep gave, or null). RC_MALFORMED "file:line: name: why"
 * where it raised an error or gave no or several values; RC_TOO_BIG; RC_BROKEN where the system
 * gives no timer. A set is used by one thread at a time, for any number of runs. */
MUST_CHECK enum rc jq_run(const struct jq_set *set, int index, const struct cJSON *doc,
			  const struct cJSON *ctx, struct cJSON **out, struct fail *fail);
/* Runs several over one document in one go, and none hides another: *out is an array with a member
 * for each, in the order asked, to be read by the two below. Fails only with RC_BROKEN (no timer).
 */
struct jq_pick {
	const int *indexes; /* NULL: 0, 1, 2, … */
	size_t n;
};
MUST_CHECK enum rc jq_run_each(const struct jq_set *set, struct jq_pick pick,
			       const struct cJSON *doc, const struct cJSON *ctx, struct cJSON **out,
			       struct fail *fail);
const struct cJSON *jq_value(const struct cJSON *member); /* NULL if that one failed */
const char *jq_why(const struct cJSON *member); /* "file:line: name: why"; "" if it did not fail */

/* The limit of CPU time, JQ_CPU_MS at first. For tests, and for tools that run under valgrind. */
void jq_cpu_limit(int64_t ms);
#endif
