/* check_times: how late it was. A bound counts from the moment itself or from when the faults
 * stopped, whichever is later, and from what a vendor may have asked for at the very end. Where the
 * wall clock was wrong by an hour the bot's times are not the world's, and only that it happened is
 * checked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/look.h"
#include "sim/sim.h"

/* Five minutes, and one for what is spread, paced, and told by a drifting clock. */
static const double patience_ms = 6.0 * (double)MINUTE_MS;

static void in_time(struct sim *s, const char *number, const struct cJSON *incident,
		    int64_t since_ms)
{
	double calm = (double)(s->healed_ms + s->pager_wait_ms);
	double from = (double)since_ms > calm ? (double)since_ms : calm;
	double late = incident ? json_number(json_key(incident, "first_ms")) - from : 0;
	if (late > patience_ms)
		sim_break(s, "%s %s: paged for %s %.0f s late", number,
			  json_text_at(incident, "details.case"),
			  json_text_at(incident, "details.reason"), late / 1000.0);
}

static void check_inquiry(struct sim *s, const struct cJSON *state, struct look *l,
			  const struct inquiry *q)
{
	int64_t at_ms = 0;
	(void)sim_recorded(l, "inquiry", q->id, "inquiry.unreachable", &at_ms);
	in_time(s, "I-12", sim_incident(state, q->case_id, "owner-unknown"), at_ms);
	in_time(s, "I-12", sim_incident(state, q->case_id, "undeliverable"), at_ms);
	(void)sim_recorded(l, "inquiry", q->id, "inquiry.answered", &at_ms);
	in_time(s, "I-28", sim_incident(state, q->case_id, "answered-no"), at_ms);
	in_time(s, "I-29", sim_incident(state, q->case_id, "silence"), q->answer_ms);
}

/* Nothing went wrong with the process, its disk or its clock in this seed. */
static bool is_untroubled(const struct sim *s) { return !s->deaths && !s->faults; }

/* Another pager was called, or the channel was told: either stands under the first row. */
static bool is_handed_on(struct look *l, const struct outgoing *row)
{
	char key[160];
	const char *by = strstr(row->key, ", by ");
	size_t n = by ? (size_t)(by - row->key) : strlen(row->key);
	(void)snprintf(key, sizeof(key), "%.*s", (int)n, row->key);
	const struct outgoing *first = look_outgoing_key(l, key);
	(void)snprintf(key, sizeof(key), "%.*s, by pagerduty-eu", (int)n, row->key);
	if (!by && look_outgoing_key(l, key))
		return true;
	(void)snprintf(key, sizeof(key), "outgoing %" PRId64 ", alarm", first ? first->id : 0);
	return look_outgoing_key(l, key) != NULL;
}

/* Two deaths over its deadline, by bad luck: that is a case of its own with a page. */
static bool is_deadline_held(struct look *l, const struct outgoing *row)
{
	char what[48];
	const struct casefile *k;
	(void)snprintf(what, sizeof(what), "\"deadline %" PRId64 ":", row->id);
	for (int64_t id = 1; (k = look_case(l, id)) != NULL; id++)
		if (k->held[0] && strstr(k->plan, what))
			return true;
	return false;
}

static void check_page(struct sim *s, struct look *l, const struct outgoing *row)
{
	/* One that was called off: another pager has it, or its case is closed. */
	if (row->state == OUT_DEAD && strncmp(row->error, "not ", 4) == 0)
		return;
	/* By the request: its answer may come first thing after the machine was asleep. */
	bool is_late = row->state == OUT_DEAD ||
		       (row->done_ms && row->last_ms - row->created_ms > (int64_t)patience_ms);
	if (is_late && !is_handed_on(l, row) && !is_deadline_held(l, row))
		sim_break(s,
			  "I-33 \"%s\": not confirmed in time, and nobody else was told (state %d, "
			  "sent after %" PRId64 " s, done after %" PRId64 " s, %s)",
			  row->key, (int)row->state, (row->last_ms - row->created_ms) / 1000,
			  (row->done_ms - row->created_ms) / 1000, row->error);
	if (is_untroubled(s) && row->first_ms - row->created_ms > MINUTE_MS)
		sim_break(s, "I-34 \"%s\": went out %" PRId64 " s late", row->key,
			  (row->first_ms - row->created_ms) / 1000);
}

void check_times(struct sim *s, const struct cJSON *state, struct look *l)
{
	const struct inquiry *q;
	const struct casefile *k;
	const struct outgoing *row;
	if (s->is_wall_wrong)
		return;
	for (int64_t id = 1; (q = look_inquiry(l, id)) != NULL; id++)
		check_inquiry(s, state, l, q);
	for (int64_t id = 1; (k = look_case(l, id)) != NULL; id++)
		in_time(s, "I-30", sim_incident(state, id, "opened"), k->opened_ms);
	for (int64_t id = 1; (row = look_outgoing(l, id)) != NULL; id++)
		if (row->kind == OUT_PAGE)
			check_page(s, l, row);
}
