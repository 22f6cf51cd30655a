/* story: see story.h. Everything is read out of the model's `state` and `ledger`, or the committed
 * database. */
#include "story.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lab_inside.h"
#include "store/inside.h"

static struct arena kept = { .limit = (size_t)256 << 20 };

struct arena *story_arena(void) { return &kept; }

void story_quote(const char *id, const char *words, bool holds, const char *file, int line)
{
	if (holds)
		return;
	print_error("%s: \"%s\" does not hold\n", id, words);
	_fail(file, line);
}

/* --- the lab of a story --- */

struct lab *story_begin(const struct lab_options *o)
{
	struct lab *l = lab_new(o);
	lab_pass(l, 2 * SECOND_MS);
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	assert_true(json_true(json_key(json_at(json_key(state, "sockets"), 0), "up")));
	return l;
}

void story_end(struct lab *l)
{
	lab_free(l);
	arena_clear(&kept);
}

int story_set_up(void **state)
{
	*state = story_begin(&(struct lab_options){ .seed = 7 });
	return 0;
}

int story_tear_down(void **state)
{
	story_end(*state);
	return 0;
}

void story_configure(const char *file)
{
	lab_done();
	lab_configure(file);
}

int story_one_pager(void **state)
{
	(void)state;
	story_configure("tests/lib/lab.yaml");
	return 0;
}

static const char *keep(const char *z) { return arena_z(&kept, z); }

/* --- sources --- */

struct said post(struct lab *l, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert_true(n > 0);
	char *body = arena_many(&kept, char, (size_t)n + 1);
	(void)vsnprintf(body, (size_t)n + 1, format, again);
	va_end(again);
	struct lab_post *p = arena_new(&kept, struct lab_post);
	lab_post(l, "edr", body, p);
	for (int i = 0; i < 1000 && !p->status; i++)
		lab_pass(l, 10);
	return (struct said){ p->status, p->alert_id };
}

int64_t an_alert(struct lab *l, const char *id, const char *user, int priority)
{
	struct said told = post(
		l,
		"{\"type\":\"process\",\"id\":\"%s\",\"user\":\"%s\",\"what\":\"A program that "
		"copies files was started.\",\"priority\":\"P%d\",\"facts\":{\"laptop\":\"%s\"}}",
		id, user, priority, id);
	assert_int_equal(told.status, 202);
	lab_pass(l, 2 * SECOND_MS);
	const struct alert *a = look_alert(lab_look(l), told.alert_id);
	assert_non_null(a);
	return a->case_id;
}

/* --- what stands where --- */

static struct cJSON *state_of(struct lab *l) { return lab_do(l, "state", "%s", "{}"); }

static void texts(const struct cJSON *j, struct buf *b)
{
	const char *name = json_name(j);
	if (json_is_string(j) && name && strcmp(name, "text") == 0)
		buf_addf(b, "\n%s", json_text(j));
	for (const struct cJSON *c = json_first(j); c; c = json_next(c))
		texts(c, b);
}

static const struct cJSON *button_in(const struct cJSON *blocks, const char *action)
{
	for (const struct cJSON *b = json_first(blocks); b; b = json_next(b))
		for (const struct cJSON *e = json_first(json_key(b, "elements")); e;
		     e = json_next(e))
			if (strcmp(json_text_at(e, "action_id"), action) == 0)
				return json_key(e, "value");
	return NULL;
}

static const char *value_of(const struct cJSON *blocks, const char *action)
{
	const struct cJSON *value = button_in(blocks, action);
	return value ? keep(json_text(value)) : NULL;
}

const struct seen *story_seen(const char *channel, const struct cJSON *m)
{
	const struct cJSON *blocks = json_key(m, "blocks");
	CLEANUP(buf_free) struct buf b = BUF(1u << 20);
	struct seen *s = arena_new(&kept, struct seen);
	buf_addz(&b, json_text_at(m, "text"));
	texts(blocks, &b);
	assert_false(b.broken);
	s->channel = keep(channel);
	s->ts = keep(json_text_at(m, "ts"));
	s->thread_ts = keep(json_text_at(m, "thread_ts"));
	s->words = keep(buf_z(&b));
	s->json = json_print_arena(blocks, &kept);
	s->yes = value_of(blocks, "yes");
	s->no = value_of(blocks, "no");
	s->not_me = value_of(blocks, "not_me");
	return s;
}

