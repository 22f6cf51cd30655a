/* jq: see jq.h. The only user of libjq; one program a set, its expressions the leaves of a tree of
 * ifs. */
#include "lang/jq.h"
#include "base/arena.h"
#include "base/json.h"
#include "lang/jq_prelude.h"
#include "lang/jq_values.h"
#include "lang/yaml.h"

#include <assert.h>
#include <errno.h>
#include <jq.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With what stands round them: cannot break. */
#define PROGRAM_BYTES_MAX (2 * JQ_TEXT_BYTES_MAX)

struct jq_set {
	jq_state *jq;
	struct jq_source *sources; /* without their texts */
	size_t n;
	jv ctx; /* where a run brings none */
};

struct jq_source jq_source_of(const char *name, const struct yaml *scalar)
{
	const bool is_literal = scalar->style == YAML_LITERAL;

	return (struct jq_source){
		.name = name,
		.text = scalar->text,
		.file = scalar->file,
		.line = scalar->line + (is_literal ? 1 : 0),
		.keeps_lines = is_literal,
	};
}

/* ---- the program's text ---- */

struct program {
	struct buf text;
	int defs_line,
		last_line; /* of the program: where defs begin; where the last expression begins */
};

static int line_at_end(const struct buf *b)
{
	int line = 1;

	for (size_t i = 0; i < b->n; i++)
		line += b->at[i] == '\n' ? 1 : 0;
	return line;
}

/* `from` to `to` as a binary tree, of which a range is run: the 400th expression is nine
 * comparisons away, and all of them cost little more than themselves. */
static void add_tree(struct buf *b, const struct jq_source *sources, size_t from, size_t to)
{
	if (from + 1 == to) {
		buf_addz(b, "__one(\n"); /* no import can stand behind a parenthesis */
		buf_add(b, sources[from].text);
		buf_addz(b, "\n)"); /* the line end closes a comment */
		return;
	}
	const size_t middle = from + (to - from) / 2;
	buf_addf(b, "(if $__from < %zu then ", middle);
	add_tree(b, sources, from, middle);
	buf_addf(b, " else empty end), (if $__to > %zu then ", middle);
	add_tree(b, sources, middle, to);
	buf_addz(b, " else empty end)");
}

/* Definitions come behind the prelude, so that they see $ctx and $doc too. Each expression of the
 * ranges asked for gives [value], or a sentence. */
static void program_make(struct program *p, const struct jq_source *sources, size_t n,
			 const struct jq_source *defs)
{
	static const char one[] =
		"\ndef __one(f): try ([f] | if length == 1 then .\n"
		"elif . == [] then \"gave no value\" else \"gave several values\" end)\n"
		"catch if type == \"string\" then . else tojson end;\n"
		"[$__fn[] as [$__from, $__to] | $doc | ";

	for (const char *const *part = jq_prelude; *part != NULL; part++)
		buf_addz(&p->text, *part);
	p->defs_line = line_at_end(&p->text);
	if (defs != NULL)
		buf_add(&p->text, defs->text);
	buf_addz(&p->text, one);
	p->last_line = line_at_end(&p->text) + 1;
	if (n == 0)
		buf_addz(&p->text, "empty");
	else
		add_tree(&p->text, sources, 0, n);
	buf_addz(&p->text, "]");
	assert(!p->text.broken);
}

/* ---- compiling ---- */

/* The first message of a compilation; those that follow a syntax error are false. */
struct complaint {
	struct fail fail; /* the sentence */
	int line;         /* of the program; 0 = none came */
};

