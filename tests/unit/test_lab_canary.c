/* What must never be kept: tokens, keys, response URLs, trigger ids, socket tickets, seeds. A day
 * of a lab goes by in which all of them are in use; then they are looked for, each by its very
 * value, in the database (the bytes of its files and every column of every row), the crumb, the
 * log, and the sandbox's ledger. Delete a test and a backup of the database can answer for anybody
 * who was asked. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "lib/lab_inside.h"
#include "lib/story.h"

#define SEED UINT64_C(0x5EC0DE)
enum {
	CANARIES_MAX = 512,
	TAIL_MIN = 12, /* a shorter end of a secret is no secret */
	HAY_MAX = 64 << 20,
	WATCH_MS = 10, /* everything is on its way for longer than that */
};

struct cage {
	struct {
		const char *kind, *text;
	} at[CANARIES_MAX];
	size_t n;
	uint64_t *seeds; /* every draw of chance there was, sorted */
	size_t seeds_n;
};
static struct cage cage;
static struct buf log_text = { .limit = HAY_MAX };

static void keep_log(void *self, const char *line)
{
	buf_addz(self, line);
	buf_addz(self, "\n");
}

/* --- catching --- */

static void put(const char *kind, struct str text)
{
	const char *kept = arena_str(story_arena(), text);
	for (size_t i = 0; i < cage.n; i++)
		if (strcmp(cage.at[i].text, kept) == 0)
			return;
	assert_true(cage.n < CANARIES_MAX);
	cage.at[cage.n].kind = kind;
	cage.at[cage.n++].text = kept;
}

/* The whole, and its end alone: what makes it a secret stands there. */
static void catch_one(const char *kind, const char *z, char last)
{
	const char *tail = strrchr(z, last);
	if (!z[0])
		return;
	put(kind, str_z(z));
	if (tail && strlen(tail + 1) >= TAIL_MIN)
		put(kind, str_z(tail + 1));
}

static size_t caught(const char *kind)
{
	size_t n = 0;
	for (size_t i = 0; i < cage.n; i++)
		n += strcmp(cage.at[i].kind, kind) == 0;
	return n;
}

static void catch_ticket(const char *url)
{
	const char *ticket = strstr(url, "ticket=");
	if (ticket)
		put("ticket", (struct str){ ticket + 7, strcspn(ticket + 7, "&") });
}

/* What is on its way between process and world. */
static void watch(const struct lab *l)
{
	for (size_t i = 0; i < l->heap_n; i++) {
		const struct happening *h = l->heap[i];
		if (h->kind != HAPPENS_FROM_SLACK && h->kind != HAPPENS_REPLY)
			continue;
		CLEANUP(json_done)
		struct cJSON *j = json_parse((struct str){ h->text, h->n }, NULL);
		catch_one("trigger id", json_text_at(j, "payload.trigger_id"), '.');
		catch_one("response URL", json_text_at(j, "payload.response_url"), '/');
		catch_ticket(json_text_at(j, "url"));
	}
}

static void pass(struct lab *l, int64_t ms)
{
	for (; ms > 0; ms -= WATCH_MS) {
		lab_pass(l, WATCH_MS);
		watch(l);
	}
}

static void put_secret(const char *kind, const struct secret *s)
{
	if (s->n)
		put(kind, secret_str(s));
}