const char *id_of(struct lab *l, const char *name)
{
	CLEANUP(json_done) struct cJSON *state = state_of(l);
	for (const struct cJSON *p = json_first(json_key(state, "people")); p; p = json_next(p))
		if (strcmp(json_text_at(p, "name"), name) == 0)
			return keep(json_text_at(p, "id"));
	fail_msg("nobody is called %s", name);
	return "";
}

/* Messages of ours in one channel (its id, or whose direct messages it holds) with those words. */
struct search {
	const char *channel, *user, *words;
	size_t n; /* that stand by themselves */
	const struct seen *newest;
};

static void search(struct lab *l, struct search *s)
{
	CLEANUP(json_done) struct cJSON *state = state_of(l);
	for (const struct cJSON *c = json_first(json_key(state, "channels")); c; c = json_next(c)) {
		const char *id = json_text_at(c, "id");
		const char *wanted = s->user ? s->user : s->channel;
		if (!wanted || strcmp(s->user ? json_text_at(c, "user") : id, wanted) != 0)
			continue;
		for (const struct cJSON *m = json_first(json_key(c, "messages")); m;
		     m = json_next(m)) {
			const struct seen *seen = story_seen(id, m);
			if (!json_text_at(m, "bot_id")[0] || !says(seen, s->words))
				continue;
			s->n += !seen->thread_ts[0];
			s->newest = seen;
		}
	}
}

const struct seen *the_question_to(struct lab *l, const char *name)
{
	struct search s = { .user = id_of(l, name), .words = "" };
	search(l, &s);
	if (!s.newest)
		fail_msg("%s has no message from us", name);
	return s.newest;
}

size_t questions_to(struct lab *l, const char *name)
{
	struct search s = { .user = id_of(l, name), .words = "" };
	search(l, &s);
	return s.n;
}

const struct seen *message_with(struct lab *l, const char *channel, const char *words)
{
	struct search s = { .channel = channel, .words = words };
	search(l, &s);
	return s.newest;
}

size_t messages_with(struct lab *l, const char *channel, const char *words)
{
	struct search s = { .channel = channel, .words = words };
	search(l, &s);
	return s.n;
}

static const char *card_words(int64_t case_id)
{
	return arena_f(&kept, "SB-%lld · ", (long long)case_id);
}

const struct seen *the_card_of(struct lab *l, int64_t case_id)
{
	const struct seen *card = message_with(l, CHANNEL, card_words(case_id));
	if (!card)
		fail_msg("SB-%lld has no card", (long long)case_id);
	return card;
}

size_t cards_of(struct lab *l, int64_t case_id)
{
	return messages_with(l, CHANNEL, card_words(case_id));
}

static size_t private_words(struct lab *l, const char *name, const char **newest)
{
	CLEANUP(json_done) struct cJSON *state = state_of(l);
	const char *user = id_of(l, name);
	size_t n = 0;
	*newest = "";
	for (const struct cJSON *e = json_first(json_key(state, "ephemerals")); e; e = json_next(e))
		if (strcmp(json_text_at(e, "user"), user) == 0) {
			n++;
			*newest = keep(json_text_at(e, "text"));
		}
	return n;
}

const char *the_private_word_to(struct lab *l, const char *name)
{
	const char *newest;
	(void)private_words(l, name, &newest);
	return newest;
}

size_t private_words_to(struct lab *l, const char *name)
{
	const char *newest;
	return private_words(l, name, &newest);
}

