/* check_templates: every template over every exhibit, with hostile words in it. */
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "vendor/engine.h"
#include "view/view.h"

#define HOSTILE "<!channel> *x* :tada:"

enum template {
	QUESTION,
	CARD,
	ALARM,
	PAGE,
	MODAL,
	TEXT,
	NOTICE,
	THREAD,
	HELP,
	STATUS,
	MINE,
	SHOW,
	TEMPLATES_N
};
static const char *const names[TEMPLATES_N] = { "question", "card",   "alarm",  "page",
						"modal",    "text",   "notice", "thread",
						"help",     "status", "mine",   "show" };

struct checking {
	const struct policy *policy;
	struct look *look;
	struct config_report *report;
	const struct exhibit *at;
	enum template template;
	bool failed[TEMPLATES_N]; /* one complaint a template is enough */
};

static void complain(struct checking *k, const char *what, const char *detail)
{
	char line[600];
	struct buf b CLEANUP(buf_free) = BUF(sizeof(line));
	if (k->failed[k->template])
		return;
	buf_addf(&b, "templates/%s.jq: %s%.300s (case: %s)", names[k->template], what, detail,
		 k->at->name);
	k->report->errors++;
	k->report->say(k->report->self, buf_z(&b));
	k->failed[k->template] = true;
}

/* --- what came out --- */

static bool has_blank(const char *z)
{
	for (const char *open = strchr(z, '{'); open; open = strchr(open + 1, '{')) {
		size_t n = strspn(open + 1, "abcdefghijklmnopqrstuvwxyz_");
		if (n && open[1 + n] == '}')
			return true;
	}
	return false;
}

/* In a message outside words may be the text of plain_text and of rich text's "text", where Slack
 * parses nothing. In a page, which is no message, anywhere. */
static void inspect(struct checking *k, const struct cJSON *j, const char *type)
{
	for (const struct cJSON *m = json_first(j); m; m = json_next(m)) {
		if (json_is_object(m) || json_is_array(m)) {
			inspect(k, m, json_is_object(m) ? json_text(json_key(m, "type")) : "");
			continue;
		}
		bool is_text = json_is_object(j) && strcmp(json_name(m), "text") == 0 &&
			       (strcmp(type, "plain_text") == 0 || strcmp(type, "text") == 0);
		if (k->template != PAGE && !is_text && strstr(json_text(m), "<!channel>"))
			complain(k, "words from outside land in markup or in a top-level text: ",
				 json_text(m));
		if (has_blank(json_text(m)))
			complain(k, "a {name} that no value fills in: ", json_text(m));
	}
}

static void take(struct checking *k, const struct cJSON *made, const struct fail *fail)
{
	if (fail->rc != RC_OK)
		complain(k, "", fail->why);
	else if (!made)
		complain(k, "nothing came out", "");
	else
		inspect(k, made, "");
}

/* --- what goes in --- */

static void render_row(struct checking *k, const struct outgoing *what)
{
	struct outgoing row = *what;
	struct fail fail = { 0 };
	CLEANUP(json_done) struct cJSON *made = NULL;
	row.channel = row.ref = "";
	row.case_id = k->at->case_id;
	row.inquiry_id = k->at->inquiry_id;
	row.created_ms = GALLERY_NOW_MS;
	enum rc rc = view_message(k->look, k->policy, &row, GALLERY_NOW_MS, &made, &fail);
	take(k, rc == RC_OK ? made : NULL, &fail);
}

static void render_message(struct checking *k, enum out_kind kind, const char *key)
{
	render_row(k, &(struct outgoing){ .key = key, .kind = kind, .target = "", .wanted = 1 });
}

/* What the pager's connector makes of it; check runs without the real secrets. */
static void send_page(struct checking *k, size_t n, const struct cJSON *input, struct arena *arena,
		      struct fail *fail)
{
	struct connector pager = engine_connector(k->policy, n);
	struct named_secret *secrets = arena_many(arena, struct named_secret, pager.secrets_n + 1);
	struct request rq;
	for (size_t i = 0; i < pager.secrets_n; i++) {
		secrets[i].name = pager.secrets[i].name;
		secrets[i].value = secret_from(STR("***"));
	}
	pager.secrets = secrets;
	if (engine_request(&pager, "trigger", input, arena, &rq, fail) != RC_OK)
		fail_wrap(fail, "the connector of the pager %s refuses the page",
			  k->policy->pagers[n].name);
}

static void render_page(struct checking *k, struct arena *arena)
{
	const struct policy *p = k->policy;
	const struct outgoing *row = look_outgoing(k->look, k->at->page_id);
	struct fail fail = { 0 };
	CLEANUP(json_done)
	struct cJSON *input = row ? view_page(k->look, p, row, GALLERY_NOW_MS) : NULL;
	/* What stands in for a page whose template fails has no details. */
	if (input && !json_key(input, "details"))
		complain(k, "it fails, and a plainer page would go", "");
	for (size_t i = 0; input && !fail.why[0] && i < p->pagers_n; i++)
		send_page(k, i, input, arena, &fail);
	take(k, input, &fail);
}

