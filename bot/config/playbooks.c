/* playbooks: one alerting and detection strategy a file: documentation, match and map, whom to ask,
 * what answers set off. Each file becomes one jq program, all match expressions another. */
#include <string.h>

#include "base/when.h"
#include "config/parts.h"

enum {
	KNOWN_BENIGN_MAX = sizeof(((struct playbook *)0)->known_benign) /
			   sizeof(((struct playbook *)0)->known_benign[0]),
	EXPRESSIONS_MAX = 8 + KNOWN_BENIGN_MAX
};

/* The expressions of one file while it is read. */
struct expressions {
	struct jq_source at[EXPRESSIONS_MAX];
	int n;
};

static int add_expression(struct expressions *e, const char *name, const struct yaml *scalar)
{
	if (!scalar)
		return -1;
	e->at[e->n] = jq_source_of(name, scalar);
	return e->n++;
}

/* An expression that must, or may, be there. */
static int want_expression(struct config *c, struct expressions *e, const struct yaml *map,
			   const char *name, const char *path)
{
	return add_expression(e, path, want(c, map, name, YAML_SCALAR));
}

static int may_expression(struct config *c, struct expressions *e, const struct yaml *map,
			  const char *name, const char *path)
{
	return add_expression(e, path, may(c, map, name, YAML_SCALAR));
}

static const char *text(struct config *c, const struct yaml *scalar)
{
	return scalar ? arena_str(&c->arena, scalar->text) : "";
}