static void catch_configured(void)
{
	const struct policy *p = lab_policy();
	put_secret("app token", &p->app_token);
	put_secret("bot token", &p->bot_token);
	put_secret("MAC key", &p->mac_key);
	put_secret("audit key", &p->audit_key);
	for (size_t i = 0; i < p->sources_n; i++) {
		put_secret("source's secret", &p->sources[i].bearer);
		put_secret("source's secret", &p->sources[i].url_secret);
		put_secret("source's secret", &p->sources[i].hmac.keys[0]);
	}
	for (size_t n = 0; n < p->pagers_n; n++)
		for (size_t i = 0; i < p->pagers[n].secrets_n; i++)
			put_secret("connector's secret", &p->pagers[n].secrets[i].value);
	assert_true(caught("source's secret") >= 1 && caught("connector's secret") >= 1);
	assert_true(caught("app token") && caught("bot token") && caught("MAC key"));
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Chance comes from the lab's generator, whose whole past can be drawn again: seeds, as 8 bytes
 * each, and, no harm done, the jitter of the network. */
static void catch_seeds(const struct lab *l)
{
	struct lab again = { .random = SEED };
	size_t n = 0;
	while (again.random != l->random) {
		(void)lab_random(&again);
		n++;
	}
	cage.seeds = mem_new(n * sizeof(*cage.seeds));
	cage.seeds_n = n;
	again.random = SEED;
	for (size_t i = 0; i < n; i++)
		cage.seeds[i] = lab_random(&again);
	qsort(cage.seeds, n, sizeof(*cage.seeds), compare);
}

/* --- looking --- */

static bool is_seed(uint64_t v)
{
	return bsearch(&v, cage.seeds, cage.seeds_n, sizeof(v), compare) != NULL;
}

static bool has_seed(struct str hay)
{
	uint64_t raw, hex;
	uint8_t bytes[8];
	for (size_t i = 0; i + 8 <= hay.n; i++) {
		memcpy(&raw, hay.at + i, 8);
		if (is_seed(raw))
			return true;
		if (i + 16 > hay.n || !hex_decode((struct str){ hay.at + i, 16 }, bytes, 8))
			continue;
		memcpy(&hex, bytes, 8);
		if (is_seed(hex))
			return true;
	}
	return false;
}

/* How many of them are there, each named. */
static size_t found(const char *where, struct str hay)
{
	size_t n = 0;
	for (size_t i = 0; i < cage.n; i++)
		if (memmem(hay.at, hay.n, cage.at[i].text, strlen(cage.at[i].text))) {
			print_error("%s: a %s: %s\n", where, cage.at[i].kind, cage.at[i].text);
			n++;
		}
	if (has_seed(hay)) {
		print_error("%s: a seed\n", where);
		n++;
	}
	return n;
}

static void read_file(const char *path, struct buf *out)
{
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "rb");
	if (!f)
		return;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, (struct str){ block, n });
	(void)fclose(f);
	assert_false(out->broken);
}

static void write_file(const char *path, struct str text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text.at, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

/* Every column of every row, one a line. */
static void read_table(sqlite3 *db, const char *table, struct buf *out)
{
	sqlite3_stmt *st = NULL;
	const char *sql = arena_f(story_arena(), "SELECT * FROM \"%s\"", table);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const void *at = sqlite3_column_blob(st, i);
			buf_add(out, (struct str){ at, (size_t)sqlite3_column_bytes(st, i) });
			buf_addz(out, "\n");
		}
	sqlite3_finalize(st);
}

/* A secret can lie across two pages of the file: so the rows are read as rows, too, from a copy,
 * for the process has the original locked. */
static size_t read_rows(struct str file, struct str wal, const char *path, struct buf *out)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	size_t tables = 0;
	const char *copy = arena_f(story_arena(), "%s.copy", path);

	write_file(copy, file);
	write_file(arena_f(story_arena(), "%s-wal", copy), wal);
	assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT name FROM sqlite_master WHERE type = 'table'",
					    -1, &st, NULL),
			 SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; tables++)
		read_table(db, (const char *)sqlite3_column_text(st, 0), out);
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
		(void)unlink(arena_f(story_arena(), "%s%s", copy, tails[i]));
	return tables;
}

static size_t found_in_database(struct lab *l)
{
	CLEANUP(buf_free) struct buf file = BUF(HAY_MAX), wal = BUF(HAY_MAX), rows = BUF(HAY_MAX);
	lab_look_away(l);
	read_file(l->path, &file);
	read_file(arena_f(story_arena(), "%s-wal", l->path), &wal);
	const size_t tables = read_rows(buf_str(&file), buf_str(&wal), l->path, &rows);
	/* It is the real one: the audit trail stands in it. */
	assert_true(tables >= 10 && memmem(rows.at, rows.n, "inquiry", 7));
	return found("the database's file", buf_str(&file)) + found("its log", buf_str(&wal)) +
	       found("its rows", buf_str(&rows)) +
	       found("the crumb", (struct str){ l->crumb, sizeof(l->crumb) });
}