static void keep_complaint(void *self, jv message)
{
	struct complaint *c = self;
	static const char where[] = " at <top-level>, line ",
			  noise[] = " (Unix shell quoting issues?)";
	const char *z = jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : NULL;
	struct str text = str_z(z), head = STR("jq: error: ");

	if (str_starts(text, head))
		text = (struct str){ text.at + head.n, text.n - head.n };
	const char *at = strstr(text.at, where);
	if (c->line == 0 && at != NULL) {
		struct str line = { at + sizeof(where) - 1,
				    strspn(at + sizeof(where) - 1, "0123456789") };
		int64_t number = 0;
		const char *cut = strstr(text.at, noise);
		text.n = (size_t)((cut != NULL && cut < at ? cut : at) - text.at);
		fail_set(&c->fail, RC_MALFORMED, "%.*s", STR_ARG(text));
		c->line = str_int(line, &number) && number > 0 && number < INT32_MAX ? (int)number
										     : 1;
	}
	jv_free(message);
}

static void ignore_message(void *self, jv message)
{
	(void)self;
	jv_free(message);
}

static jv no_input(jq_state *jq, void *self)
{
	(void)jq;
	(void)self;
	return jv_invalid();
}

/* NULL, and what jq complained of. */
static jq_state *compile(const char *text, struct complaint *c)
{
	jq_state *jq = jq_init();

	if (jq == NULL)
		abort();
	*c = (struct complaint){ .line = 0 };
	fail_set(&c->fail, RC_MALFORMED, "not a jq expression");
	/* 1.6 leaves the callbacks uninitialised, and aborts on an import without a library path.
	 */
	jq_set_input_cb(jq, no_input, NULL);
	jq_set_debug_cb(jq, ignore_message, NULL);
	jq_set_error_cb(jq, keep_complaint, c);
	jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
	if (jq_compile(jq, text) != 0) {
		jq_set_error_cb(jq, ignore_message, NULL);
		return jq;
	}
	jq_teardown(&jq);
	return NULL;
}

/* A line of the program as a line of the file; a syntax error is reported behind the text's end. */
static int file_line(const struct jq_source *s, int line)
{
	struct str text = str_trim(s->text);
	int last = 1;

	text = (struct str){ s->text.at, text.n > 0 ? (size_t)(text.at - s->text.at) + text.n : 0 };
	for (size_t i = 0; i < text.n; i++)
		last += text.at[i] == '\n' ? 1 : 0;
	if (!s->keeps_lines || line < 1)
		return s->line;
	return s->line + (line > last ? last : line) - 1;
}

/* Compiles n expressions, and says where and whose the first error is; NULL then. */
static jq_state *compile_named(const struct jq_source *sources, size_t n,
			       const struct jq_source *defs, struct fail *fail)
{
	struct program p = { .text = BUF(PROGRAM_BYTES_MAX) };
	struct complaint c;

	program_make(&p, sources, n, defs);
	jq_state *jq = compile(buf_z(&p.text), &c);
	buf_free(&p.text);
	if (jq != NULL)
		return jq;
	/* A definition that nobody uses is not looked into: its errors come with its first user. */
	if (defs != NULL && c.line > 0 && c.line < p.last_line)
		fail_set(fail, RC_MALFORMED, "%s:%d: %s: %s", defs->file,
			 file_line(defs, c.line - p.defs_line + 1), defs->name, c.fail.why);
	else if (n == 1)
		fail_set(fail, RC_MALFORMED, "%s:%d: %s: %s", sources->file,
			 file_line(sources, c.line - p.last_line + 1), sources->name, c.fail.why);
	else
		/* Of many, the text's end is all that is known. */
		fail_set(fail, RC_MALFORMED, "%s:%d: not to be compiled beside the others: %s",
			 n > 0 ? sources->file : "?", n > 0 ? sources->line : 0, c.fail.why);
	return NULL;
}

/* All in one; if that is refused, one after the other, to find whose fault it was. Where each is
 * good and all are not, a parenthesis closes one that is not its own. */
static jq_state *compile_all(const struct jq_source *sources, size_t n,
			     const struct jq_source *defs, struct fail *fail)
{
	jq_state *all = compile_named(sources, n, defs, fail);

	for (size_t i = 0; i < n && n > 1 && all == NULL; i++) {
		struct fail why;
		jq_state *one = compile_named(&sources[i], 1, defs, &why);
		if (one == NULL) {
			if (fail != NULL)
				*fail = why;
			return NULL;
		}
		jq_teardown(&one);
	}
	return all;
}

