/* command_test: a drill: a question to whoever asks for one, like a real one in everything but that
 * nobody is paged and that it says so everywhere. Called by command's table only. */
#include "base/json.h"
#include "base/when.h"
#include "handlers/command.h"
#include "handlers/decide.h"
#include "handlers/inquiry.h"
#include "handlers/notification.h"
#include "handlers/plan.h"

enum { DRILLS_A_DAY = 5, DRILL_PRIORITY = 5 };
#define DRILL_WAIT_MS (30 * MINUTE_MS)
#define DRILL_SOURCE  "drill"

static const char *word(const struct act *a, const char *key)
{
	return json_text(json_key(a->policy->texts, key));
}

static void open_drill(const struct asked *q, struct decision *d)
{
	const struct act *a = q->a;
	struct plan plan = { .title = word(a, TEXT_DRILL_TITLE),
			     .summary = word(a, TEXT_DRILL_SUMMARY),
			     .question = word(a, TEXT_DRILL_QUESTION) };
	struct casefile k = {
		.id = look_take_id(a->look, COUNTER_CASE),
		.state = CASE_OPEN,
		.resolution = RESOLUTION_NONE,
		.priority = DRILL_PRIORITY,
		.held = "",
		.playbook = "",
		.source = DRILL_SOURCE,
		.subject = q->user,
		.plan = plan_text(a->arena, &plan),
		.opened_ms = a->at.now_ms,
		.is_drill = true,
	};
	decide_case_new(d, &k);
	decide_audit(d, arena_f(a->arena, "slack:%s", q->user), "case.opened",
		     decide_name(a->arena, "case", k.id), "a drill");
	notification_card(a, d, k.id);
	inquiry_open(a, d, &k, DRILL_WAIT_MS);
}

struct decision command_test(const struct asked *q)
{
	const struct act *a = q->a;
	struct look_cases drills = look_drills(a->look, q->user, DRILLS_A_DAY);
	struct whom whom = people_whom(a, q->user);
	if (!q->is_new) /* Slack says it again: it was decided about */
		return command_say(q, TEXT_DRILL_STARTED);
	if (drills.n && drills.at[0]->state == CASE_OPEN)
		return command_say(q, TEXT_DRILL_RUNNING);
	if (drills.n == DRILLS_A_DAY &&
	    a->at.now_ms - drills.at[DRILLS_A_DAY - 1]->opened_ms < DAY_MS)
		return command_say(q, TEXT_DRILL_ENOUGH);
	if (whom.kind == WHOM_NOBODY)
		return command_say(q, TEXT_DRILL_NOBODY);
	struct decision d = command_say(q, TEXT_DRILL_STARTED);
	open_drill(q, &d);
	return d;
}
