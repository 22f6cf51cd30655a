/* No document may kill or hang the process: every builtin of jq over odd values, what is refused,
 * what is guarded, and what the functions of our own do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "lang/jq.h"

static struct arena arena = { .limit = 64 << 20 };

static struct jq_source source(const char *text)
{
	return (struct jq_source){ .name = text, .text = str_z(text), .file = "f", .line = 1 };
}

static void assert_gives(const char *text, const char *doc_text, const char *wanted)
{
	const struct jq_source s = source(text);
	struct cJSON *doc = json_parse(str_z(doc_text), NULL), *out = NULL;
	struct jq_set *set = NULL;
	struct fail fail = { .rc = RC_OK };

	assert_non_null(doc);
	if (jq_set_new(&s, 1, NULL, &set, &fail) == RC_OK &&
	    jq_run(set, 0, doc, NULL, &out, &fail) == RC_OK)
		assert_string_equal(json_print_arena(out, &arena), wanted);
	else
		assert_string_equal(fail.why, arena_f(&arena, "f:1: %s: %s", text, wanted));
	json_free(out);
	json_free(doc);
	jq_set_free(set);
}

static void the_world_is_out_of_reach(void **state)
{
	static const char *const names[] = { "env",
					     "now",
					     "input",
					     "inputs",
					     "debug",
					     "stderr",
					     "halt",
					     "halt_error",
					     "halt_error(1)",
					     "localtime",
					     "strflocaltime(1)",
					     "input_filename",
					     "modulemeta",
					     "input_line_number",
					     "get_search_list",
					     "get_jq_origin",
					     "get_prog_origin",
					     "jn(1;2)",
					     "sub(1;2)",
					     "gsub(1;2;3)" };
	enum { N = sizeof(names) / sizeof(names[0]) };
	struct jq_source sources[N];
	struct jq_set *set = NULL;
	struct cJSON *out = NULL;

	(void)state;
	for (size_t i = 0; i < N; i++)
		sources[i] = source(names[i]);
	assert_int_equal(jq_set_new(sources, N, NULL, &set, NULL), RC_OK);
	assert_int_equal(jq_run_each(set, (struct jq_pick){ NULL, N }, NULL, NULL, &out, NULL),
			 RC_OK);
	for (size_t i = 0; i < N; i++)
		assert_non_null(strstr(jq_why(json_at(out, i)), "is refused"));
	json_free(out);
	jq_set_free(set);
	assert_gives("$ENV", "1", "{}");
	arena_clear(&arena);
}

static void guarded_functions_still_work(void **state)
{
	static const struct {
		const char *text, *doc, *wanted;
	} cases[] = {
		{ "todate", "1795599014", "\"2026-11-25T09:30:14Z\"" },
		{ "todate", "1e18", "strftime: wanted a time within 1970..9999" },
		{ "fromdate | gmtime | mktime", "\"2026-11-25T09:30:14Z\"", "1795599014" },
		{ "[1,0] | mktime", "1", "mktime requires parsed datetime inputs" },
		{ "explode | implode", "\"a\xc3\xa9\"", "\"a\xc3\xa9\"" },
		{ "implode", "[55296]", "implode: wanted code points" },
		{ "map(tonumber)", "[\"1.5\", 2]", "[1.5,2]" },
		{ "tonumber", "\"nan\"", "tonumber: not a number" },
		{ "fromjson", "\"[1,nan]\"", "fromjson: not a number" },
		{ "[index(\"b\"), rindex(\"b\"), indices(\"b\")]", "\"abab\"", "[1,3,[1,3]]" },
		{ "index(\"\")", "\"a\"", "indices: nothing to look for" },
		{ "[(7, 8) % (2, 3, -1)]", "1", "[1,0,1,2,0,0]" },
		{ ". % -1", "-1e20", "%: a number out of range" },
		{ "[(1, 2) * (3, 4), 2 * \"ab\", {a: {b: 1}} * {a: {c: 2}}]", "1",
		  "[3,6,4,8,\"abab\",{\"a\":{\"b\":1,\"c\":2}}]" },
		{ "\"x\" * .", "1e9", "*: a text of over 64 KiB" },
		{ "[range(3), range(1; 3), range(5; 0; -2)]", "1", "[0,1,2,1,2,5,3,1]" },
		{ "[range(.)] | length", "1e9", "range: over 100000 numbers" },
		{ "[range(0; 1; .)]", "0", "range: over 100000 numbers" },
		{ "[scan(\"[a-z]+\"), scan(\"(.)\\\\1\")]", "\"aa \xf0\x9f\x98\x80 b\"",
		  "[\"aa\",\"b\",[\"a\"]]" },
		{ "scan(\"[a-z]*\")", "\"\xf0\x9f\x98\x80x\"",
		  "match: a pattern that fits an empty text" },
		{ "[match(\"\\\\b\"; \"g\")]", "\"\xf0\x9f\x98\x80x\"",
		  "match: a pattern that fits an empty text" },
		{ "[match([\"A\", \"gi\"]).offset]", "\"abA\"", "[0,2]" },
		{ "[split(\", *\"; null), (\"x\" | split(\"y\"; null)), [splits(\"b\")]]",
		  "\"a, b,c\"", "[[\"a\",\"b\",\"c\"],[\"x\"],[\"a, \",\",c\"]]" },
		{ "capture(\"(?<user>[a-z]+)@(?<host>.+)?\")", "\"homer@\"",
		  "{\"user\":\"homer\",\"host\":null}" },
		{ "test(\"A\"; \"i\")", "\"a\"", "true" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_gives(cases[i].text, cases[i].doc, cases[i].wanted);
	arena_clear(&arena);
}

static void our_own_functions(void **state)
{
	(void)state;
	assert_gives("replace(\"a.\"; \"-\")", "\"a.ab.a.\"", "\"-ab.-\"");
	assert_gives("replace(\"\"; \"-\")", "\"a\"", "replace: nothing to look for");
	assert_gives("one_line", "\"a\\r\\nb\\u007f\\u0085\\u2028\\u2029c\xc3\xa9\"",
		     "\"a  b    c\xc3\xa9\"");
	assert_gives("[clip(3), clip(4), clip(1), clip(0)]",
		     "\"\xc3\xa9"
		     "bcd\"",
		     "[\"\xc3\xa9"
		     "b\xe2\x80\xa6\",\"\xc3\xa9"
		     "bcd\",\"\xe2\x80\xa6\",\"\"]");
	assert_gives("map(one_line, clip(1), replace(\"\"; 1))", "[null, 5]",
		     "[null,null,null,5,5,5]");
	arena_clear(&arena);
}

/* `name(argument; …)` for each builtin, but for those that loop for as long as their writer says.
 */
