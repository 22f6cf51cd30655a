/* What the door asks of the store: deliveries by id, and what has been waiting longest. */
#include "test_store_help.h"

static struct change delivery_of(const char *source, const char *id, const char *digest)
{
	struct change c = { .kind = CHANGE_DELIVERY };

	c.as.delivery.source = source;
	c.as.delivery.id = id;
	c.as.delivery.digest = digest;
	return c;
}

static const char *known(struct bench *b, const char *source, const char *id)
{
	begin(b);
	const char *digest = look_delivery(store_look(b->s), source, id);
	commit(b);
	return digest;
}

static void a_delivery_is_known_by_source_and_id(void **state)
{
	struct bench *b = *state;

	assert_null(known(b, "okta", "msg_1"));
	ok(b, turn_with(b, delivery_of("okta", "msg_1", "d1"), T0));
	assert_string_equal(known(b, "okta", "msg_1"), "d1");
	assert_null(known(b, "okta", "msg_2"));
	assert_null(known(b, "edr", "msg_1"));
	/* It never changes: whoever tries loses his item. */
	assert_int_equal(turn_with(b, delivery_of("okta", "msg_1", "d2"), T0), RC_REFUSED);
	assert_string_equal(known(b, "okta", "msg_1"), "d1");
}

/* Forgotten like facts, oldest first and a bounded number at a time. */
static void deliveries_are_forgotten_in_their_turn(void **state)
{
	struct bench *b = *state;
	size_t n = 0;

	ok(b, turn_with(b, delivery_of("okta", "old", "d"), T0 - 2));
	ok(b, turn_with(b, delivery_of("okta", "older", "d"), T0 - 3));
	ok(b, turn_with(b, delivery_of("okta", "new", "d"), T0));
	begin(b);
	ok(b, store_forget(b->s, T0, 1, &n, &b->fail));
	commit(b);
	assert_null(known(b, "okta", "older"));
	assert_non_null(known(b, "okta", "old"));
	begin(b);
	ok(b, store_forget(b->s, T0, 100, &n, &b->fail));
	commit(b);
	assert_null(known(b, "okta", "old"));
	assert_non_null(known(b, "okta", "new"));
}

static struct change alert_new(int64_t id, enum alert_state state, int64_t first_ms)
{
	static char digests[4][8];

	(void)snprintf(digests[id % 4], sizeof digests[0], "d%lld", (long long)id);
	return (struct change){ .kind = CHANGE_ALERT_NEW,
				.as.alert = { .id = id,
					      .source = "okta",
					      .digest = digests[id % 4],
					      .key = "",
					      .state = state,
					      .seen = 1,
					      .first_ms = first_ms,
					      .last_ms = first_ms,
					      .body = "{}" } };
}

static void the_oldest_alert_that_waits(void **state)
{
	struct bench *b = *state;
	struct store_oldest o;

	ok(b, store_oldest(b->s, &o, &b->fail)); /* outside a transaction */
	assert_true(o.alert_ms == NEVER_MS && o.page_ms == NEVER_MS);
	ok(b, turn_with(b, alert_new(1, ALERT_UNMAPPED, T0), T0));
	ok(b, turn_with(b, alert_new(2, ALERT_RECEIVED, T0 + 5), T0 + 5));
	ok(b, turn_with(b, alert_new(3, ALERT_RECEIVED, T0 + 9), T0 + 9));
	ok(b, store_oldest(b->s, &o, &b->fail));
	assert_int_equal(o.alert_ms, T0 + 5);
}

/* Waiting, in flight or between two tries: a page counts until the vendor said ok, or refused it
 * for good (the channel has been told then). */
static void the_oldest_page_that_waits(void **state)
{
	struct bench *b = *state;
	const struct claim_terms terms = { .now_ms = T0 + 7, .limit = 8 };
	const struct outgoing *rows;
	struct store_oldest o;
	size_t n;

	ok(b, turn_with(b, effect_of("dm 1", OUT_OPEN_DM, RANK_PERSON, "slack:dm"), T0));
	ok(b, turn_with(b, effect_of("page 1", OUT_PAGE, RANK_PAGE, "pager"), T0 + 3));
	ok(b, turn_with(b, effect_of("page 2", OUT_PAGE, RANK_PAGE, "pager"), T0 + 4));
	ok(b, store_oldest(b->s, &o, &b->fail));
	assert_int_equal(o.page_ms, T0 + 3);
	begin(b);
	ok(b, store_claim(b->s, &terms, &rows, &n, &b->fail));
	commit(b);
	assert_string_equal(rows[0].key, "page 1");
	ok(b, store_oldest(b->s, &o, &b->fail));
	assert_int_equal(o.page_ms, T0 + 3); /* in flight */
	ok(b, turn_with(b, done_of(&rows[0], T0 + 8), T0 + 8));
	ok(b, store_oldest(b->s, &o, &b->fail));
	assert_int_equal(o.page_ms, T0 + 4);
	begin(b);
	struct change dead = { .kind = CHANGE_OUTGOING };
	dead.as.out.row = *look_outgoing_key(store_look(b->s), "page 2");
	dead.as.out.row.state = OUT_DEAD;
	dead.as.out.row.due_ms = NEVER_MS;
	ok(b, put(b, dead, T0 + 9));
	commit(b);
	ok(b, store_oldest(b->s, &o, &b->fail));
	assert_true(o.page_ms == NEVER_MS);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_delivery_is_known_by_source_and_id),
		STORY(deliveries_are_forgotten_in_their_turn),
		STORY(the_oldest_alert_that_waits),
		STORY(the_oldest_page_that_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