static const char *const *strings(struct config *c, const struct yaml *list, size_t *n)
{
	const char **out = arena_many(&c->arena, const char *, list ? list->n + 1 : 1);
	*n = 0;
	if (list && !list->n)
		report_at(c, list, "%s is empty: wanted a list of words", list->name);
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		if (y->kind != YAML_SCALAR || !y->text.n)
			report_at(c, y, "%s: wanted a list of words", list->name);
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

/* "2027-01-31": the first moment of the day after, UTC (days_from_civil, howardhinnant.github.io).
 */
static bool date_end_ms(struct str s, int64_t *out)
{
	struct str y, m, d, rest;
	int64_t yy, mm, dd;
	static const int64_t days_of[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (s.n != 10 || !str_cut(s, '-', &y, &rest) || !str_cut(rest, '-', &m, &d) ||
	    !str_int(y, &yy) || !str_int(m, &mm) || !str_int(d, &dd) || y.n != 4 || m.n != 2 ||
	    yy < 1970 || mm < 1 || mm > 12 || dd < 1)
		return false;
	bool is_leap = yy % 4 == 0 && (yy % 100 != 0 || yy % 400 == 0);
	if (dd > days_of[mm - 1] + (mm == 2 && is_leap ? 1 : 0))
		return false;
	int64_t year = mm <= 2 ? yy - 1 : yy, era = year / 400, yoe = year - era * 400;
	int64_t doy = (153 * (mm + (mm > 2 ? -3 : 9)) + 2) / 5 + dd - 1;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	*out = (days + 1) * DAY_MS;
	return true;
}

static void read_known_benign(struct config *c, struct playbook *p, const struct yaml *list,
			      struct expressions *e)
{
	static const char *const keys[] = { "when", "reason", "expires", NULL };
	if (list && list->n > KNOWN_BENIGN_MAX) {
		report_at(c, list, "known_benign: more than %d rules", KNOWN_BENIGN_MAX);
		return;
	}
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		size_t i = p->known_benign_n;
		if (!check_keys(c, y, keys))
			continue;
		const struct yaml *reason = want(c, y, "reason", YAML_SCALAR),
				  *expires = want(c, y, "expires", YAML_SCALAR);
		if (expires && !date_end_ms(expires->text, &p->known_benign[i].expires_ms))
			report_at(c, expires, "expires: wanted a date such as 2027-01-31");
		p->known_benign[i].when = want_expression(c, e, y, "when", "known_benign.when");
		p->known_benign[i].reason = text(c, reason);
		p->known_benign_n++;
	}
}

static const char *const answers[] = { "yes", "no", "silence", "undeliverable", NULL };

/* Nothing but a Yes may close, a No always pages, and nothing may be left to chance. */
static unsigned read_answer(struct config *c, const struct yaml *on, enum answer answer)
{
	static const char *const words[] = { "close", "page", "review", NULL };
	static const unsigned bits_of[] = { SETS_OFF_CLOSE, SETS_OFF_PAGE, SETS_OFF_REVIEW };
	const struct yaml *list = may(c, on, answers[answer], YAML_LIST);
	unsigned bits = 0;
	if (!list)
		return answer == ANSWER_YES ? SETS_OFF_CLOSE : SETS_OFF_PAGE;
	for (const struct yaml *y = list->first; y; y = y->next) {
		struct yaml named = *y;
		named.name = list->name;
		int i = choice(c, &named, words);
		bits |= i < 0 ? 0 : bits_of[i];
	}
	if (!list->n)
		report_at(c, list, "%s: wanted at least one of close, page, review", list->name);
	if ((bits & SETS_OFF_CLOSE) && answer != ANSWER_YES)
		report_at(c, list, "%s: close is for yes only", list->name);
	if (answer == ANSWER_NO && list->n && !(bits & SETS_OFF_PAGE))
		report_at(c, list, "no: wanted page in it: a No always pages");
	return bits;
}

static void read_on(struct config *c, struct playbook *p, const struct yaml *root)
{
	const struct yaml *on = may(c, root, "on", YAML_MAP);
	if (on)
		check_keys(c, on, answers);
	for (int i = 0; i < ANSWERS_N; i++)
		p->on[i] = read_answer(c, on, (enum answer)i);
}

static void read_ask(struct config *c, struct playbook *p, const struct yaml *root,
		     struct expressions *e)
{
	static const char *const keys[] = { "template", "question", "wait", NULL };
	static const char *const templates[] = { "inquiry", NULL };
	const struct yaml *ask = may(c, root, "ask", YAML_MAP);
	p->x_question = -1;
	p->asks = ask != NULL;
	if (!ask || !check_keys(c, ask, keys))
		return;
	p->x_question = want_expression(c, e, ask, "question", "ask.question");
	const struct yaml *wait = want(c, ask, "wait", YAML_SCALAR);
	if (wait && (!when_parse_span(wait->text, &p->wait_ms) || p->wait_ms < SECOND_MS))
		report_at(c, wait, "wait: wanted a span of a second or more such as 30m, 2h or 1d");
	(void)choice(c, may(c, ask, "template", YAML_SCALAR), templates);
}

/* A direct message to the subject that asks nothing. */
static void read_notify(struct config *c, struct playbook *p, const struct yaml *root,
			struct expressions *e)
{
	static const char *const keys[] = { "whom", "text", NULL };
	static const char *const whom[] = { "subject", NULL };
	const struct yaml *notify = may(c, root, "notify", YAML_MAP);
	p->x_notify = -1;
	p->notifies = notify != NULL;
	if (!notify || !check_keys(c, notify, keys))
		return;
	p->x_notify = want_expression(c, e, notify, "text", "notify.text");
	(void)choice(c, want(c, notify, "whom", YAML_SCALAR), whom);
}

static void read_alert(struct config *c, struct playbook *p, const struct yaml *root,
		       struct expressions *e)
{
	static const char *const keys[] = { "key",   "at",       "subject", "summary",
					    "facts", "priority", NULL };
	const struct yaml *alert = want(c, root, "alert", YAML_MAP);
	if (alert)
		check_keys(c, alert, keys);
	p->x_key = may_expression(c, e, alert, "key", "alert.key");
	p->x_at = may_expression(c, e, alert, "at", "alert.at");
	p->x_subject = may_expression(c, e, alert, "subject", "alert.subject");
	p->x_summary = want_expression(c, e, alert, "summary", "alert.summary");
	p->x_facts = may_expression(c, e, alert, "facts", "alert.facts");
	p->x_priority = may_expression(c, e, alert, "priority", "alert.priority");
}

enum { SECTION_POINTS_MIN = 40 };

/* A section of the documentation, which must say something: "none" and "tbd" don't. */
static const char *section(struct config *c, const struct yaml *root, const char *name)
{
	const struct yaml *y = want(c, root, name, YAML_SCALAR);
	if (y && utf8_points(str_trim(y->text)) < SECTION_POINTS_MIN)
		report_at(c, y,
			  "%s says too little: wanted a sentence or two (%d characters or more) "
			  "that somebody new to this alert can use",
			  name, SECTION_POINTS_MIN);
	return text(c, y);
}

static void read_words(struct config *c, struct playbook *p, const struct yaml *root)
{
	static const char *const unread[] = { "technical_context", "blind_spots", "false_positives",
					      "validation", NULL };
	const struct yaml *name = want(c, root, "playbook", YAML_SCALAR),
			  *version = want(c, root, "version", YAML_SCALAR);
	int64_t v = 0;
	struct fail fail;
	if (version && yaml_int(version, (struct yaml_range){ 1, 1 }, &v, &fail) != RC_OK)
		report_fail(c, &fail);
	if (name && !str_is(name->text, p->name))
		report_at(c, name, "playbook: wanted %s, as the file is called", p->name);
	p->title = text(c, want(c, root, "title", YAML_SCALAR));
	p->goal = section(c, root, "goal");
	p->response = section(c, root, "response");
	for (size_t i = 0; unread[i]; i++)
		(void)section(c, root, unread[i]);
	p->attack = strings(c, want(c, root, "attack", YAML_LIST), &p->attack_n);
	p->sources = strings(c, want(c, root, "sources", YAML_LIST), &p->sources_n);
}

static void read_priority(struct config *c, struct playbook *p, const struct yaml *root)
{
	const struct yaml *y = may(c, root, "priority", YAML_SCALAR);
	if (y && !priority_of(y->text, &p->priority))
		report_at(c, y, "priority: wanted P1 (critical) to P5 (information)");
	if (!yaml_key(root, "priority") && p->x_priority < 0)
		report_at(c, root,
			  "priority is missing: wanted P1 (critical) to P5 (information), "
			  "or a jq expression under alert.priority");
	if (!p->priority)
		p->priority = 2; /* what the expression can't tell is high */
}

static const struct yaml *parse(struct config *c, const char *file)
{
	const struct yaml *root = NULL;
	struct str body;
	struct fail fail;
	if (file_read(&c->arena, file, &body, &fail) != RC_OK ||
	    !(root = yaml_parse(body, file, &c->arena, &fail)))
		report_fail(c, &fail);
	return root;
}

static void read_one(struct config *c, size_t i, struct jq_source *match)
{
	static const char *const keys[] = { "playbook",    "version",  "title",
					    "goal",        "attack",   "technical_context",
					    "blind_spots", "match",    "false_positives",
					    "validation",  "priority", "response",
					    "sources",     "alert",    "known_benign",
					    "ask",         "notify",   "on",
					    "tests",       NULL };
	struct playbook *p = &c->playbooks[i];
	struct expressions e = { .n = 0 };
	struct jq_set *set = NULL;
	struct fail fail;
	const struct yaml *root = parse(c, c->playbook_files[i].file);
	if (!root)
		return;
	c->playbook_files[i].tree = root;
	check_keys(c, root, keys);
	read_words(c, p, root);
	read_alert(c, p, root, &e);
	read_priority(c, p, root);
	read_ask(c, p, root, &e);
	read_notify(c, p, root, &e);
	read_on(c, p, root);
	read_known_benign(c, p, may(c, root, "known_benign", YAML_LIST), &e);
	const struct yaml *m = want(c, root, "match", YAML_SCALAR);
	if (m)
		*match = jq_source_of("match", m);
	if (e.n && jq_set_new(e.at, (size_t)e.n, NULL, &set, &fail) != RC_OK)
		report_fail(c, &fail);
	p->jq = set;
}

void playbooks_read(struct config *c)
{
	const char *files[PLAYBOOKS_MAX];
	struct names names = { files, PLAYBOOKS_MAX, 0 };
	struct jq_source *matches = arena_many(&c->arena, struct jq_source, PLAYBOOKS_MAX);
	struct jq_set *set = NULL;
	struct fail fail;
	if (folder_list(&c->arena, c->playbooks_folder, ".yaml", &names, &fail) != RC_OK) {
		report_fail(c, &fail);
		return;
	}
	size_t n = names.n, with_match = 0;
	c->policy.playbooks = c->playbooks = arena_many(&c->arena, struct playbook, n + 1);
	c->playbook_files = arena_many(&c->arena, struct playbook_file, n + 1);
	c->policy.playbooks_n = n;
	for (size_t i = 0; i < n; i++) {
		struct str file = str_z(files[i]);
		file.n -= strlen(".yaml");
		c->playbooks[i].name = arena_str(&c->arena, file);
		c->playbooks[i].match = (int)i;
		c->playbook_files[i].file =
			arena_f(&c->arena, "%s/%s", c->playbooks_folder, files[i]);
		read_one(c, i, &matches[i]);
		with_match += matches[i].name ? 1 : 0;
	}
	if (n && with_match == n && jq_set_new(matches, n, NULL, &set, &fail) != RC_OK)
		report_fail(c, &fail);
	c->policy.matches = set;
}