/* A message of ours whose marker is a secret: the ledger keeps markers. */
static void plant_in_ledger(struct lab *l, const char *secret)
{
	const char *body =
		arena_f(story_arena(),
			"{\"channel\":\"C0SECALRT\",\"text\":\"x\",\"metadata\":{\"event_type\":"
			"\"securitybot\",\"event_payload\":{\"marker\":\"%s\"}}}",
			secret);
	const struct world_request rq = {
		.method = STR("POST"),
		.path = STR("/api/chat.postMessage"),
		.authorization = str_z(arena_f(story_arena(), "Bearer %s", secret)),
		.content_type = STR("application/json; charset=utf-8"),
		.body = str_z(body),
	};
	struct world_reply out = { 0 };
	world_http(lab_world(l), &rq, lab_now(l), &out);
	assert_int_equal(out.status, 200);
	buf_free(&out.body);
}

static size_t found_in_ledger(struct lab *l)
{
	CLEANUP(buf_free) struct buf text = BUF(HAY_MAX);
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	json_print(ledger, &text);
	assert_false(text.broken);
	assert_true(json_count(json_key(ledger, "calls")) > 5);
	return found("the ledger", buf_str(&text));
}

/* --- a day --- */

static void press_in(struct lab *l, const char *whose, const char *name, const char *button)
{
	(void)click(l, name, the_question_to(l, whose), button);
	pass(l, 3 * SECOND_MS);
}

static void press_and_watch(struct lab *l, const char *name, const char *button)
{
	press_in(l, name, name, button);
}

static void comment(struct lab *l, const char *name)
{
	const char *view = the_modal_of(l, name);
	assert_string_not_equal(view, "");
	CLEANUP(json_done)
	struct cJSON *out =
		lab_do(l, "submit",
		       "{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":"
		       "{\"comment\":{\"comment\":\"It was not me, and I am on a train.\"}}}",
		       id_of(l, name), view);
	pass(l, 3 * SECOND_MS);
}

static void alert(struct lab *l, const char *id, const char *user, int priority)
{
	(void)an_alert(l, id, user, priority);
	pass(l, 5 * SECOND_MS);
}

/* Answers of every kind, by her, a stranger and a forger, and modals, refused and not. */
static void people(struct lab *l)
{
	alert(l, "c1", "alice@duff.example", 3);
	press_and_watch(l, "alice", "yes");
	press_and_watch(l, "alice", "not_me");
	comment(l, "alice");
	alert(l, "c2", "bob@duff.example", 2);
	press_in(l, "bob", "eve", "yes");
	const struct seen *q = the_question_to(l, "bob");
	lab_must(l, "click",
		 "{\"user\":\"%s\",\"channel\":\"%s\",\"ts\":\"%s\",\"action_id\":\"yes\","
		 "\"block_id\":\"answer\",\"value\":\"inquiry:1:00000000000000000000000000000000\","
		 "\"force\":true}",
		 id_of(l, "bob"), q->channel, q->ts);
	pass(l, 3 * SECOND_MS);
	a_fault(l, "views.open", "error:expired_trigger_id", 1);
	press_and_watch(l, "bob", "no");
	static const char *const said[] = { "help", "show SB-1", "xoxb" };
	for (size_t i = 0; i < 3; i++) {
		lab_must(l, "slash", "{\"user\":\"%s\",\"channel\":\"%s\",\"text\":\"%s\"}",
			 id_of(l, i ? "dana" : "alice"), CHANNEL, said[i]);
		pass(l, 3 * SECOND_MS);
	}
}

/* Everything refuses once: what is written down about that must not hold what was sent. */
static void trouble(struct lab *l)
{
	static const struct fault_plan faults[] = {
		{ .where = "pagerduty", .kind = "400", .count = 1 },
		{ .where = "response_url", .kind = "500", .count = 1 },
		{ .where = "apps.connections.open", .kind = "error:invalid_auth", .count = 1 },
		{ .where = "chat.postMessage", .kind = "html", .count = 1 },
		{ .where = "chat.update", .kind = "truncated", .count = 1 },
		{ .where = "socket", .kind = "garbage", .count = 1 },
	};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		a_fault_like(l, &faults[i]);
	alert(l, "c3", "dana@duff.example", 1);
	pass(l, 20 * SECOND_MS);
	press_in(l, "dana", "eve", "no");
	lab_must(l, "disconnect", "{\"reason\":\"refresh_requested\"}");
	pass(l, 30 * SECOND_MS);
	lab_must(l, "drop", "%s", "{}");
	pass(l, 30 * SECOND_MS);
	lab_must(l, "heal", "%s", "{}");
	pass(l, 7 * MINUTE_MS); /* a refused token is tried again after five */
	press_and_watch(l, "dana", "no");
	struct lab_post *unmapped = arena_new(story_arena(), struct lab_post);
	lab_post(l, "okta", "{\"eventType\":\"something\"}", unmapped);
	pass(l, 5 * SECOND_MS);
	assert_int_equal(unmapped->status, 202);
}