/* What commands show, to an analyst and to the person himself. */
static void render_sheet(struct checking *k, enum template template, bool is_analyst)
{
	static const char *const verbs[] = { "help", "status", "mine", "show", "test", NULL };
	struct reply r = { .kind = REPLY_SHEET };
	struct fail fail = { 0 };
	k->template = template;
	r.sheet.template = names[template];
	r.sheet.user = "U0HOMER01";
	r.sheet.is_analyst = is_analyst;
	r.sheet.case_id = k->at->case_id;
	r.sheet.words = HOSTILE;
	r.sheet.verbs = verbs;
	CLEANUP(json_done)
	struct cJSON *made = view_sheet(k->look, k->policy, &r, GALLERY_NOW_MS);
	if (!json_key(made, "blocks")) /* what stands in for it has none */
		fail_set(&fail, RC_ABSENT, "its layout fails");
	take(k, made, &fail);
}

static void render_lists(struct checking *k)
{
	for (int is_analyst = 0; is_analyst < 2; is_analyst++) {
		render_sheet(k, HELP, is_analyst);
		render_sheet(k, STATUS, is_analyst);
		render_sheet(k, MINE, is_analyst);
	}
}

/* What the thread could tell of that case. */
static void render_thread(struct checking *k, struct arena *arena)
{
	static const char *const whats[] = { "yes",      "no",      "silent",   "unreachable",
					     "late_yes", "late_no", "took_back" };
	const struct outgoing *page =
		k->at->page_id ? look_outgoing(k->look, k->at->page_id) : NULL;
	for (size_t i = 0; k->at->inquiry_id && i < sizeof(whats) / sizeof(whats[0]); i++)
		render_row(k, &(struct outgoing){ .key = "",
						  .kind = OUT_THREAD,
						  .target = whats[i],
						  .wanted = 2 });
	if (page)
		render_row(k,
			   &(struct outgoing){ .key = "",
					       .kind = OUT_THREAD,
					       .wanted = 1,
					       .target = arena_f(arena, "page %s", page->target) });
}

static void render_exhibit(struct checking *k, struct arena *arena)
{
	struct fail none = { 0 };
	k->template = CARD;
	render_message(k, OUT_CARD, "");
	k->template = NOTICE;
	render_message(k, OUT_NOTICE, "");
	k->template = THREAD;
	render_thread(k, arena);
	k->template = SHOW;
	render_sheet(k, SHOW, true);
	if (k->at->has_person) {
		render_sheet(k, SHOW, false);
		k->template = QUESTION;
		render_message(k, OUT_QUESTION, "");
		k->template = MODAL;
		CLEANUP(json_done)
		struct cJSON *modal =
			view_modal(k->look, k->policy, k->at->inquiry_id, GALLERY_NOW_MS);
		take(k, modal, &none);
	}
	if (k->at->page_id) {
		k->template = PAGE;
		render_page(k, arena);
		k->template = ALARM;
		render_message(k, OUT_ALARM,
			       arena_f(arena, "outgoing %lld, alarm", (long long)k->at->page_id));
	}
}

static void render_words(struct checking *k)
{
	k->template = TEXT;
	for (size_t i = 0; check_words[i]; i++) {
		struct fail fail = { 0 };
		CLEANUP(json_done)
		struct cJSON *made = view_text(k->look, k->policy, check_words[i],
					       k->at->inquiry_id, GALLERY_NOW_MS, GALLERY_NOW_MS);
		if (!json_key(made, "blocks")) /* what stands in for it has none */
			fail_set(&fail, RC_ABSENT, "no text %s", check_words[i]);
		take(k, made, &fail);
	}
}

size_t check_templates(const struct policy *p, struct config_report *report, size_t *run)
{
	struct checking k = { .policy = p, .report = report };
	struct fail fail = { 0 };
	struct gallery *g = gallery_open(HOSTILE, &fail);
	struct arena arena = ARENA((size_t)16 << 20);
	size_t n = 0, failed = 0;
	*run = TEMPLATES_N;
	if (!g) {
		report->errors++;
		report->say(report->self, fail.why);
		return TEMPLATES_N;
	}
	k.look = gallery_look(g);
	n = gallery_exhibits(g, &k.at);
	render_words(&k);
	render_lists(&k);
	for (; n; n--, k.at++) {
		render_exhibit(&k, &arena);
		arena_clear(&arena);
	}
	gallery_close(g);
	for (size_t i = 0; i < TEMPLATES_N; i++)
		failed += k.failed[i] ? 1 : 0;
	return failed;
}
