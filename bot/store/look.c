/* look: answers model/look.h from the open transaction. Called by handlers and view (through
 * look.h) and by store/ itself. Never writes, but for the counters. A read that fails gives NULL
 * and leaves the store sick, so that the turn's commit says so. */
#include "store/inside.h"
#include <assert.h>

/* Rows of one kind that a case can have (pages have seven reasons); accounts under one address;
 * open questions to one person: those beyond go by their own deadline. */
enum { OUT_LIST_MAX = 64, PERSON_LIST_MAX = 8, INQUIRY_LIST_MAX = 64 };

struct look *store_look(struct store *s) { return &s->look; }

/* --- rows to nouns, in the order of the column lists in statements.h --- */

static void row_alert(struct store *s, sqlite3_stmt *st, void *into)
{
	struct alert *a = arena_new(s->arena, struct alert);

	*a = (struct alert){
		.id = sqlite3_column_int64(st, 0),
		.source = column_text(s, st, 1),
		.digest = column_text(s, st, 2),
		.key = column_text(s, st, 3),
		.state = (enum alert_state)sqlite3_column_int(st, 4),
		.seen = sqlite3_column_int64(st, 5),
		.first_ms = sqlite3_column_int64(st, 6),
		.last_ms = sqlite3_column_int64(st, 7),
		.case_id = sqlite3_column_int64(st, 8),
		.body = column_text(s, st, 9),
	};
	*(const struct alert **)into = a;
}

static const struct casefile *case_of_row(struct store *s, sqlite3_stmt *st)
{
	struct casefile *c = arena_new(s->arena, struct casefile);

	*c = (struct casefile){
		.id = sqlite3_column_int64(st, 0),
		.state = (enum case_state)sqlite3_column_int(st, 1),
		.resolution = (enum resolution)sqlite3_column_int(st, 2),
		.priority = sqlite3_column_int(st, 3),
		.held = column_text(s, st, 4),
		.playbook = column_text(s, st, 5),
		.source = column_text(s, st, 6),
		.subject = column_text(s, st, 7),
		.plan = column_text(s, st, 8),
		.alerts = sqlite3_column_int64(st, 9),
		.opened_ms = sqlite3_column_int64(st, 10),
		.closed_ms = sqlite3_column_int64(st, 11),
		.is_drill = sqlite3_column_int(st, 12) != 0,
	};
	return c;
}

static void row_case(struct store *s, sqlite3_stmt *st, void *into)
{
	*(const struct casefile **)into = case_of_row(s, st);
}

static struct inquiry *inquiry_of(struct store *s, sqlite3_stmt *st)
{
	struct inquiry *q = arena_new(s->arena, struct inquiry);

	*q = (struct inquiry){
		.id = sqlite3_column_int64(st, 0),
		.case_id = sqlite3_column_int64(st, 1),
		.state = (enum inquiry_state)sqlite3_column_int(st, 2),
		.person = column_text(s, st, 3),
		.created_ms = sqlite3_column_int64(st, 4),
		.wait_ms = sqlite3_column_int64(st, 5),
		.undelivered_ms = sqlite3_column_int64(st, 6),
		.delivered_ms = sqlite3_column_int64(st, 7),
		.answer_ms = sqlite3_column_int64(st, 8),
		.due_ms = sqlite3_column_int64(st, 9),
		.answered_ms = sqlite3_column_int64(st, 10),
		.late = column_text(s, st, 11),
		.late_ms = sqlite3_column_int64(st, 12),
		.comment = column_text(s, st, 13),
		.tried = column_text(s, st, 14),
	};
	return q;
}

static void row_inquiry(struct store *s, sqlite3_stmt *st, void *into)
{
	*(const struct inquiry **)into = inquiry_of(s, st);
}

struct inquiry_rows {
	const struct inquiry **at;
	size_t n;
};
static void row_inquiry_list(struct store *s, sqlite3_stmt *st, void *into)
{
	struct inquiry_rows *list = into;

	if (!list->at)
		list->at = arena_many(s->arena, const struct inquiry *, INQUIRY_LIST_MAX);
	if (list->n < INQUIRY_LIST_MAX)
		list->at[list->n++] = inquiry_of(s, st);
}

static struct person *person_of(struct store *s, sqlite3_stmt *st)
{
	struct person *p = arena_new(s->arena, struct person);