static enum rc check_text(const struct jq_source *s, struct fail *fail)
{
	if (str_has(s->text, '\0') || !utf8_valid(s->text))
		return FAIL(fail, RC_MALFORMED, "%s:%d: %s: not UTF-8 without NUL", s->file,
			    s->line, s->name);
	return RC_OK;
}

static enum rc check_texts(const struct jq_source *sources, size_t n, const struct jq_source *defs,
			   struct fail *fail)
{
	enum rc rc = defs != NULL ? check_text(defs, fail) : RC_OK;
	size_t bytes = defs != NULL ? defs->text.n : 0;

	if (n > JQ_EXPRESSIONS_MAX)
		return FAIL(fail, RC_TOO_BIG, "%zu expressions: at most %d", n, JQ_EXPRESSIONS_MAX);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = check_text(&sources[i], fail);
		if (rc == RC_OK && str_trim(sources[i].text).n == 0)
			return FAIL(fail, RC_MALFORMED,
				    "%s:%d: %s: nothing: wanted a jq expression", sources[i].file,
				    sources[i].line, sources[i].name);
		bytes += sources[i].text.n;
	}
	if (rc == RC_OK && bytes > JQ_TEXT_BYTES_MAX)
		return FAIL(fail, RC_TOO_BIG, "%zu bytes of jq expressions: at most %zu", bytes,
			    JQ_TEXT_BYTES_MAX);
	return rc;
}

enum rc jq_set_new(const struct jq_source *sources, size_t n, const struct jq_source *defs,
		   struct jq_set **out, struct fail *fail)
{
	const enum rc rc = check_texts(sources, n, defs, fail);

	if (rc != RC_OK)
		return rc;
	jq_state *jq = compile_all(sources, n, defs, fail);
	if (jq == NULL)
		return RC_MALFORMED;
	struct jq_set *set = mem_new(sizeof(*set));
	*set = (struct jq_set){
		.jq = jq, .sources = mem_new(n * sizeof(*sources)), .n = n, .ctx = jv_null()
	};
	for (size_t i = 0; i < n; i++) {
		set->sources[i] = sources[i];
		set->sources[i].text = STR("");
	}
	*out = set;
	return RC_OK;
}

void jq_forget_home(void) { (void)unsetenv("HOME"); /* can fail for a malformed name only */ }

void jq_set_free(struct jq_set *set)
{
	if (set == NULL)
		return;
	jq_teardown(&set->jq);
	jv_free(set->ctx);
	free(set->sources);
	free(set);
}

void jq_set_keep(struct jq_set *set, const struct cJSON *ctx)
{
	jv_free(set->ctx);
	set->ctx = jq_from_json(ctx);
}

size_t jq_set_count(const struct jq_set *set) { return set->n; }

const char *jq_set_name(const struct jq_set *set, int index)
{
	assert(index >= 0 && (size_t)index < set->n);
	return set->sources[index].name;
}

/* ---- running ---- */

static int64_t cpu_limit_ms = JQ_CPU_MS;

void jq_cpu_limit(int64_t ms) { cpu_limit_ms = ms; }

/* Sets this thread's timer; 0 stops it. It sends SIGXCPU, which must be neither blocked nor caught.
 * A forked child has lost the timer it seems to have and makes another. */
static bool set_timer(int64_t ms)
{
	static _Thread_local timer_t timer;
	static _Thread_local bool is_made;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU };
	const struct itimerspec at = { .it_value = { .tv_sec = ms / 1000,
						     .tv_nsec = ms % 1000 * 1000000 } };

	if (is_made && timer_settime(timer, 0, &at, NULL) == 0)
		return true;
	is_made = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
	return is_made && timer_settime(timer, 0, &at, NULL) == 0;
}

static int index_of(struct jq_pick pick, size_t i)
{
	return pick.indexes != NULL ? pick.indexes[i] : (int)i;
}

