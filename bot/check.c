/* check: brings the parts of `securitybot check` together. */
#include "check.h"

#include <string.h>

#include "base/embedded.h"
#include "base/json.h"
#include "handlers/answer.h"
#include "handlers/command.h"
#include "handlers/playbook.h"
#include "vendor/engine.h"
#include "view/view.h"

/* --- the playbooks' tests --- */

/* One playbook alone: what others make of the alert is no matter of its tests. */
static struct cJSON *map_alert(void *self, const struct playbook *pb, const struct cJSON *alert,
			       struct fail *fail)
{
	struct policy one = *(const struct policy *)self;
	struct arena arena CLEANUP(arena_clear) = ARENA((size_t)16 << 20);
	struct act act = { .policy = &one, .arena = &arena };
	struct alert a = { .source = pb->sources[0], .digest = "", .key = "" };
	struct mapping m;
	one.playbooks = pb;
	one.playbooks_n = 1;
	a.body = json_print_arena(alert, &arena);
	if (playbook_map(&act, &a, &m, fail) != RC_OK)
		return NULL;
	struct cJSON *got = json_object();
	json_put_bool(got, "match", m.playbook != NULL);
	if (!m.playbook)
		return got;
	CLEANUP(json_done) struct cJSON *plan = json_parse(str_z(m.plan), NULL);
	json_put_bool(got, "benign", m.benign[0] != '\0');
	json_put_text(got, "key", m.key);
	json_put(got, "subject", m.subject[0] ? json_string(m.subject) : json_null());
	json_put_text(got, "priority", arena_f(&arena, "P%d", m.priority));
	json_put(got, "summary", json_copy(json_key(plan, "summary")));
	json_put(got, "question", json_copy(json_key(plan, "question")));
	json_put(got, "facts", json_copy(json_key(plan, "facts")));
	return got;
}

size_t check_playbooks(struct config *c, struct config_report *report, size_t *run)
{
	const struct config_mapper mapper = { map_alert, (void *)(uintptr_t)config_policy(c) };
	return config_run_tests(c, &mapper, report, run);
}

/* --- the connectors' tests --- */

static void say(void *self, const char *line)
{
	struct config_report *report = self;
	report->errors++;
	report->say(report->self, line);
}

size_t check_connectors(const struct config *c, struct config_report *report, size_t *run)
{
	const struct connector_file *files = NULL;
	size_t n = config_connectors(c, &files), failed = 0;
	*run = 0;
	for (size_t i = 0; i < n; i++) {
		struct connector connector = { .doc = files[i].doc, .jq = files[i].jq };
		size_t some = 0;
		failed += engine_tests(&connector, files[i].file, say, report, &some);
		*run += some;
	}
	return failed;
}

/* --- the words --- */

const char *const check_words[] = {
	TEXT_NOT_OURS,       TEXT_STRANGER,     TEXT_ALREADY_YES,   TEXT_ALREADY_NO,
	TEXT_LATE,           TEXT_UNREACHABLE,  TEXT_DRILL,         TEXT_TYPED,
	TEXT_NONE_OPEN,      TEXT_SHOW_NONE,    TEXT_DRILL_STARTED, TEXT_DRILL_RUNNING,
	TEXT_DRILL_ENOUGH,   TEXT_DRILL_NOBODY, TEXT_DRILL_TITLE,   TEXT_DRILL_SUMMARY,
	TEXT_DRILL_QUESTION, TEXT_SHEET_FAILED, TEXT_MODAL_LOST,    NULL
};

struct words {
	const struct cJSON *texts;
	struct cJSON *used; /* {key: true}; what ends in '_' is used with anything behind it */
	struct config_report *report;
	size_t failed;
};

static void complain(struct words *w, const char *file, int line, const char *what, const char *key)
{
	CLEANUP(buf_free) struct buf b = BUF(400);
	buf_addf(&b, "%s:%d: %s: %s", file, line, key, what);
	say(w->report, buf_z(&b));
	w->failed++;
}

static int line_of(const char *from, const char *at)
{
	int line = 1;
	for (; from < at; from++)
		line += *from == '\n' ? 1 : 0;
	return line;
}

/* t("KEY"; …) and t("PREFIX_" + …; …). */
static void read_uses(struct words *w, const struct embedded_file *f)
{
	const char *text = (const char *)f->at;
	for (const char *at = text; (at = strstr(at, "t(\"")); at++) {
		struct str key, rest;
		if (!str_cut(str_z(at + 3), '"', &key, &rest))
			return;
		struct cJSON *name = json_string_s(key);
		bool is_whole = str_starts(rest, STR(";"));
		json_put_bool(w->used, json_text(name), true);
		if (is_whole && !json_key(w->texts, json_text(name)))
			complain(w, f->name, line_of(text, at),
				 "wanted a text of that name in templates/texts/en.yaml",
				 json_text(name));
		json_free(name);
	}
}

static bool is_used(const struct words *w, const char *key)
{
	if (json_true(json_key(w->used, key)))
		return true;
	for (const struct cJSON *u = json_first(w->used); u; u = json_next(u)) {
		struct str name = str_z(json_name(u));
		if (name.n && name.at[name.n - 1] == '_' && str_starts(str_z(key), name))
			return true;
	}
	return false;
}

/* Every text that is asked for is there, and every text that is there is asked for. */
static size_t check_texts(const struct policy *p, struct config_report *report)
{
	CLEANUP(json_done) struct cJSON *used = json_object();
	struct words w = { .texts = p->texts, .used = used, .report = report };
	const struct embedded_file *texts = NULL;
	for (size_t i = 0; check_words[i]; i++)
		json_put_bool(used, check_words[i], true);
	for (size_t i = 0; i < embedded_files_n; i++) {
		const struct embedded_file *f = &embedded_files[i];
		if (str_starts(str_z(f->name), STR("templates/texts/")))
			texts = f;
		else if (str_starts(str_z(f->name), STR("templates/")))
			read_uses(&w, f);
	}
	for (const struct cJSON *t = json_first(p->texts); t && texts; t = json_next(t)) {
		const char *from = (const char *)texts->at, *at;
		CLEANUP(buf_free) struct buf line = BUF(256);
		buf_addf(&line, "\n%s:", json_name(t));
		at = strstr(from, buf_z(&line));
		if (!is_used(&w, json_name(t)))
			complain(&w, texts->name, at ? line_of(from, at + 1) : 1,
				 "no template and no handler asks for this text", json_name(t));
	}
	return w.failed;
}

size_t check_all(struct config *c, struct config_report *report, size_t *run)
{
	const struct policy *p = config_policy(c);
	size_t some = 0, failed = check_playbooks(c, report, run);
	failed += check_connectors(c, report, &some);
	*run += some + 1;
	failed += check_texts(p, report) ? 1 : 0;
	failed += check_templates(p, report, &some);
	*run += some;
	return failed;
}