const char *the_modal_of(struct lab *l, const char *name)
{
	CLEANUP(json_done) struct cJSON *state = state_of(l);
	const char *user = id_of(l, name);
	for (const struct cJSON *v = json_first(json_key(state, "views")); v; v = json_next(v))
		if (strcmp(json_text_at(v, "user"), user) == 0)
			return keep(json_text_at(v, "id"));
	return "";
}

bool says(const struct seen *m, const char *words) { return strstr(m->words, words) != NULL; }

/* --- what people press --- */

const char *click(struct lab *l, const char *name, const struct seen *m, const char *button)
{
	const char *value = strcmp(button, "yes") == 0  ? m->yes
			    : strcmp(button, "no") == 0 ? m->no
							: m->not_me;
	if (!value)
		fail_msg("there is no button \"%s\" under:\n%s", button, m->words);
	CLEANUP(json_done)
	struct cJSON *out =
		lab_do(l, "click",
		       "{\"user\":\"%s\",\"channel\":\"%s\",\"ts\":\"%s\",\"action_id\":\"%s\","
		       "\"value\":\"%s\",\"block_id\":\"answer\",\"force\":true}",
		       id_of(l, name), m->channel, m->ts, button, value);
	if (!json_true(json_key(out, "ok")))
		fail_msg("click: %s", json_text_at(out, "error"));
	return keep(json_text_at(out, "envelope_id"));
}

void press(struct lab *l, const char *name, const char *button)
{
	const struct seen *m = the_question_to(l, name);
	lab_must(l, "click",
		 "{\"user\":\"%s\",\"channel\":\"%s\",\"ts\":\"%s\",\"action_id\":\"%s\"}",
		 id_of(l, name), m->channel, m->ts, button);
	lab_pass(l, 2 * SECOND_MS);
}

bool is_acked(struct lab *l, const char *envelope_id)
{
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	for (const struct cJSON *a = json_first(json_key(ledger, "acks")); a; a = json_next(a))
		if (strcmp(json_text_at(a, "envelope_id"), envelope_id) == 0)
			return true;
	return false;
}

/* --- the pager --- */

static const struct woken *woken_by(const struct cJSON *i)
{
	struct woken *w = arena_new(&kept, struct woken);
	w->pager = keep(json_text_at(i, "pager"));
	w->key = keep(json_text_at(i, "key"));
	w->summary = keep(json_text_at(i, "summary"));
	w->details = json_print_arena(json_key(i, "details"), &kept);
	w->first_ms = (int64_t)json_number(json_key(i, "first_ms"));
	w->triggers = (int)json_number(json_key(i, "triggers"));
	w->notified = (int)json_number(json_key(i, "notified"));
	return w;
}

static size_t find_incidents(struct lab *l, int64_t case_id, const char *reason,
			     const struct woken **newest)
{
	CLEANUP(json_done) struct cJSON *state = state_of(l);
	const char *name = arena_f(&kept, "SB-%lld", (long long)case_id);
	size_t n = 0;
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i; i = json_next(i))
		if (strcmp(json_text_at(i, "details.case"), name) == 0 &&
		    (!reason[0] || strcmp(json_text_at(i, "details.reason"), reason) == 0)) {
			n++;
			*newest = woken_by(i);
		}
	return n;
}

size_t all_incidents(struct lab *l, const struct woken **newest)
{
	CLEANUP(json_done) struct cJSON *state = state_of(l);
	const struct cJSON *all = json_key(state, "incidents");
	for (const struct cJSON *i = json_first(all); i; i = json_next(i))
		*newest = woken_by(i);
	return json_count(all);
}

size_t incidents(struct lab *l, int64_t case_id, const char *reason)
{
	const struct woken *newest;
	return find_incidents(l, case_id, reason, &newest);
}

const struct woken *the_incident(struct lab *l, int64_t case_id, const char *reason)
{
	const struct woken *newest = NULL;
	if (find_incidents(l, case_id, reason, &newest) != 1)
		fail_msg("SB-%lld: %zu incidents for \"%s\", not one", (long long)case_id,
			 incidents(l, case_id, reason), reason);
	return newest;
}

