/* playbooks: one alerting and detection strategy a file: documentation, match and map, whom to ask,
 * what answers set off. Each file becomes one jq program, all match expressions another. */
#include <string.h>

#include "base/when.h"
#include "config/parts.h"

enum { EXPRESSIONS_MAX = 8 + 16 };

/* The expressions of one file while it is read. */
struct expressions {
	struct jq_source at[EXPRESSIONS_MAX];
	int n;
};

static int add_expression(struct expressions *e, const char *name, const struct yaml *scalar)
{
	if (!scalar || e->n == EXPRESSIONS_MAX)
		return -1;
	e->at[e->n] = jq_source_of(name, scalar);
	return e->n++;
}

static const struct yaml *want(const struct yaml *map, const char *name, enum yaml_kind kind,
			       struct config_report *r)
{
	const struct yaml *y = NULL;
	struct fail fail;
	if (yaml_want(map, name, kind, &y, &fail) != RC_OK) {
		report_fail(r, &fail);
		return NULL;
	}
	return y;
}

static const struct yaml *may(const struct yaml *map, const char *name, enum yaml_kind kind,
			      struct config_report *r)
{
	const struct yaml *y = NULL;
	struct fail fail;
	if (yaml_may(map, name, kind, &y, &fail) != RC_OK)
		report_fail(r, &fail);
	return y;
}

static void check_keys(const struct yaml *map, const char *const *allowed, struct config_report *r)
{
	struct fail fail;
	if (yaml_check_keys(map, allowed, &fail) != RC_OK)
		report_fail(r, &fail);
}

static const char *text(struct config *c, const struct yaml *scalar)
{
	return scalar ? arena_str(&c->arena, scalar->text) : "";
}

static const char *const *strings(struct config *c, const struct yaml *list, size_t *n,
				  struct config_report *r)
{
	const char **out = arena_many(&c->arena, const char *, list ? list->n + 1 : 1);
	*n = 0;
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		if (y->kind != YAML_SCALAR || !y->text.n)
			report_at(r, y, "wanted a list of words");
		else
			out[(*n)++] = text(c, y);
	}
	return out;
}

static bool priority_of(struct str s, int *out)
{
	if (s.n != 2 || s.at[0] != 'P' || s.at[1] < '1' || s.at[1] > '5')
		return false;
	*out = s.at[1] - '0';
	return true;
}

/* "2027-01-31": the first moment of the day after, UTC (civil-from-days by Howard Hinnant's
 * formula). */
static bool date_end_ms(struct str s, int64_t *out)
{
	struct str y, m, d, rest;
	int64_t yy, mm, dd;
	if (s.n != 10 || !str_cut(s, '-', &y, &rest) || !str_cut(rest, '-', &m, &d) ||
	    !str_int(y, &yy) || !str_int(m, &mm) || !str_int(d, &dd) || yy < 1970 || mm < 1 ||
	    mm > 12 || dd < 1 || dd > 31)
		return false;
	int64_t year = mm <= 2 ? yy - 1 : yy, era = year / 400, yoe = year - era * 400;
	int64_t doy = (153 * (mm + (mm > 2 ? -3 : 9)) + 2) / 5 + dd - 1;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	*out = (days + 1) * DAY_MS;
	return true;
}

static void read_known_benign(struct config *c, struct playbook *p, const struct yaml *list,
			      struct expressions *e, struct config_report *r)
{
	static const char *const keys[] = { "when", "reason", "expires", NULL };
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		check_keys(y, keys, r);
		const struct yaml *when = want(y, "when", YAML_SCALAR, r),
				  *reason = want(y, "reason", YAML_SCALAR, r);
		const struct yaml *expires = want(y, "expires", YAML_SCALAR, r);
		int64_t ms = 0;
		if (expires && !date_end_ms(expires->text, &ms))
			report_at(r, expires, "expires: wanted a date such as 2027-01-31");
		if (p->known_benign_n == 16) {
			report_at(r, y, "known_benign: more than 16 rules");
			return;
		}
		size_t i = p->known_benign_n++;
		p->known_benign[i].when = add_expression(e, "known_benign.when", when);
		p->known_benign[i].reason = text(c, reason);
		p->known_benign[i].expires_ms = ms;
	}
}

