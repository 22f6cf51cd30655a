/* tests: the examples in the playbooks. Each says what an alert should become; whoever runs them
 * brings the function that maps alerts in earnest, and here is only compared. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

static struct cJSON *alert_of(struct config *c, const struct yaml *test, struct fail *fail)
{
	const struct yaml *input = yaml_key(test, "input"), *sample = yaml_key(test, "sample");
	struct str body;
	if (!input == !sample) {
		yaml_complain(test, fail, "wanted either sample: FILE or input: {…}");
		return NULL;
	}
	if (input)
		return yaml_to_json(input);
	const char *name = sample->kind == YAML_SCALAR ? sample->text.at : "";
	const char *path =
		name[0] == '/' ? name : arena_f(&c->arena, "%s/%s", c->playbooks_folder, name);
	struct cJSON *alert = NULL;
	if (file_read(&c->arena, path, &body, fail) != RC_OK || !(alert = json_parse(body, fail)))
		fail_wrap(fail, "%s:%d: sample", test->file, sample->line);
	return alert;
}

/* Words in YAML are compared as words: `key: 17` is met by "17", `key: null` by null. */
static bool is_as_expected(const struct yaml *y, const struct cJSON *got, const char *shown)
{
	if (y->kind == YAML_SCALAR && str_is(y->text, shown))
		return true;
	CLEANUP(json_done) struct cJSON *wanted = yaml_to_json(y);
	return json_equal(wanted, got);
}

static void compare(struct config *c, const struct yaml *expect, const struct cJSON *got)
{
	for (const struct yaml *y = expect->first; y; y = y->next) {
		const struct cJSON *v = json_key(got, y->name);
		const char *shown =
			json_is_string(v) ? json_text(v) : json_print_arena(v, &c->arena);
		CLEANUP(json_done) struct cJSON *wanted = yaml_to_json(y);
		if (strcmp(y->name, "match") != 0 && !is_as_expected(y, v, shown))
			report_at(c, y, "expected %s: %.100s, but it is %.100s", y->name,
				  y->kind == YAML_SCALAR ? y->text.at
							 : json_print_arena(wanted, &c->arena),
				  shown);
	}
	if (!yaml_key(expect, "benign") && json_true(json_key(got, "benign")))
		report_at(c, expect,
			  "a known_benign rule takes it: wanted benign: true, or another alert");
}

static void run_one(struct config *c, const struct playbook *p, const struct yaml *test,
		    const struct config_mapper *mapper)
{
	static const char *const keys[] = { "name", "sample", "input", "expect", NULL };
	static const char *const outcomes[] = { "match",   "subject",  "key",
						"summary", "benign",   "question",
						"facts",   "priority", NULL };
	struct fail fail;
	bool wanted = false;
	if (!check_keys(c, test, keys))
		return;
	const struct yaml *expect = want(c, test, "expect", YAML_MAP),
			  *match = want(c, expect, "match", YAML_SCALAR);
	if (!match || !check_keys(c, expect, outcomes))
		return;
	CLEANUP(json_done) struct cJSON *alert = NULL, *got = NULL;
	if (yaml_bool(match, &wanted, &fail) != RC_OK || !(alert = alert_of(c, test, &fail)) ||
	    !(got = mapper->map(mapper->self, p, alert, &fail))) {
		report_fail(c, &fail);
		return;
	}
	if (json_true(json_key(got, "match")) != wanted)
		report_at(c, match, "expected match: %s, but it %s", wanted ? "true" : "false",
			  wanted ? "does not match" : "matches");
	else if (wanted)
		compare(c, expect, got);
}

size_t config_run_tests(struct config *c, const struct config_mapper *mapper,
			struct config_report *report, size_t *run)
{
	size_t failed = 0;
	*run = 0;
	c->report = report;
	for (size_t i = 0; i < c->policy.playbooks_n; i++) {
		const struct yaml *root = c->playbook_files[i].tree;
		const struct yaml *tests = may(c, root, "tests", YAML_LIST);
		bool positive = false, negative = false;
		for (const struct yaml *t = tests ? tests->first : NULL; t; t = t->next) {
			const struct yaml *match = yaml_key(yaml_key(t, "expect"), "match");
			size_t before = report->errors;
			positive = positive || (match && str_is(match->text, "true"));
			negative = negative || (match && str_is(match->text, "false"));
			run_one(c, &c->playbooks[i], t, mapper);
			failed += report->errors > before ? 1 : 0;
			++*run;
		}
		if (positive && negative)
			continue;
		report_at(c, root, "tests: wanted one alert that matches and one that does not");
		failed++;
		++*run;
	}
	return failed;
}