void expect_incident(struct lab *l, int64_t case_id, const char *reason)
{
	assert_int_equal(the_incident(l, case_id, reason)->notified, 1);
}

/* --- the border --- */

size_t calls(struct lab *l, const char *method, const struct call **out)
{
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	const struct cJSON *all = json_key(ledger, "calls");
	struct call *list = arena_many(&kept, struct call, json_count(all) + 1);
	size_t n = 0;
	for (const struct cJSON *c = json_first(all); c; c = json_next(c)) {
		if (method[0] && strcmp(json_text_at(c, "method"), method) != 0)
			continue;
		list[n++] = (struct call){
			.seq = (int64_t)json_number(json_key(c, "seq")),
			.at_ms = (int64_t)json_number(json_key(c, "at_ms")),
			.status = (int)json_number(json_key(c, "status")),
			.method = keep(json_text_at(c, "method")),
			.error = keep(json_text_at(c, "error")),
			.channel = keep(json_text_at(c, "channel")),
			.ts = keep(json_text_at(c, "ts")),
			.marker = keep(json_text_at(c, "marker")),
		};
	}
	*out = list;
	return n;
}

size_t posts_in(struct lab *l, const char *channel)
{
	const struct call *all;
	size_t n = calls(l, "chat.postMessage", &all), made = 0;
	for (size_t i = 0; i < n; i++)
		made += strcmp(all[i].channel, channel) == 0 && all[i].ts[0];
	return made;
}

void a_fault_like(struct lab *l, const struct fault_plan *f)
{
	lab_must(l, "fault",
		 "{\"where\":\"%s\",\"kind\":\"%s\",\"count\":%d,\"after\":%d,\"ms\":%lld}",
		 f->where, f->kind, f->count, f->after, (long long)f->ms);
}

void a_fault(struct lab *l, const char *where, const char *kind, int count)
{
	a_fault_like(l, &(struct fault_plan){ .where = where, .kind = kind, .count = count });
}

/* --- the record --- */

const struct casefile *case_of(struct lab *l, int64_t case_id)
{
	const struct casefile *k = look_case(lab_look(l), case_id);
	if (!k)
		fail_msg("there is no SB-%lld", (long long)case_id);
	return k;
}

const struct inquiry *inquiry_of(struct lab *l, int64_t case_id)
{
	const struct inquiry *q = look_case_inquiry(lab_look(l), case_id);
	if (!q)
		fail_msg("SB-%lld asks nobody", (long long)case_id);
	return q;
}

static sqlite3_stmt *first_row(struct lab *l, const char *sql)
{
	sqlite3_stmt *st = NULL;
	assert_non_null(lab_look(l));
	assert_int_equal(sqlite3_prepare_v2(l->store->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	return st;
}

int64_t number_in(struct lab *l, const char *sql)
{
	sqlite3_stmt *st = first_row(l, sql);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

const char *text_in(struct lab *l, const char *sql)
{
	sqlite3_stmt *st = first_row(l, sql);
	const unsigned char *text = sqlite3_column_text(st, 0);
	const char *kept_text = keep(text ? (const char *)text : "");
	sqlite3_finalize(st);
	return kept_text;
}

int64_t cases(struct lab *l) { return number_in(l, "SELECT COUNT(*) FROM casefile"); }

int64_t audits(struct lab *l, const char *action, const char *name)
{
	return number_in(
		l, arena_f(&kept,
			   "SELECT COUNT(*) FROM audit WHERE ('%s' = '' OR action = '%s') AND "
			   "('%s' = '' OR actor = 'slack:%s')",
			   action, action, name, name[0] ? id_of(l, name) : ""));
}

int64_t trouble_case(struct lab *l, const char *name)
{
	const struct trouble *t = look_trouble(lab_look(l), name);
	return t ? t->case_id : 0;
}

bool trouble_lasts(struct lab *l, const char *name)
{
	const struct trouble *t = look_trouble(lab_look(l), name);
	return t && t->over_ms == NEVER_MS;
}