static unsigned read_answer(const struct yaml *on, const char *name, unsigned otherwise,
			    struct config_report *r)
{
	static const char *const words[] = { "close", "page", "review", NULL };
	const struct yaml *list = on ? may(on, name, YAML_LIST, r) : NULL;
	unsigned bits = 0;
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		if (str_is(y->text, "close"))
			bits |= SETS_OFF_CLOSE;
		else if (str_is(y->text, "page"))
			bits |= SETS_OFF_PAGE;
		else if (str_is(y->text, "review"))
			bits |= SETS_OFF_REVIEW;
		else {
			const char *near = yaml_nearest(y->text.at ? y->text.at : "", words);
			report_at(r, y, "on.%s: wanted close, page or review%s%s", name,
				  near ? "; nearest: " : "", near ? near : "");
		}
	}
	return list ? bits : otherwise;
}

static void read_on(struct playbook *p, const struct yaml *root, struct config_report *r)
{
	static const char *const keys[] = { "yes", "no", "silence", "undeliverable", NULL };
	const struct yaml *on = may(root, "on", YAML_MAP, r);
	if (on)
		check_keys(on, keys, r);
	p->on[ANSWER_YES] = read_answer(on, "yes", SETS_OFF_CLOSE, r);
	p->on[ANSWER_NO] = read_answer(on, "no", SETS_OFF_PAGE, r);
	p->on[ANSWER_SILENCE] = read_answer(on, "silence", SETS_OFF_PAGE, r);
	p->on[ANSWER_UNDELIVERABLE] = read_answer(on, "undeliverable", SETS_OFF_PAGE, r);
	if (!(p->on[ANSWER_NO] & SETS_OFF_PAGE))
		report_at(r, on, "on.no: must contain page: a No always pages");
}

static void read_ask(struct playbook *p, const struct yaml *root, struct expressions *e,
		     struct config_report *r)
{
	static const char *const keys[] = { "template", "question", "wait", NULL };
	const struct yaml *ask = may(root, "ask", YAML_MAP, r);
	p->x_question = -1;
	if (!ask)
		return;
	check_keys(ask, keys, r);
	p->asks = true;
	p->x_question = add_expression(e, "ask.question", want(ask, "question", YAML_SCALAR, r));
	const struct yaml *wait = want(ask, "wait", YAML_SCALAR, r);
	if (wait && (!when_parse_span(wait->text, &p->wait_ms) || p->wait_ms < SECOND_MS))
		report_at(r, wait,
			  "ask.wait: wanted a span of a second or more such as 30m, 2h or 1d");
	const struct yaml *template = may(ask, "template", YAML_SCALAR, r);
	if (template && !str_is(template->text, "inquiry"))
		report_at(r, template,
			  "ask.template: the one layout for questions is called inquiry");
}

static void read_alert(struct playbook *p, const struct yaml *root, struct expressions *e,
		       struct config_report *r)
{
	static const char *const keys[] = { "key",   "at",       "subject", "summary",
					    "facts", "priority", NULL };
	const struct yaml *alert = want(root, "alert", YAML_MAP, r);
	p->x_key = p->x_at = p->x_subject = p->x_summary = p->x_facts = p->x_priority = -1;
	if (!alert)
		return;
	check_keys(alert, keys, r);
	p->x_key = add_expression(e, "alert.key", may(alert, "key", YAML_SCALAR, r));
	p->x_at = add_expression(e, "alert.at", may(alert, "at", YAML_SCALAR, r));
	p->x_subject = add_expression(e, "alert.subject", may(alert, "subject", YAML_SCALAR, r));
	p->x_summary = add_expression(e, "alert.summary", want(alert, "summary", YAML_SCALAR, r));
	p->x_facts = add_expression(e, "alert.facts", may(alert, "facts", YAML_SCALAR, r));
	p->x_priority = add_expression(e, "alert.priority", may(alert, "priority", YAML_SCALAR, r));
}

