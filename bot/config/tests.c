/* tests: runs the examples in the playbooks. Each says what an alert should become; the same
 * compiled expressions decide that will decide in earnest. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

/* One expression's value as text: strings as they are, the rest as JSON. */
static const char *value(struct config *c, const struct playbook *p, int x, const struct cJSON *doc,
			 struct fail *fail)
{
	CLEANUP(json_done) struct cJSON *v = NULL;
	if (x < 0)
		return "";
	if (jq_run(p->jq, x, doc, NULL, &v, fail) != RC_OK)
		return NULL;
	return json_is_string(v) ? arena_z(&c->arena, json_text(v))
				 : json_print_arena(v, &c->arena);
}

static struct cJSON *document(struct config *c, const struct yaml *test, struct fail *fail)
{
	const struct yaml *sample = yaml_key(test, "sample"), *input = yaml_key(test, "input");
	struct str body;
	if (input)
		return yaml_to_json(input);
	if (!sample) {
		yaml_complain(test, fail, "wanted sample: FILE or input: {…}");
		return NULL;
	}
	const char *name = arena_str(&c->arena, sample->text);
	if (file_read(&c->arena,
		      name[0] == '/' ? name
				     : arena_f(&c->arena, "%s/%s", c->playbooks_folder, name),
		      &body, fail) != RC_OK)
		return NULL;
	return json_parse(body, fail);
}

struct expectation {
	const char *name;
	int x;
};

static size_t compare(struct config *c, const struct playbook *p, const struct yaml *expect,
		      const struct cJSON *doc, struct config_report *r)
{
	const struct expectation list[] = {
		{ "subject", p->x_subject }, { "key", p->x_key },
		{ "summary", p->x_summary }, { "question", p->x_question },
		{ "facts", p->x_facts },     { "priority", p->x_priority }
	};
	size_t failures = 0;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const struct yaml *y = yaml_key(expect, list[i].name);
		struct fail fail;
		bool is_priority = strcmp(list[i].name, "priority") == 0;
		bool checked = y || list[i].x >= 0; /* every expression must at least run */
		if (!checked)
			continue;
		const char *got = is_priority && list[i].x < 0
					  ? arena_f(&c->arena, "P%d", p->priority)
					  : value(c, p, list[i].x, doc, &fail);
		if (!got) {
			report_fail(r, &fail);
			failures++;
		} else if (y && y->kind == YAML_SCALAR && !str_is(y->text, got)) {
			report_at(r, y, "expected %s: %.*s, but it is %s", list[i].name,
				  STR_ARG(y->text), got);
			failures++;
		}
	}
	return failures;
}

static size_t run_one(struct config *c, size_t i, const struct yaml *test, struct config_report *r)
{
	static const char *const keys[] = { "name", "sample", "input", "expect", NULL };
	static const char *const outcomes[] = { "match",    "subject", "key",      "summary",
						"question", "facts",   "priority", NULL };
	const struct playbook *p = &c->playbooks[i];
	const struct yaml *expect = yaml_key(test, "expect"), *match = yaml_key(expect, "match");
	struct fail fail;
	bool wanted = false;
	CLEANUP(json_done) struct cJSON *doc = document(c, test, &fail), *got = NULL;
	if (!doc || yaml_check_keys(test, keys, &fail) != RC_OK ||
	    (expect && yaml_check_keys(expect, outcomes, &fail) != RC_OK)) {
		report_fail(r, &fail);
		return 1;
	}
	if (!match || yaml_bool(match, &wanted, &fail) != RC_OK) {
		report_at(r, test, "wanted expect: {match: true or false, …}");
		return 1;
	}
	if (jq_run(c->policy.matches, p->match, doc, NULL, &got, &fail) != RC_OK) {
		report_fail(r, &fail);
		return 1;
	}
	if (json_true(got) != wanted) {
		report_at(r, match, "expected match: %s, but it does %smatch",
			  wanted ? "true" : "false", wanted ? "not " : "");
		return 1;
	}
	return wanted ? compare(c, p, expect, doc, r) : 0;
}

size_t config_run_tests(const struct config *c, struct config_report *r, size_t *run)
{
	struct config *m = (struct config *)(uintptr_t)c; /* its arena takes the texts compared */
	size_t failures = 0;
	*run = 0;
	for (size_t i = 0; i < c->policy.playbooks_n; i++) {
		const struct yaml *tests = yaml_key(c->playbook_files[i].tree, "tests");
		bool positive = false, negative = false;
		for (const struct yaml *t = tests ? tests->first : NULL; t; t = t->next) {
			const struct yaml *match = yaml_key(yaml_key(t, "expect"), "match");
			positive = positive || (match && str_is(match->text, "true"));
			negative = negative || (match && str_is(match->text, "false"));
			failures += run_one(m, i, t, r);
			++*run;
		}
		if (!positive || !negative) {
			report_at(r, c->playbook_files[i].tree,
				  "tests: wanted one alert that matches and one that does not");
			failures++;
		}
	}
	return failures;
}
