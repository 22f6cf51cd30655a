/* plan: the plan's JSON, and the table of what an answer is worth. Called by handlers only; it
 * evaluates no expression. */
#include "handlers/plan.h"

#include <assert.h>

#include "base/json.h"
#include "handlers/decide.h"

/* What an answer is worth (reliability.md 3.2, design.md 5): without a proof a "yes" closes nothing
 * above P4, whatever a playbook says; P1 and P2 were paged before the question and stay with the
 * on-call; a person who cannot be asked is paged about down to P3 whatever a playbook says. */
struct worth {
	bool page_at_opening, yes_may_close, undeliverable_pages;
};
/* clang-format off */
static const struct worth worths[6] = { /* by priority; there is no P0 */
	[1] = { .page_at_opening = true,  .yes_may_close = false, .undeliverable_pages = true },
	[2] = { .page_at_opening = true,  .yes_may_close = false, .undeliverable_pages = true },
	[3] = { .page_at_opening = false, .yes_may_close = false, .undeliverable_pages = true },
	[4] = { .page_at_opening = false, .yes_may_close = true,  .undeliverable_pages = false },
	[5] = { .page_at_opening = false, .yes_may_close = true,  .undeliverable_pages = false },
};
static const struct { const char *name; unsigned bit; } words[] = {
	{ "close", SETS_OFF_CLOSE }, { "page", SETS_OFF_PAGE }, { "review", SETS_OFF_REVIEW },
};
/* An answer without a list, or with an empty one, means these. */
static const struct { const char *name; unsigned otherwise; } answers[ANSWERS_N] = {
	[ANSWER_YES]           = { "yes",           SETS_OFF_CLOSE },
	[ANSWER_NO]            = { "no",            SETS_OFF_PAGE },
	[ANSWER_SILENCE]       = { "silence",       SETS_OFF_PAGE },
	[ANSWER_UNDELIVERABLE] = { "undeliverable", SETS_OFF_PAGE },
};
/* clang-format on */
enum { WORDS_N = sizeof(words) / sizeof(words[0]) };

static const struct worth *worth_of(int priority)
{
	assert(priority >= 1 && priority <= 5);
	return &worths[priority];
}

bool plan_pages_at_opening(int priority) { return worth_of(priority)->page_at_opening; }

static unsigned planned(const struct casefile *k, enum answer answer)
{
	CLEANUP(json_done) struct cJSON *plan = json_parse(str_z(k->plan), NULL);
	const struct cJSON *list = json_key(json_get(plan, "on"), answers[answer].name);
	unsigned bits = 0;
	for (const struct cJSON *word = json_first(list); word; word = json_next(word))
		for (size_t i = 0; i < WORDS_N; i++)
			if (str_is(str_z(json_text(word)), words[i].name))
				bits |= words[i].bit;
	return bits ? bits : answers[answer].otherwise;
}

unsigned plan_sets_off(const struct casefile *k, enum answer answer)
{
	const struct worth *worth = worth_of(k->priority);
	unsigned bits = planned(k, answer);
	switch (answer) {
	case ANSWER_YES:
		/* A person is to look at it: then nothing closes it but that person. */
		if (!worth->yes_may_close || (bits & (SETS_OFF_PAGE | SETS_OFF_REVIEW)))
			bits &= ~(unsigned)SETS_OFF_CLOSE;
		return bits;
	case ANSWER_SILENCE: return bits & ~(unsigned)SETS_OFF_CLOSE;
	case ANSWER_UNDELIVERABLE:
		if (worth->undeliverable_pages)
			bits |= SETS_OFF_PAGE;
		return bits & ~(unsigned)SETS_OFF_CLOSE;
	case ANSWER_NO:
	case ANSWERS_N: break;
	}
	assert(!"no question: a no always pages");
	return SETS_OFF_PAGE;
}

static struct cJSON *on_json(const struct playbook *pb)
{
	struct cJSON *on = json_object();
	for (size_t i = 0; i < ANSWERS_N; i++) {
		struct cJSON *list = json_array();
		for (size_t w = 0; w < WORDS_N; w++)
			if (pb->on[i] & words[w].bit)
				json_push(list, json_string(words[w].name));
		json_put(on, answers[i].name, list);
	}
	return on;
}

const char *plan_text(struct arena *arena, const struct plan *p)
{
	const struct playbook *pb = p->playbook;
	CLEANUP(json_done) struct cJSON *plan = json_object();
	json_put_text(plan, "title", decide_clip(arena, p->title, PLAN_TEXT_MAX));
	json_put_text(plan, "summary", decide_clip(arena, p->summary, PLAN_TEXT_MAX));
	json_put(plan, "facts", p->facts ? json_copy(p->facts) : json_array());
	json_put_text(plan, "question", decide_clip(arena, p->question, PLAN_TEXT_MAX));
	if (p->notify && p->notify[0])
		json_put_text(plan, "notify", decide_clip(arena, p->notify, PLAN_TEXT_MAX));
	json_put_num(plan, "wait_ms", pb ? (double)pb->wait_ms : 0);
	json_put(plan, "at_ms", p->has_at ? json_num((double)p->at_ms) : json_null());
	json_put_text(plan, "response", pb ? pb->response : "");
	json_put_text(plan, "playbook", pb ? pb->name : "");
	json_put_text(plan, "goal", pb ? pb->goal : "");
	struct cJSON *attack = json_array();
	for (size_t i = 0; pb && i < pb->attack_n; i++)
		json_push(attack, json_string(pb->attack[i]));
	json_put(plan, "attack", attack);
	json_put(plan, "on", pb ? on_json(pb) : json_object());
	if (p->is_cut)
		json_put_bool(plan, "cut", true);
	return json_print_arena(plan, arena);
}

const char *plan_notify(struct arena *arena, const struct casefile *k)
{
	CLEANUP(json_done) struct cJSON *plan = json_parse(str_z(k->plan), NULL);
	return arena_z(arena, json_text_at(plan, "notify"));
}
