/* Compiling and running expressions: values, errors and where they are said to be, limits, reuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "lang/jq.h"
#include "lang/yaml.h"

static struct arena arena = { .limit = YAML_ARENA_BYTES };

static struct jq_source source(const char *name, const char *text, int line)
{
	return (struct jq_source){ .name = name,
				   .text = str_z(text),
				   .file = "p.yaml",
				   .line = line,
				   .keeps_lines = true };
}

static struct jq_set *compile(const struct jq_source *sources, size_t n,
			      const struct jq_source *defs)
{
	struct fail fail = { .rc = RC_OK };
	struct jq_set *set = NULL;
	const enum rc rc = jq_set_new(sources, n, defs, &set, &fail);

	assert_string_equal(fail.why, "");
	assert_int_equal(rc, RC_OK);
	return set;
}

static void assert_gives(const struct jq_set *set, int index, const struct cJSON *doc,
			 const struct cJSON *ctx, const char *wanted)
{
	struct fail fail = { .rc = RC_OK };
	struct cJSON *out = NULL;

	if (jq_run(set, index, doc, ctx, &out, &fail) == RC_OK)
		assert_string_equal(json_print_arena(out, &arena), wanted);
	else
		assert_string_equal(fail.why, wanted);
	json_free(out);
	arena_clear(&arena);
}

static void each_expression_of_a_file_runs_alone(void **state)
{
	const struct jq_source sources[] = {
		source("a", ".n + 1 # a comment", 3),
		source("b", "$ctx.who + \" \" + $doc.s", 4),
		source("c", ".nothing", 5),
		source("d", "empty", 6),
		source("e", "1, 2", 7),
		source("f", "error(\"my words\")", 8),
		source("g", ".s.x", 9),
		source("h",
		       "{big: 9007199254740991, list: [null, true, 1.5, \"\\u0000x\"], n: nan, i: "
		       "-infinite}",
		       10),
		source("i", "error(null)", 11),
		source("j", "def f($x): $x * 2; f(.n)", 12),
		source("k", "error({__jq: 0})", 13),
	};
	struct jq_set *set = compile(sources, 11, NULL);
	struct cJSON *doc = json_parse(STR("{\"n\":1,\"s\":\"x\\\"y\"}"), NULL);
	struct cJSON *ctx = json_parse(STR("{\"who\":\"Homer\"}"), NULL);

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_gives(set, 0, doc, ctx, "2");
		assert_gives(set, 1, doc, ctx, "\"Homer x\\\"y\"");
		assert_gives(set, 2, doc, NULL, "null");
		assert_gives(set, 3, doc, NULL, "p.yaml:6: d: gave no value");
		assert_gives(set, 4, doc, NULL, "p.yaml:7: e: gave several values");
		assert_gives(set, 5, doc, NULL, "p.yaml:8: f: my words");
		assert_gives(set, 6, doc, NULL,
			     "p.yaml:9: g: Cannot index string with string \"x\"");
		assert_gives(set, 7, doc, NULL,
			     "{\"big\":9007199254740991,\"list\":[null,true,1.5,\"\xef\xbf\xbdx\"],"
			     "\"n\":null,"
			     "\"i\":-1.7976931348623157e+308}");
		assert_gives(set, 8, doc, NULL, "p.yaml:11: i: gave no value");
		assert_gives(set, 9, doc, NULL, "2");
		assert_gives(set, 10, doc, NULL, "p.yaml:13: k: {\"__jq\":0}");
	}
	assert_int_equal(jq_set_count(set), 11);
	assert_string_equal(jq_set_name(set, 10), "k");
	jq_set_free(set);
	json_free(doc);
	json_free(ctx);
}

/* One that is broken hides none of the others, not even by the error that jq breaks loops with. */
static void many_run_over_one_document(void **state)
{
	const struct jq_source sources[] = {
		source("a", ".x == 1", 1),          source("b", ".x.y", 2),
		source("c", ".x == 2", 3),          source("d", "empty", 4),
		source("e", "error({__jq: 0})", 5), source("f", "[range(100000)]", 6),
	};
	static const int picks[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 0, 0 }, { 4, 0, 5, 2 }, { 0, 2, 1, 3 }
	};
	static const char *const wanted[] = {
		"[[true],\"p.yaml:2: b: Cannot index number with string "
		"\\\"y\\\"\",[false],\"p.yaml:4: "
		"d: gave no value\"]",
		"[\"p.yaml:4: d: gave no value\",[false],[true],[true]]",
		"[\"p.yaml:5: e: {\\\"__jq\\\":0}\",[true],\"p.yaml:6: f: the result "
		"is over 1024 KiB or "
		"nested deeper than 32\",[false]]",
		"[[true],[false],\"p.yaml:2: b: Cannot index number with string "
		"\\\"y\\\"\",\"p.yaml:4: d: gave no value\"]",
	};
	struct jq_set *set = compile(sources, 6, NULL);
	struct cJSON *doc = json_parse(STR("{\"x\":1}"), NULL), *out = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(picks) / sizeof(picks[0]); i++) {
		assert_int_equal(
			jq_run_each(set, (struct jq_pick){ picks[i], 4 }, doc, NULL, &out, NULL),
			RC_OK);
		assert_string_equal(json_print_arena(out, &arena), wanted[i]);
		json_done(&out);
	}
	assert_int_equal(jq_run_each(set, (struct jq_pick){ NULL, 2 }, doc, NULL, &out, NULL),
			 RC_OK);
	assert_true(json_true(jq_value(json_at(out, 0))));
	assert_string_equal(jq_why(json_at(out, 0)), "");
	assert_null(jq_value(json_at(out, 1)));
	assert_string_equal(jq_why(json_at(out, 1)),
			    "p.yaml:2: b: Cannot index number with string \"y\"");
	json_done(&out);
	assert_int_equal(jq_run_each(set, (struct jq_pick){ NULL, 0 }, doc, NULL, &out, NULL),
			 RC_OK);
	assert_int_equal(json_count(out), 0);
	json_free(out);
	jq_set_free(set);
	json_free(doc);
	arena_clear(&arena);
}