static jv run_input(struct jq_pick pick, const struct cJSON *doc, jv ctx)
{
	jv fn = jv_array();
	jv input = jv_object();

	/* Neighbours become one range. */
	for (size_t from = 0, to = 0; from < pick.n; from = to) {
		for (to = from + 1;
		     to < pick.n && index_of(pick, to) == index_of(pick, to - 1) + 1;)
			to++;
		jv range = jv_array_append(jv_array(), jv_number(index_of(pick, from)));
		range = jv_array_append(range, jv_number(index_of(pick, to - 1) + 1));
		fn = jv_array_append(fn, range);
	}
	input = jv_object_set(input, jv_string("fn"), fn);
	input = jv_object_set(input, jv_string("ctx"), ctx);
	return jv_object_set(input, jv_string("doc"), jq_from_json(doc));
}

/* The array of [value] or sentence, one for each index. */
static enum rc run(const struct jq_set *set, struct jq_pick pick, const struct cJSON *doc,
		   const struct cJSON *ctx, jv *out, struct fail *fail)
{
	for (size_t i = 0; i < pick.n; i++)
		assert(index_of(pick, i) >= 0 && (size_t)index_of(pick, i) < set->n);
	if (!set_timer(cpu_limit_ms))
		return FAIL(fail, RC_BROKEN, "no timer for jq: %s", strerror(errno));
	jq_start(set->jq, run_input(pick, doc, ctx ? jq_from_json(ctx) : jv_copy(set->ctx)), 0);
	*out = jq_next(set->jq);
	jq_start(set->jq, jv_null(), 0); /* lets go of the document */
	(void)set_timer(0);
	assert(jv_get_kind(*out) ==
	       JV_KIND_ARRAY); /* the program catches all that an expression can raise */
	return RC_OK;
}

/* What one expression gave, to *out; consumes outcome. */
static enum rc read_outcome(const struct jq_source *source, jv outcome, struct cJSON **out,
			    struct fail *fail)
{
	enum rc rc = RC_MALFORMED;

	if (jv_get_kind(outcome) == JV_KIND_ARRAY) {
		rc = jq_to_json(jv_array_get(outcome, 0), out, fail);
	} else {
		fail_set(fail, rc, "%s", jv_string_value(outcome));
		jv_free(outcome);
	}
	if (rc != RC_OK)
		fail_wrap(fail, "%s:%d: %s", source->file, source->line, source->name);
	return rc;
}

enum rc jq_run(const struct jq_set *set, int index, const struct cJSON *doc,
	       const struct cJSON *ctx, struct cJSON **out, struct fail *fail)
{
	jv outcomes;
	const enum rc rc = run(set, (struct jq_pick){ &index, 1 }, doc, ctx, &outcomes, fail);

	return rc != RC_OK
		       ? rc
		       : read_outcome(&set->sources[index], jv_array_get(outcomes, 0), out, fail);
}

enum rc jq_run_each(const struct jq_set *set, struct jq_pick pick, const struct cJSON *doc,
		    const struct cJSON *ctx, struct cJSON **out, struct fail *fail)
{
	jv outcomes;
	const enum rc rc = run(set, pick, doc, ctx, &outcomes, fail);

	if (rc != RC_OK)
		return rc;
	struct cJSON *made = json_array();
	for (size_t i = 0; i < pick.n; i++) {
		const struct jq_source *source = &set->sources[index_of(pick, i)];
		struct cJSON *value = NULL;
		struct fail why;
		jv outcome = jv_array_get(jv_copy(outcomes), (int)i);
		if (read_outcome(source, outcome, &value, &why) == RC_OK) {
			struct cJSON *box = json_array();
			json_push(box, value);
			json_push(made, box);
		} else {
			json_push(made, json_string(why.why));
		}
	}
	jv_free(outcomes);
	*out = made;
	return RC_OK;
}

const struct cJSON *jq_value(const struct cJSON *member) { return json_first(member); }

const char *jq_why(const struct cJSON *member) { return json_text(member); }