	*p = (struct person){
		.user = column_text(s, st, 0),
		.email = column_text(s, st, 1),
		.name = column_text(s, st, 2),
		.tz = column_text(s, st, 3),
		.tz_offset_s = sqlite3_column_int(st, 4),
		.is_bot = sqlite3_column_int(st, 5) != 0,
		.is_deleted = sqlite3_column_int(st, 6) != 0,
		.is_guest = sqlite3_column_int(st, 7) != 0,
		.dm = column_text(s, st, 8),
		.fetched_ms = sqlite3_column_int64(st, 9),
	};
	return p;
}

static void row_person(struct store *s, sqlite3_stmt *st, void *into)
{
	*(const struct person **)into = person_of(s, st);
}

struct person_rows {
	const struct person **at;
	size_t n;
};
static void row_person_list(struct store *s, sqlite3_stmt *st, void *into)
{
	struct person_rows *list = into;

	if (!list->at)
		list->at = arena_many(s->arena, const struct person *, PERSON_LIST_MAX);
	if (list->n < PERSON_LIST_MAX)
		list->at[list->n++] = person_of(s, st);
}

static struct outgoing *outgoing_of(struct store *s, sqlite3_stmt *st)
{
	struct outgoing *o = arena_new(s->arena, struct outgoing);

	*o = (struct outgoing){
		.id = sqlite3_column_int64(st, 0),
		.key = column_text(s, st, 1),
		.kind = (enum out_kind)sqlite3_column_int(st, 2),
		.state = (enum out_state)sqlite3_column_int(st, 3),
		.phase = (enum out_phase)sqlite3_column_int(st, 4),
		.rank = (enum rank)sqlite3_column_int(st, 5),
		.gate = column_text(s, st, 6),
		.case_id = sqlite3_column_int64(st, 7),
		.inquiry_id = sqlite3_column_int64(st, 8),
		.target = column_text(s, st, 9),
		.channel = column_text(s, st, 10),
		.ref = column_text(s, st, 11),
		.wanted = sqlite3_column_int64(st, 12),
		.shown = sqlite3_column_int64(st, 13),
		.flight = sqlite3_column_int64(st, 14),
		.attempts = sqlite3_column_int64(st, 15),
		.misses = sqlite3_column_int64(st, 16),
		.due_ms = sqlite3_column_int64(st, 17),
		.deadline_ms = sqlite3_column_int64(st, 18),
		.created_ms = sqlite3_column_int64(st, 19),
		.first_ms = sqlite3_column_int64(st, 20),
		.last_ms = sqlite3_column_int64(st, 21),
		.done_ms = sqlite3_column_int64(st, 22),
		.error = column_text(s, st, 23),
	};
	return o;
}

static void row_outgoing(struct store *s, sqlite3_stmt *st, void *into)
{
	*(const struct outgoing **)into = outgoing_of(s, st);
}

struct out_list {
	const struct outgoing **at;
	size_t n;
};
static void row_out_list(struct store *s, sqlite3_stmt *st, void *into)
{
	struct out_list *list = into;

	if (!list->at)
		list->at = arena_many(s->arena, const struct outgoing *, OUT_LIST_MAX);
	if (list->n < OUT_LIST_MAX)
		list->at[list->n++] = outgoing_of(s, st);
}

/* --- the questions --- */

/* One noun or NULL: what failed is in the store, not in the answer. */
static void answer(struct look *l, enum sql sql, const struct value *values,
		   const struct rows *rows)
{
	struct fail kept_in_store;

	assert(l->store->arena);
	if (run(l->store, sql, values, rows, &kept_in_store) != RC_OK)
		return;
}

static const struct alert *alert_where(struct look *l, enum sql sql, const struct value *values)
{
	const struct alert *a = NULL;

	answer(l, sql, values, &(struct rows){ row_alert, &a });
	return a;
}

const struct alert *look_alert(struct look *l, int64_t id)
{
	return alert_where(l, SQL_ALERT_GET, WITH(NUM(id)));
}

const struct alert *look_alert_digest(struct look *l, const char *source, const char *digest)
{
	return alert_where(l, SQL_ALERT_BY_DIGEST, WITH(TXT(source), TXT(digest)));
}

const struct alert *look_alert_key(struct look *l, const char *source, const char *key)
{
	return alert_where(l, SQL_ALERT_BY_KEY, WITH(TXT(source), TXT(key)));
}

const char *look_delivery(struct look *l, const char *source, const char *id)
{
	const char *digest = NULL;

	answer(l, SQL_DELIVERY_GET, WITH(TXT(source), TXT(id)),
	       &(struct rows){ row_text, &digest });
	return digest;
}

