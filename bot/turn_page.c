/* turn_page: requests to pagers, and their answers. Called by turn_speak and turn_read; decides
 * nothing. */
#include "turn_parts.h"

#include <string.h>

#include "base/json.h"
#include "model/policy.h"
#include "vendor/engine.h"
#include "view/view.h"

/* The page that a row is, or asks about. NULL = there is none. */
static const struct outgoing *page_of(struct turn *t, const struct outgoing *row)
{
	return row->kind == OUT_PAGE ? row : look_outgoing_key(store_look(t->o.store), row->target);
}

size_t turn_pager_of(struct turn *t, const struct outgoing *row)
{
	const struct outgoing *page = page_of(t, row);
	return engine_pager(t->o.policy, page ? page->gate : row->gate);
}

/* Whoever did not take the page can't say what became of it, and would be believed. */
static enum rc build_confirm(struct turn *t, const struct outgoing *row, struct request *rq,
			     struct fail *fail)
{
	const struct policy *p = t->o.policy;
	const struct outgoing *page = page_of(t, row);
	const size_t at = turn_pager_of(t, row);
	if (!page)
		return FAIL(fail, RC_ABSENT, "%s: no such page", row->target);
	if (strcmp(p->pagers[at].name, page->gate) != 0 || !p->pagers[at].confirms)
		return FAIL(fail, RC_ABSENT, "%s can't be asked any more", page->gate);
	struct connector c = engine_connector(p, at);
	CLEANUP(json_done) struct cJSON *input = view_confirm(p, page);
	return engine_request(&c, "confirm", input, &t->work, rq, fail);
}

enum rc turn_build_page(struct turn *t, const struct outgoing *row, struct request *rq,
			struct fail *fail)
{
	const struct policy *p = t->o.policy;
	if (row->kind == OUT_CONFIRM)
		return build_confirm(t, row, rq, fail);
	struct connector c = engine_connector(p, turn_pager_of(t, row));
	CLEANUP(json_done)
	struct cJSON *input = view_page(store_look(t->o.store), p, row, t->now_ms);
	if (!input)
		return FAIL(fail, RC_ABSENT, "outgoing %lld: no such case", (long long)row->id);
	enum rc rc = engine_request(&c, "trigger", input, &t->work, rq, fail);
	rq->is_page = true;
	return rc;
}

void turn_page_answered(struct turn *t, const struct flight *f, const struct wire_reply *reply,
			struct result *out)
{
	struct connector c = engine_connector(t->o.policy, f->pager);
	struct engine_reply er = { reply->status, reply->may_have_happened, reply->retry_after_s,
				   reply->body, reply->error };
	const char *op = f->asked.kind == OUT_CONFIRM ? "confirm" : "trigger";
	engine_answer(&c, op, NULL, &er, &t->batch, out);
}
