/* lane: what is due and what may go out now. Called by turn (through store.h) and by apply.c after
 * each change. Never decides what to send.
 *
 * outgoing_waiting orders the rows of each (gate, rank); the table lane holds the first of each
 * line and when it may go: its due time or the gate's opening, whichever is later, and nothing at
 * all while the gate has a request in flight. So a claim reads five short index ranges, and a
 * vendor that hangs costs nothing however long its line grows. */
#include "base/when.h"
#include "store/inside.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { RANK_COUNT = RANK_CARD + 1 };

/* --- the lanes of a gate --- */

struct lane {
	int64_t ms, id; /* id 0 = nobody waits */
};
struct gate {
	int64_t open_ms, flight_id;
	struct lane lanes[RANK_COUNT];
};

static void row_gate(struct store *s, sqlite3_stmt *st, void *into)
{
	struct gate *g = into;

	(void)s;
	g->open_ms = sqlite3_column_int64(st, 0);
	g->flight_id = sqlite3_column_int64(st, 1);
}

static void row_lane(struct store *s, sqlite3_stmt *st, void *into)
{
	struct lane *lanes = into;
	const int rank = sqlite3_column_int(st, 0);

	(void)s;
	assert(rank >= 0 && rank < RANK_COUNT);
	lanes[rank] = (struct lane){ sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2) };
}

static enum rc lane_write(struct store *s, const char *gate, int rank, const struct lane *l,
			  struct fail *fail)
{
	if (l->id == 0)
		return run(s, SQL_LANE_DROP, WITH(TXT(gate), NUM(rank)), NULL, fail);
	return run(s, SQL_LANE_PUT, WITH(TXT(gate), NUM(rank), NUM(l->ms), NUM(l->id)), NULL, fail);
}

enum rc lane_refresh(struct store *s, const char *gate, struct fail *fail)
{
	struct gate g = { 0 };
	struct lane written[RANK_COUNT] = { { 0, 0 } };
	enum rc rc = run(s, SQL_GATE_GET, WITH(TXT(gate)), &(struct rows){ row_gate, &g }, fail);

	if (rc == RC_OK && g.flight_id != 0)
		return run(s, SQL_LANE_DROP_ALL, WITH(TXT(gate)), NULL, fail);
	if (rc == RC_OK)
		rc = run(s, SQL_GATE_HEADS, WITH(TXT(gate)), &(struct rows){ row_lane, g.lanes },
			 fail);
	if (rc == RC_OK)
		rc = run(s, SQL_LANE_OF_GATE, WITH(TXT(gate)), &(struct rows){ row_lane, written },
			 fail);
	for (int rank = 0; rc == RC_OK && rank < RANK_COUNT; rank++) {
		struct lane *l = &g.lanes[rank];
		if (l->id != 0 && l->ms < g.open_ms)
			l->ms = g.open_ms;
		if (l->ms != written[rank].ms || l->id != written[rank].id)
			rc = lane_write(s, gate, rank, l, fail);
	}
	return rc;
}

/* --- the claim --- */

struct heads {
	struct {
		const char *gate;
		int64_t id;
	} * at;
	size_t limit, n;
};

static void row_head(struct store *s, sqlite3_stmt *st, void *into)
{
	struct heads *h = into;

	if (h->n == h->limit)
		return;
	h->at[h->n].gate = column_text(s, st, 0);
	h->at[h->n++].id = sqlite3_column_int64(st, 1);
}

/* False: not now; the row has another time and its line another head. */
static enum rc may_go(struct store *s, const struct claim_terms *t, const char *gate, int64_t id,
		      bool *may, struct fail *fail)
{
	const struct outgoing *row = NULL;
	enum rc rc = RC_OK;

	*may = true;
	if (!t->later)
		return RC_OK;
	rc = out_get(s, id, &row, fail);
	const int64_t later_ms = rc == RC_OK && row ? t->later(t->self, row) : 0;
	if (rc != RC_OK || later_ms <= t->now_ms)
		return rc;
	*may = false;
	rc = run(s, SQL_OUT_LATER, WITH(NUM(id), NUM(later_ms)), NULL, fail);
	return rc == RC_OK ? lane_refresh(s, gate, fail) : rc;
}

/* Writes the attempt. *out stays NULL where the lane was wrong: the row is not for the taking, and
 * refreshing the gate puts the lane right. */
static enum rc claim_one(struct store *s, const struct claim_terms *t, const char *gate, int64_t id,
			 const struct outgoing **out, struct fail *fail)
{
	enum rc rc = run(s, SQL_OUT_CLAIM, WITH(NUM(id), NUM(t->now_ms)), NULL, fail);

	if (rc == RC_OK && s->changed != 1)
		return lane_refresh(s, gate, fail);
	if (rc == RC_OK && t->pace_ms > 0 && strncmp(gate, "slack:", 6) == 0)
		rc = run(s, SQL_GATE_CLOSE, WITH(TXT(gate), NUM(t->now_ms + t->pace_ms)), NULL,
			 fail);
	if (rc == RC_OK)
		rc = run(s, SQL_LANE_DROP_ALL, WITH(TXT(gate)), NULL, fail);
	return rc == RC_OK ? out_get(s, id, out, fail) : rc;
}