static void row_trouble(struct store *s, sqlite3_stmt *st, void *into)
{
	struct trouble *t = arena_new(s->arena, struct trouble);

	*t = (struct trouble){ .name = column_text(s, st, 0),
			       .case_id = sqlite3_column_int64(st, 1),
			       .since_ms = sqlite3_column_int64(st, 2),
			       .over_ms = sqlite3_column_int64(st, 3) };
	*(const struct trouble **)into = t;
}

const struct trouble *look_trouble(struct look *l, const char *name)
{
	const struct trouble *found = NULL;

	answer(l, SQL_TROUBLE_GET, WITH(TXT(name)), &(struct rows){ row_trouble, &found });
	return found;
}

const struct casefile *look_case(struct look *l, int64_t id)
{
	const struct casefile *c = NULL;

	answer(l, SQL_CASE_GET, WITH(NUM(id)), &(struct rows){ row_case, &c });
	return c;
}

const struct inquiry *look_inquiry(struct look *l, int64_t id)
{
	const struct inquiry *q = NULL;

	answer(l, SQL_INQUIRY_GET, WITH(NUM(id)), &(struct rows){ row_inquiry, &q });
	return q;
}

const struct inquiry *look_case_inquiry(struct look *l, int64_t case_id)
{
	const struct inquiry *q = NULL;

	answer(l, SQL_INQUIRY_OF_CASE, WITH(NUM(case_id)), &(struct rows){ row_inquiry, &q });
	return q;
}

const struct person *look_person(struct look *l, const char *user)
{
	const struct person *p = NULL;

	answer(l, SQL_PERSON_GET, WITH(TXT(user)), &(struct rows){ row_person, &p });
	return p;
}

