/* command_show: one case. Analysts read all of it, with its record; the person it asks reads what
 * his message says; for anybody else it is the same as a case that does not exist. Called by
 * command's table only. */
#include <string.h>

#include "handlers/command.h"
#include "handlers/decide.h"

struct decision command_show(const struct asked *q)
{
	const struct act *a = q->a;
	const struct casefile *k = look_case(a->look, q->case_id);
	const struct inquiry *own = k ? look_case_inquiry(a->look, k->id) : NULL;
	bool is_own = own && strcmp(own->person, q->user) == 0;
	if (!k || (!q->is_analyst && !is_own))
		return command_say(q, TEXT_SHOW_NONE);
	struct decision d = command_sheet(q, "show");
	if (q->is_new && !is_own) /* whoever reads about other people leaves a trace */
		decide_audit(&d, arena_f(a->arena, "slack:%s", q->user), "case.shown",
			     decide_name(a->arena, "case", k->id), "");
	return d;
}