static int by_due(const void *a, const void *b)
{
	const struct outgoing *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

enum rc store_claim(struct store *s, const struct claim_terms *terms, const struct outgoing **out,
		    size_t *n, struct fail *fail)
{
	const size_t most = terms->limit + terms->more;
	struct outgoing *rows = arena_many(s->arena, struct outgoing, most + 1);
	struct heads h = { .at = arena_alloc_many(s->arena, sizeof h.at[0], most + 1) };
	size_t claimed = 0;
	enum rc rc = RC_OK;

	/* Rank by rank: a claim takes the other lanes of its gate off the table, so the next rank
	 * doesn't see them. */
	for (int rank = 0; rc == RC_OK && rank < RANK_COUNT; rank++) {
		const size_t limit = rank == RANK_PAGE ? most : terms->limit;
		if (claimed >= limit)
			continue;
		h.n = 0;
		h.limit = limit - claimed;
		rc = run(s, SQL_LANE_READY,
			 WITH(NUM(rank), NUM(terms->now_ms), NUM(h.limit), NUM(s->holds_slack)),
			 &(struct rows){ row_head, &h }, fail);
		for (size_t i = 0; rc == RC_OK && i < h.n; i++) {
			const struct outgoing *row = NULL;
			bool may = true;
			rc = may_go(s, terms, h.at[i].gate, h.at[i].id, &may, fail);
			if (rc == RC_OK && may)
				rc = claim_one(s, terms, h.at[i].gate, h.at[i].id, &row, fail);
			if (rc == RC_OK && row)
				rows[claimed++] = *row;
		}
	}
	if (rc != RC_OK)
		return rc;
	qsort(rows, claimed, sizeof rows[0], by_due);
	*out = rows;
	*n = claimed;
	return RC_OK;
}

/* --- what is due --- */

static enum rc ids(struct store *s, enum sql sql, const struct value *values, struct id_list *list,
		   struct fail *fail)
{
	return run(s, sql, values, &(struct rows){ row_id, list }, fail);
}

enum rc store_due_alerts(struct store *s, int64_t *out, size_t limit, size_t *n, struct fail *fail)
{
	struct id_list list = { .limit = limit };

	list.at = out;
	const enum rc rc = ids(s, SQL_ALERT_DUE, WITH(NUM(limit)), &list, fail);
	*n = list.n;
	return rc;
}

enum rc store_due_inquiries(struct store *s, int64_t now_ms, int64_t *out, size_t limit, size_t *n,
			    struct fail *fail)
{
	struct id_list list = { .limit = limit };

	list.at = out;
	const enum rc rc = ids(s, SQL_INQUIRY_DUE, WITH(NUM(now_ms), NUM(limit)), &list, fail);
	*n = list.n;
	return rc;
}

enum rc store_count_open(struct store *s, int64_t *n, struct fail *fail)
{
	return run(s, SQL_INQUIRY_COUNT, NULL, &(struct rows){ row_number, n }, fail);
}

enum rc store_old_inquiries(struct store *s, int64_t before_ms, int64_t *out, size_t limit,
			    size_t *n, struct fail *fail)
{
	struct id_list list = { .limit = limit };

	list.at = out;
	const enum rc rc = ids(s, SQL_INQUIRY_OLD, WITH(NUM(before_ms), NUM(limit)), &list, fail);
	*n = list.n;
	return rc;
}

enum rc store_due_deadlines(struct store *s, int64_t now_ms, int64_t *out, size_t limit, size_t *n,
			    struct fail *fail)
{
	struct id_list list = { .limit = limit };

	list.at = out;
	const enum rc rc = ids(s, SQL_OUT_DEADLINE, WITH(NUM(now_ms), NUM(limit)), &list, fail);
	*n = list.n;
	return rc;
}

enum rc store_in_flight(struct store *s, int64_t *out, size_t limit, size_t *n, struct fail *fail)
{
	struct id_list list = { .limit = limit };

	list.at = out;
	const enum rc rc = ids(s, SQL_OUT_IN_FLIGHT, WITH(NUM(limit)), &list, fail);
	*n = list.n;
	return rc;
}

static void row_earliest(struct store *s, sqlite3_stmt *st, void *into)
{
	int64_t *earliest = into;

	(void)s;
	for (int i = 0; i < sqlite3_column_count(st); i++) {
		const int64_t ms = sqlite3_column_int64(st, i);
		if (ms < *earliest)
			*earliest = ms;
	}
}

enum rc store_next_due(struct store *s, int64_t now_ms, int64_t *due_ms, struct fail *fail)
{
	enum rc rc = RC_OK;

	if (!s->knows_next || s->sick != RC_OK) {
		s->next_ms = NEVER_MS;
		rc = run(s, SQL_NEXT_DUE, WITH(NUM(s->holds_slack)),
			 &(struct rows){ row_earliest, &s->next_ms }, fail);
		s->knows_next = rc == RC_OK;
	}
	if (rc == RC_OK)
		*due_ms = s->next_ms < now_ms ? now_ms : s->next_ms;
	return rc;
}

void store_hold_slack(struct store *s, bool holds)
{
	s->knows_next = s->knows_next && s->holds_slack == holds;
	s->holds_slack = holds;
}

enum rc store_gate(struct store *s, const char *gate, int64_t *open_ms, struct fail *fail)
{
	struct gate g = { 0 };
	const enum rc rc =
		run(s, SQL_GATE_GET, WITH(TXT(gate)), &(struct rows){ row_gate, &g }, fail);

	*open_ms = g.open_ms;
	return rc;
}

static void row_look_gate(struct store *s, sqlite3_stmt *st, void *into)
{
	(void)s;
	*(struct look_gate *)into =
		(struct look_gate){ sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1) };
}

struct look_gate look_gate(struct look *l, const char *gate)
{
	struct look_gate g = { 0 };
	struct fail fail;

	if (run(l->store, SQL_GATE_LOOK, WITH(TXT(gate)), &(struct rows){ row_look_gate, &g },
		&fail) != RC_OK)
		return (struct look_gate){ 0 };
	return g;
}