const char *lower_ascii(struct arena *a, const char *z)
{
	const struct str from = str_z(z);
	char *to = arena_alloc(a, from.n + 1);

	for (size_t i = 0; i < from.n; i++) {
		const char c = from.at[i];
		to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return to;
}

struct person_list look_people_email(struct look *l, const char *email)
{
	struct person_rows list = { 0 };

	answer(l, SQL_PERSON_BY_EMAIL,
	       WITH(TXT(lower_ascii(l->store->arena, email)), NUM(PERSON_LIST_MAX)),
	       &(struct rows){ row_person_list, &list });
	return (struct person_list){ .at = list.at, .n = list.n };
}

struct inquiry_list look_person_inquiries(struct look *l, const char *user)
{
	struct inquiry_rows list = { 0 };

	answer(l, SQL_INQUIRY_OF_PERSON, WITH(TXT(user), NUM(INQUIRY_LIST_MAX)),
	       &(struct rows){ row_inquiry_list, &list });
	return (struct inquiry_list){ .at = list.at, .n = list.n };
}

enum rc out_get(struct store *s, int64_t id, const struct outgoing **out, struct fail *fail)
{
	*out = NULL;
	return run(s, SQL_OUT_GET, WITH(NUM(id)), &(struct rows){ row_outgoing, out }, fail);
}

enum rc out_by_key(struct store *s, const char *key, const struct outgoing **out, struct fail *fail)
{
	*out = NULL;
	return run(s, SQL_OUT_BY_KEY, WITH(TXT(key)), &(struct rows){ row_outgoing, out }, fail);
}

const struct outgoing *look_outgoing(struct look *l, int64_t id)
{
	const struct outgoing *o = NULL;

	answer(l, SQL_OUT_GET, WITH(NUM(id)), &(struct rows){ row_outgoing, &o });
	return o;
}

const struct outgoing *look_outgoing_key(struct look *l, const char *key)
{
	const struct outgoing *o = NULL;

	answer(l, SQL_OUT_BY_KEY, WITH(TXT(key)), &(struct rows){ row_outgoing, &o });
	return o;
}

struct look_list look_case_outgoing(struct look *l, int64_t case_id, enum out_kind kind)
{
	struct out_list list = { 0 };

	answer(l, SQL_OUT_OF_CASE, WITH(NUM(case_id), NUM(kind), NUM(OUT_LIST_MAX)),
	       &(struct rows){ row_out_list, &list });
	return (struct look_list){ .at = list.at, .n = list.n };
}

/* --- more lists: no longer than the asker's limit --- */

struct newest {
	const struct inquiry **at; /* limit places */
	size_t n, limit;
};
static void row_newest(struct store *s, sqlite3_stmt *st, void *into)
{
	struct newest *list = into;

	if (list->n < list->limit)
		list->at[list->n++] = inquiry_of(s, st);
}

struct inquiry_list look_newest_inquiries(struct look *l, const char *user, size_t limit)
{
	struct newest list = { .limit = limit };

	list.at = arena_many(l->store->arena, const struct inquiry *, limit);
	answer(l, SQL_INQUIRY_NEWEST, WITH(TXT(user), NUM(limit)),
	       &(struct rows){ row_newest, &list });
	return (struct inquiry_list){ .at = list.at, .n = list.n };
}

struct case_list {
	const struct casefile **at;
	size_t n, limit;
};
static void row_case_list(struct store *s, sqlite3_stmt *st, void *into)
{
	struct case_list *list = into;

	if (list->n < list->limit)
		list->at[list->n++] = case_of_row(s, st);
}

struct look_cases look_drills(struct look *l, const char *user, size_t limit)
{
	struct case_list list = { .limit = limit };

	list.at = arena_many(l->store->arena, const struct casefile *, limit);
	answer(l, SQL_CASE_DRILLS, WITH(TXT(user), NUM(limit)),
	       &(struct rows){ row_case_list, &list });
	return (struct look_cases){ list.at, list.n };
}

enum { OPEN_HELD = -2, OPEN_UNASKED = -1 }; /* as CASE_OPEN has them, beside inquiry states */

static void row_open_case(struct store *s, sqlite3_stmt *st, void *into)
{
	struct look_open *open = into;
	const int state = sqlite3_column_int(st, 2);

	(void)s;
	if (open->cases++ == 0) {
		open->oldest_id = sqlite3_column_int64(st, 0);
		open->oldest_ms = sqlite3_column_int64(st, 1);
	}
	if (state == OPEN_HELD)
		open->held++;
	else if (state == OPEN_UNASKED)
		open->unasked++;
	else if (state >= 0 && state < LOOK_STATES_MAX)
		open->by_state[state]++;
}

struct look_open look_open_cases(struct look *l, size_t limit)
{
	struct look_open open = { .cases = 0 };

	answer(l, SQL_CASE_OPEN, WITH(NUM(limit)), &(struct rows){ row_open_case, &open });
	return open;
}

struct audit_list {
	struct audit_line *at;
	size_t n, limit;
};
static void row_audit_line(struct store *s, sqlite3_stmt *st, void *into)
{
	struct audit_list *list = into;

	if (list->n == list->limit)
		return;
	list->at[list->n++] = (struct audit_line){
		.seq = sqlite3_column_int64(st, 0),
		.at_ms = sqlite3_column_int64(st, 1),
		.actor = column_text(s, st, 2),
		.action = column_text(s, st, 3),
		.detail = column_text(s, st, 4),
	};
}

struct look_audit look_object_audit(struct look *l, const char *object, size_t limit)
{
	struct audit_list list = { .limit = limit };

	list.at = arena_many(l->store->arena, struct audit_line, limit);
	answer(l, SQL_AUDIT_OF_OBJECT, WITH(TXT(object), NUM(limit)),
	       &(struct rows){ row_audit_line, &list });
	return (struct look_audit){ list.at, list.n };
}

/* --- ids --- */

static const char *counter_name(enum counter c)
{
	switch (c) {
	case COUNTER_ALERT: return "alert";
	case COUNTER_CASE: return "case";
	case COUNTER_INQUIRY: return "inquiry";
	case COUNTER_OUTGOING: return "outgoing";
	case COUNTER_AUDIT: return "audit";
	}
	assert(!"no such counter");
	return "";
}

enum rc take_id(struct store *s, enum counter c, int64_t *id, struct fail *fail)
{
	*id = 0;
	const enum rc rc = run(s, SQL_COUNTER_TAKE, WITH(TXT(counter_name(c))),
			       &(struct rows){ row_number, id }, fail);
	if (rc == RC_OK && *id == 0)
		return FAIL(fail, RC_BROKEN, "the counter %s is gone", counter_name(c));
	return rc;
}

/* 0 where the store is sick: no row can take it, and the commit will say why. */
int64_t look_take_id(struct look *l, enum counter c)
{
	struct fail kept_in_store;
	int64_t id = 0;

	return take_id(l->store, c, &id, &kept_in_store) == RC_OK ? id : 0;
}