static size_t builtin_calls(struct jq_source *sources, size_t most)
{
	static const char loops[] =
		"[builtins[] | select(test(\"^(repeat|recurse|until|while|combinations)/\") | "
		"not)] | sort";
	static const char *const operators[] = { ".[$ctx]",
						 ".[$ctx:]",
						 ".[:$ctx]",
						 ". + $ctx",
						 ". - $ctx",
						 ". / $ctx",
						 ". % $ctx",
						 "$ctx % .",
						 "-.",
						 "@csv",
						 "@sh",
						 "@base64d",
						 "@base32d",
						 "del(.[$ctx])",
						 "getpath($ctx)",
						 "test($ctx; \"g\")",
						 "[match($ctx; \"gx\")]",
						 "capture($ctx; \"g\")" };
	const struct jq_source list = source(loops);
	struct cJSON *out = NULL;
	struct jq_set *set = NULL;
	size_t n = 0;

	assert_int_equal(jq_set_new(&list, 1, NULL, &set, NULL), RC_OK);
	assert_int_equal(jq_run(set, 0, NULL, NULL, &out, NULL), RC_OK);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		sources[n++] = source(operators[i]);
	for (const struct cJSON *b = json_first(out); b != NULL && n + 1 < most; b = json_next(b)) {
		static const char *const arguments[][2] = { { "", "" },
							    { "($ctx)", "(.)" },
							    { "($ctx; .)", "(.; $ctx)" },
							    { "($ctx; .; $ctx)",
							      "(.; $ctx; $ctx)" } };
		struct str name, arity;
		assert_true(str_cut(str_z(json_text(b)), '/', &name, &arity) && arity.n == 1);
		const size_t k = (size_t)(arity.at[0] - '0') < 3 ? (size_t)(arity.at[0] - '0') : 3;
		if (arity.at[0] > '3')
			continue;
		for (size_t i = 0; i < (k == 0 ? 1 : 2); i++)
			sources[n++] =
				source(arena_f(&arena, "%.*s%s", STR_ARG(name), arguments[k][i]));
	}
	json_free(out);
	jq_set_free(set);
	return n;
}

static const char *const odd[] = {
	"null",      "true",
	"0",         "-1",
	"1.5",       "1e18",
	"-1e20",     "55296",
	"\"\"",      "\"a\"",
	"\"nan\"",   "\"x*\"",
	"\"\\\\b\"", "\"[nan]\"",
	"\"%Y %s\"", "\"a\xc3\xa9\xf0\x9f\x98\x80 x\"",
	"[]",        "[1e18,13,40,25,61,61,9,999]",
	"[-1]",      "[\"a\",\"g\"]",
	"{\"a\":1}", "{\"start\":\"a\"}",
};
enum { ODD = sizeof(odd) / sizeof(odd[0]) };
struct progress {
	size_t expression, doc, ctx;
};

static void run_all(const struct jq_set *set, volatile struct progress *at)
{
	const struct rlimit none = { 0, 0 };
	struct cJSON *values[ODD], *out = NULL;

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(SIGABRT, SIG_DFL);
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGFPE, SIG_DFL);
	for (size_t i = 0; i < ODD; i++)
		values[i] = json_parse(str_z(odd[i]), NULL);
	for (at->expression = 0; at->expression < jq_set_count(set); at->expression++)
		for (at->doc = 0; at->doc < ODD; at->doc++)
			for (at->ctx = 0; at->ctx < ODD; at->ctx++)
				if (jq_run(set, (int)at->expression, values[at->doc],
					   values[at->ctx], &out, NULL) == RC_OK)
					json_done(&out);
	for (size_t i = 0; i < ODD; i++)
		json_free(values[i]);
}

static void no_builtin_kills_or_hangs(void **state)
{
	static struct jq_source sources[JQ_EXPRESSIONS_MAX];
	const size_t n = builtin_calls(sources, JQ_EXPRESSIONS_MAX);
	struct progress *at =
		mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct jq_set *set = NULL;
	int status = 0;

	(void)state;
	assert_true(n > 300);
	assert_int_equal(jq_set_new(sources, n, NULL, &set, NULL), RC_OK);
	const pid_t child = fork();
	if (child == 0) {
		run_all(set, at);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("signal %d: %s of %s with $ctx = %s", WTERMSIG(status),
			 jq_set_name(set, (int)at->expression), odd[at->doc], odd[at->ctx]);
	assert_int_equal(status, 0);
	jq_set_free(set);
	(void)munmap(at, sizeof(*at));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_world_is_out_of_reach),
		cmocka_unit_test(guarded_functions_still_work),
		cmocka_unit_test(our_own_functions),
		cmocka_unit_test(no_builtin_kills_or_hangs),
	};

	jq_forget_home();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
