/* Deliveries whose id is signed: once is once, and the same id for another body is nobody's. */
#include "handlers_world.h"

/* One alert of a delivery; body_digest stands for the whole body it came in. */
static struct fact alert_of(const char *digest, const char *delivery, const char *body_digest)
{
	struct fact f = { .kind = FACT_ALERT, .key = digest };

	f.as.alert.source = "okta";
	f.as.alert.digest = digest;
	f.as.alert.body = "{\"type\":\"note\"}";
	f.as.alert.delivery = delivery;
	f.as.alert.delivery_digest = body_digest;
	f.as.alert.is_last = true;
	return f;
}

static void a_replay_changes_nothing(void **state)
{
	struct world *w = *state;
	const struct fact f = alert_of("d1", "msg_1", "d1");

	assert_int_equal(fact(w, f, true).status, 202);
	for (int i = 0; i < 3; i++) {
		const struct reply r = fact(w, f, false);
		assert_int_equal(r.status, 200);
		assert_int_equal(r.alert_id, 1);
		assert_int_equal(changes(w), 0);
	}
	assert_int_equal(the_alert(w, 1)->seen, 1);
	/* The same body as another delivery is the same alert again. */
	assert_int_equal(fact(w, alert_of("d1", "msg_2", "d1"), false).status, 200);
	assert_int_equal(the_alert(w, 1)->seen, 2);
}

/* "409 only when a signed delivery id returns with another body": nothing is stored but the record
 * of it. */
static void another_body_under_the_same_id_is_refused(void **state)
{
	struct world *w = *state;

	(void)fact(w, alert_of("d1", "msg_1", "d1"), true);
	const struct reply r = fact(w, alert_of("d2", "msg_1", "d2"), true);
	assert_int_equal(r.status, 409);
	assert_int_equal(r.alert_id, 0);
	assert_int_equal(changes(w), 1);
	assert_int_equal(audited(w, "delivery.conflict"), 1);
	assert_null(the_alert(w, 2));
	/* Another source has ids of its own. */
	struct fact other = alert_of("d2", "msg_1", "d2");
	other.as.alert.source = "edr";
	assert_int_equal(fact(w, other, true).status, 202);
}

/* The id is known only when all alerts of the body are: what is stored half is not a replay. */
static void the_last_alert_of_a_body_has_the_say(void **state)
{
	struct world *w = *state;
	struct fact first = alert_of("d1", "msg_1", "all"), last = alert_of("d2", "msg_1", "all");

	first.as.alert.is_last = false;
	assert_int_equal(fact(w, first, true).status, 202);
	begin(w);
	assert_null(look_delivery(w->act.look, "okta", "msg_1"));
	commit(w);
	assert_int_equal(fact(w, last, true).status, 202);
	begin(w);
	assert_string_equal(look_delivery(w->act.look, "okta", "msg_1"), "all");
	commit(w);
	first.as.alert.delivery_digest = last.as.alert.delivery_digest = "other";
	assert_int_equal(fact(w, first, true).status, 409);
	assert_int_equal(changes(w), 0); /* one record a delivery */
	assert_int_equal(fact(w, last, true).status, 409);
	assert_int_equal(audited(w, "delivery.conflict"), 1);
}

static void why_it_was_let_in_is_recorded(void **state)
{
	struct world *w = *state;
	struct fact f = alert_of("d1", "msg_1", "d1");
	bool is_told = false;

	f.as.alert.doubt = "our clock is not synchronised";
	(void)fact(w, f, true);
	for (const struct change *c = w->last.first; c; c = c->next)
		is_told = is_told || (c->kind == CHANGE_AUDIT &&
				      strstr(c->as.audit.detail, "clock is not synchronised"));
	assert_true(is_told);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_replay_changes_nothing),
		STORY(another_body_under_the_same_id_is_refused),
		STORY(the_last_alert_of_a_body_has_the_say),
		STORY(why_it_was_let_in_is_recorded),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
