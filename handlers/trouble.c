/* trouble: cases about the bot itself. Called by handlers and turn; it asks nobody anything. */
#include "handlers/trouble.h"

#include <string.h>

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/escalation.h"
#include "handlers/notification.h"

enum { WHY_MAX = 300 };

static const struct {
	const char *name, *title;
} troubles[] = {
	{ "slack-token", "SecurityBot can't use Slack" },
	{ "slack-setup", "SecurityBot is not set up right in Slack" },
	{ "slack-down", "Slack is out of reach" },
	{ "link-disabled", "Slack has switched off Socket Mode" },
	{ "ghost-sockets", "Answers may get lost on the way from Slack" },
	{ "clock", "The clock of SecurityBot's machine has jumped" },
	{ "disk", "SecurityBot's disk is full or nearly full" },
	{ "restored", "SecurityBot runs on an older database" },
	{ TROUBLE_PAGER, "The pager refuses SecurityBot's pages" },
	{ TROUBLE_CONFIRM, "SecurityBot can't see whether its pages wake anybody" },
};

static const char *title_of(const char *name)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (strcmp(troubles[i].name, name) == 0)
			return troubles[i].title;
	return NULL;
}

/* It is back within the hour: the same case, counted; whoever was woken for it has not slept. */
static void open_again(const struct act *a, struct decision *d, int64_t case_id)
{
	const struct casefile *old = look_case(a->look, case_id);
	if (!old)
		return;
	struct casefile k = *old;
	k.state = CASE_OPEN;
	k.resolution = RESOLUTION_NONE;
	k.closed_ms = 0;
	k.alerts++;
	decide_case(d, &k);
	notification_card(a, d, case_id);
}

void trouble_raise(const struct act *a, struct decision *d, const char *name, const char *why)
{
	const struct trouble *old = look_trouble(a->look, name);
	const char *title = title_of(name);
	struct trouble t = { .name = name, .since_ms = a->at.now_ms, .over_ms = NEVER_MS };
	if (!title || (old && old->over_ms == NEVER_MS))
		return;
	why = decide_clip(a->arena, why, WHY_MAX);
	bool is_same = old && a->at.now_ms - old->over_ms < TROUBLE_SAME_MS;
	struct own_case own = {
		.title = title, .summary = why, .source = "securitybot", .held = ""
	};
	t.case_id = is_same ? old->case_id : escalation_own_case(a, d, &own);
	if (is_same)
		open_again(a, d, t.case_id);
	decide_trouble(d, &t);
	decide_audit(d, "bot", "trouble.began", decide_name(a->arena, "case", t.case_id),
		     arena_f(a->arena, "%s: %s", name, why));
	if (!is_same)
		escalation_page(a, d, t.case_id, 0, PAGE_TROUBLE);
}

struct decision handle_trouble(const struct act *a, const char *name, const char *why)
{
	struct decision d = decide_begin(a);
	trouble_raise(a, &d, name, why);
	return d;
}

void trouble_end(const struct act *a, struct decision *d, const char *name)
{
	const struct trouble *old = look_trouble(a->look, name);
	const struct casefile *found = old ? look_case(a->look, old->case_id) : NULL;
	if (!found || old->over_ms != NEVER_MS)
		return;
	struct trouble t = *old;
	struct casefile k = *found;
	t.over_ms = a->at.now_ms;
	k.state = CASE_CLOSED;
	k.resolution = RESOLUTION_OVER;
	k.closed_ms = a->at.now_ms;
	decide_trouble(d, &t);
	decide_case(d, &k);
	decide_audit(d, "bot", "trouble.over", decide_name(a->arena, "case", k.id), name);
	escalation_case_closed(a, d, k.id);
	notification_card(a, d, k.id);
}

struct decision handle_trouble_over(const struct act *a, const char *name)
{
	struct decision d = decide_begin(a);
	trouble_end(a, &d, name);
	return d;
}

struct decision handle_restore_accepted(const struct act *a)
{
	struct decision d = handle_trouble_over(a, "restored");
	const struct trouble *t = look_trouble(a->look, "restored");
	decide_audit(&d, "local", "restore.accepted",
		     t ? decide_name(a->arena, "case", t->case_id) : "the database",
		     "An admin accepts the older database as the record from here on.");
	return d;
}