/* A death with a click in its hands, and a person who never answers. */
static void deaths(struct lab *l)
{
	alert(l, "c4", "mona@duff.example", 3);
	lab_doom(l, "commit before", 0, 2 * SECOND_MS);
	press_and_watch(l, "mona", "no");
	pass(l, 10 * SECOND_MS);
	assert_true(lab_deaths(l) == 1 && !lab_is_dead(l));
	alert(l, "c5", "alice@duff.example", 3);
	pass(l, 35 * MINUTE_MS);
}

static struct lab *a_day(void)
{
	cage = (struct cage){ .n = 0 };
	buf_clear(&log_text);
	struct lab *l = lab_new(&(struct lab_options){ .seed = SEED });
	pass(l, 2 * SECOND_MS);
	catch_configured();
	return l;
}

static int end_of_day(void **state)
{
	lab_free(*state);
	arena_clear(story_arena());
	free(cage.seeds);
	cage = (struct cage){ .n = 0 };
	return 0;
}

static int begin_day(void **state)
{
	*state = a_day();
	return 0;
}

static void nothing_secret_is_kept(void **state)
{
	struct lab *l = *state;
	people(l);
	trouble(l);
	deaths(l);
	catch_seeds(l);
	/* They were in use, all of them: else this would prove nothing. */
	const struct call *all;
	assert_true(caught("trigger id") >= 16 && caught("response URL") >= 16);
	assert_true(caught("ticket") >= 3 && cage.seeds_n > 400);
	assert_true(calls(l, "views.open", &all) >= 2 && calls(l, "response_url", &all) >= 2);
	assert_true(calls(l, "pagerduty", &all) >= 2 && audits(l, "", "") > 10);
	assert_true(log_text.n > 1000 && !log_text.broken);

	assert_int_equal(found("the log", buf_str(&log_text)), 0);
	assert_int_equal(found_in_ledger(l), 0);
	assert_int_equal(found_in_database(l), 0);
}

/* The same search over the same places, with one secret where each could be. */
static void the_search_finds_what_is_kept(void **state)
{
	struct lab *l = *state;
	char hex[17];
	CLEANUP(buf_free) struct buf hay = BUF(4096);
	alert(l, "c1", "alice@duff.example", 3);
	catch_seeds(l);
	assert_int_equal(found("the log", buf_str(&log_text)), 0);
	assert_int_equal(found_in_database(l), 0);

	print_message("(what follows is found because it was put there)\n");
	const char *token = secret_str(&lab_policy()->bot_token).at;
	log_line(LOG_LEVEL_NOTICE, "planted", "token=%s", token);
	assert_int_equal(found("the log", buf_str(&log_text)), 1);
	(void)post(l, "{\"type\":\"network\",\"id\":\"p\",\"user\":\"%s\"}", token);
	pass(l, 5 * SECOND_MS);
	assert_true(found_in_database(l) >= 2); /* a file and its rows */

	assert_int_equal(found_in_ledger(l), 0);
	plant_in_ledger(l, token);
	assert_true(found_in_ledger(l) >= 1);

	uint8_t bytes[8];
	memcpy(bytes, &cage.seeds[7], sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), hex);
	buf_addf(&hay, "seed=%s;", hex);
	assert_int_equal(found("a text", buf_str(&hay)), 1);
	buf_clear(&hay);
	buf_addz(&hay, "..");
	buf_add(&hay, (struct str){ (const char *)bytes, sizeof(bytes) });
	assert_int_equal(found("bytes", buf_str(&hay)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_secret_is_kept, begin_day, end_of_day),
		cmocka_unit_test_setup_teardown(the_search_finds_what_is_kept, begin_day,
						end_of_day),
	};
	log_sink(keep_log, &log_text);
	const int failed = cmocka_run_group_tests_name("canaries", tests, NULL, NULL);
	lab_done();
	buf_free(&log_text);
	return failed;
}