static void read_words(struct config *c, struct playbook *p, const struct yaml *root,
		       struct config_report *r)
{
	static const char *const sections[] = { "technical_context", "blind_spots",
						"false_positives", "validation", NULL };
	const struct yaml *name = want(root, "playbook", YAML_SCALAR, r),
			  *version = want(root, "version", YAML_SCALAR, r);
	int64_t v = 0;
	struct fail fail;
	if (version && yaml_int(version, (struct yaml_range){ 1, 1 }, &v, &fail) != RC_OK)
		report_fail(r, &fail);
	if (name && strcmp(text(c, name), p->name) != 0)
		report_at(r, name, "playbook: wanted %s, as the file is called", p->name);
	p->title = text(c, want(root, "title", YAML_SCALAR, r));
	p->goal = text(c, want(root, "goal", YAML_SCALAR, r));
	p->response = text(c, want(root, "response", YAML_SCALAR, r));
	for (size_t i = 0; sections[i]; i++)
		(void)want(root, sections[i], YAML_SCALAR, r);
	p->attack = strings(c, want(root, "attack", YAML_LIST, r), &p->attack_n, r);
	p->sources = strings(c, want(root, "sources", YAML_LIST, r), &p->sources_n, r);
}

static void read_priority(struct playbook *p, const struct yaml *root, struct config_report *r)
{
	const struct yaml *y = may(root, "priority", YAML_SCALAR, r);
	if (y && !priority_of(y->text, &p->priority))
		report_at(r, y, "priority: wanted P1 (critical) to P5 (information)");
	if (!y && p->x_priority < 0)
		report_at(r, root,
			  "wanted priority: P1…P5, or a jq expression under alert.priority");
	if (!p->priority)
		p->priority = 2; /* what the expression can't tell is high */
}

static void read_one(struct config *c, size_t i, const char *name, struct jq_source *match,
		     struct config_report *r)
{
	static const char *const keys[] = { "playbook",
					    "version",
					    "title",
					    "goal",
					    "attack",
					    "technical_context",
					    "blind_spots",
					    "false_positives",
					    "validation",
					    "priority",
					    "response",
					    "sources",
					    "match",
					    "alert",
					    "known_benign",
					    "ask",
					    "on",
					    "tests",
					    NULL };
	struct playbook *p = &c->playbooks[i];
	struct expressions e = { .n = 0 };
	struct fail fail;
	struct str body;
	p->file = arena_f(&c->arena, "%s/%s", c->playbooks_folder, name);
	p->name = arena_str(&c->arena, (struct str){ name, strlen(name) - strlen(".yaml") });
	const struct yaml *root = NULL;
	if (file_read(&c->arena, p->file, &body, &fail) != RC_OK ||
	    !(root = yaml_parse(body, p->file, &c->arena, &fail))) {
		report_fail(r, &fail);
		return;
	}
	c->playbook_files[i] = (struct playbook_file){ root, p->file };
	check_keys(root, keys, r);
	read_words(c, p, root, r);
	read_alert(p, root, &e, r);
	read_priority(p, root, r);
	read_ask(p, root, &e, r);
	read_on(p, root, r);
	read_known_benign(c, p, may(root, "known_benign", YAML_LIST, r), &e, r);
	const struct yaml *m = want(root, "match", YAML_SCALAR, r);
	if (m)
		*match = jq_source_of("match", m);
	struct jq_set *set = NULL;
	if (e.n && jq_set_new(e.at, (size_t)e.n, NULL, &set, &fail) != RC_OK)
		report_fail(r, &fail);
	p->jq = set;
}

void playbooks_read(struct config *c, struct config_report *r)
{
	const char *names[PLAYBOOKS_MAX];
	struct jq_source *matches = arena_many(&c->arena, struct jq_source, PLAYBOOKS_MAX);
	size_t n = 0;
	struct fail fail;
	if (folder_list(&c->arena, c->playbooks_folder, ".yaml", names, PLAYBOOKS_MAX, &n, &fail) !=
	    RC_OK) {
		report_fail(r, &fail);
		return;
	}
	c->playbooks = arena_many(&c->arena, struct playbook, n + 1);
	c->playbook_files = arena_many(&c->arena, struct playbook_file, n + 1);
	c->policy.playbooks = c->playbooks;
	c->policy.playbooks_n = n;
	size_t before = r->errors;
	for (size_t i = 0; i < n; i++) {
		c->playbooks[i].match = (int)i;
		read_one(c, i, names[i], &matches[i], r);
	}
	struct jq_set *set = NULL;
	if (n && r->errors == before && jq_set_new(matches, n, NULL, &set, &fail) != RC_OK)
		report_fail(r, &fail);
	c->policy.matches = set;
}