static void the_right_one_of_many_is_found(void **state)
{
	struct jq_source sources[67];
	int all[67];
	struct cJSON *out = NULL;

	(void)state;
	for (int i = 0; i < 67; i++) {
		sources[i] = source("x", arena_f(&arena, "[%d]", i), i);
		all[i] = 66 - i;
	}
	struct jq_set *set = compile(sources, 67, NULL);
	for (int i = 0; i < 67; i++) {
		assert_int_equal(jq_run(set, i, NULL, NULL, &out, NULL), RC_OK);
		assert_int_equal((int)json_number(json_first(out)), i);
		json_done(&out);
	}
	assert_int_equal(jq_run_each(set, (struct jq_pick){ all, 67 }, NULL, NULL, &out, NULL),
			 RC_OK);
	for (size_t i = 0; i < 67; i++)
		assert_int_equal((int)json_number(json_first(jq_value(json_at(out, i)))), 66 - i);
	json_free(out);
	jq_set_free(set);
	arena_clear(&arena);
}

static void an_error_is_found_in_the_file(void **state)
{
	static const char yaml[] = "match: |\n" /* 1 */
				   "\n"
				   "  .a\n"
				   "  | nonsense\n" /* 4 */
				   "  | .b\n"
				   "other: .x +\n" /* 6 */
				   "block: |\n"
				   "  .a\n"
				   "  | (.b\n" /* 9 */
				   "quoted: \"1 |\\n $nope\"\n";
	static const struct {
		const char *key, *why;
	} cases[] = {
		{ "match", "p.yaml:4: match: nonsense/0 is not defined" },
		{ "other", "p.yaml:6: other: syntax error, unexpected ')'" },
		{ "block", "p.yaml:9: block: syntax error, unexpected INVALID_CHARACTER, expecting "
			   "';' or ')'" },
		{ "quoted", "p.yaml:10: quoted: $nope is not defined" },
	};
	const struct yaml *root = yaml_parse(STR(yaml), "p.yaml", &arena, NULL);
	struct jq_set *set = NULL;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct jq_source sources[] = {
			source("good", ".", 90),
			jq_source_of(cases[i].key, yaml_key(root, cases[i].key)),
			source("bad too", "zork", 91),
		};
		assert_int_equal(jq_set_new(sources, 3, NULL, &set, &fail), RC_MALFORMED);
		assert_string_equal(fail.why, cases[i].why);
	}
	arena_clear(&arena);
}

static void what_is_no_expression_is_refused(void **state)
{
	static const struct {
		struct str text;
		const char *why;
	} cases[] = {
		{ STR_INIT(" \n"), "p.yaml:7: x: nothing: wanted a jq expression" },
		{ STR_INIT("# only words"), "p.yaml:7: x: syntax error, unexpected ')'" },
		{ STR_INIT("1 # \0"), "p.yaml:7: x: not UTF-8 without NUL" },
		{ STR_INIT("\"\xff\""), "p.yaml:7: x: not UTF-8 without NUL" },
		{ STR_INIT("include \"x\"; 1"), "p.yaml:7: x: syntax error, unexpected include" },
		{ STR_INIT("import \"x\" as y; 1"),
		  "p.yaml:7: x: syntax error, unexpected import" },
	};
	struct jq_set *set = NULL;
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jq_source s = source("x", "", 7);
		s.text = cases[i].text;
		assert_int_equal(jq_set_new(&s, 1, NULL, &set, &fail), RC_MALFORMED);
		assert_string_equal(fail.why, cases[i].why);
	}
	assert_int_equal(jq_set_new(NULL, JQ_EXPRESSIONS_MAX + 1, NULL, &set, &fail), RC_TOO_BIG);
	struct buf b = BUF(2 * JQ_TEXT_BYTES_MAX);
	buf_addz(&b, "1 # ");
	while (b.n <= JQ_TEXT_BYTES_MAX)
		buf_addz(&b, "0123456789abcdef");
	const struct jq_source big = source("x", buf_z(&b), 7);
	assert_int_equal(jq_set_new(&big, 1, NULL, &set, &fail), RC_TOO_BIG);
	buf_free(&b);
}

static void definitions_are_shared(void **state)
{
	const struct jq_source defs = source("lib", "def twice: . * 2;\ndef who: $ctx.who;", 20);
	const struct jq_source bad = source("lib", "def twice: . * 2;\ndef who: $nope;", 20);
	const struct jq_source include = source("lib", "include \"x\";", 20);
	const struct jq_source sources[] = { source("a", "[.n | twice, who]", 1),
					     source("b", "$doc.n | twice", 2) };
	struct cJSON *doc = json_parse(STR("{\"n\":4}"), NULL),
		     *ctx = json_parse(STR("{\"who\":\"Lisa\"}"), NULL);
	struct jq_set *set = compile(sources, 2, &defs);
	struct fail fail;

	(void)state;
	assert_gives(set, 0, doc, ctx, "[8,\"Lisa\"]");
	assert_gives(set, 1, doc, ctx, "8");
	jq_set_free(set);
	assert_int_equal(jq_set_new(sources, 2, &bad, &set, &fail), RC_MALFORMED);
	assert_string_equal(fail.why, "p.yaml:21: lib: $nope is not defined");
	assert_int_equal(jq_set_new(sources, 2, &include, &set, &fail), RC_MALFORMED);
	assert_string_equal(fail.why, "p.yaml:20: lib: syntax error, unexpected include");
	set = compile(NULL, 0, &defs);
	assert_int_equal(jq_set_count(set), 0);
	jq_set_free(set);
	json_free(doc);
	json_free(ctx);
}

/* A long string is cut between two code points, a name too; what comes out has ceilings. */
static void sizes_have_limits(void **state)
{
	const struct jq_source sources[] = {
		source("bytes", "[.s, (keys_unsorted[1])] | map(utf8bytelength)", 1),
		source("valid", ".s | explode | .[-1]", 2),
		source("deep", "reduce range(32) as $i (1; [.])", 3),
		source("deeper", "reduce range(33) as $i (1; [.])", 4),
		source("long", "[range(20) | \"x\" * 60000] | join(\"\")", 5),
	};
	struct jq_set *set = compile(sources, 5, NULL);
	struct cJSON *doc = json_object();
	struct buf b = BUF(20000);

	(void)state;
	buf_addz(&b, "x");
	while (b.n < 10000)
		buf_addz(&b, "\xf0\x9f\x98\x80");
	json_put_text(doc, "s", buf_z(&b));
	json_put_text(doc, buf_z(&b), "");
	assert_gives(set, 0, doc, NULL, "[4093,4093]");
	assert_gives(set, 1, doc, NULL, "128512");
	struct cJSON *out = NULL;
	assert_int_equal(jq_run(set, 2, doc, NULL, &out, NULL), RC_OK);
	json_free(out);
	assert_gives(set, 3, doc, NULL,
		     "p.yaml:4: deeper: the result is over 1024 KiB or nested deeper than 32");
	assert_gives(set, 4, doc, NULL,
		     "p.yaml:5: long: the result is over 1024 KiB or nested deeper than 32");
	assert_int_equal(jq_run(set, 4, doc, NULL, &out, NULL), RC_TOO_BIG);
	jq_set_free(set);
	json_free(doc);
	buf_free(&b);
}

/* The process dies of it; the set goes on in one that does not. */
static void an_endless_expression_kills_its_process(void **state)
{
	const struct jq_source sources[] = { source("endless", "def f: f; f", 1),
					     source("good", "1", 2) };
	struct jq_set *set = compile(sources, 2, NULL);
	struct cJSON *out = NULL;
	int status = 0;

	(void)state;
	jq_cpu_limit(50);
	assert_gives(set, 1, NULL, NULL,
		     "1"); /* so that the child inherits a timer that is not its own */
	const pid_t child = fork();
	if (child == 0) {
		const struct rlimit none = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGXCPU, SIG_DFL);
		_exit(jq_run(set, 0, NULL, NULL, &out, NULL) == RC_OK ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXCPU);
	/* Between runs no timer is left to go off. */
	assert_gives(set, 1, NULL, NULL, "1");
	for (const clock_t from = clock(); clock() - from < CLOCKS_PER_SEC / 10;)
		;
	assert_gives(set, 1, NULL, NULL, "1");
	jq_cpu_limit(JQ_CPU_MS);
	jq_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_expression_of_a_file_runs_alone),
		cmocka_unit_test(many_run_over_one_document),
		cmocka_unit_test(the_right_one_of_many_is_found),
		cmocka_unit_test(an_error_is_found_in_the_file),
		cmocka_unit_test(what_is_no_expression_is_refused),
		cmocka_unit_test(definitions_are_shared),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(an_endless_expression_kills_its_process),
	};

	jq_forget_home();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
