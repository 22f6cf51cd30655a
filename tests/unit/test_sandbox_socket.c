/* The sandbox's Socket Mode: tickets, hello, the 3 s clock, what is retried and what is not, ghosts
 * and refreshes. */
#include "test_sandbox_help.h"

static void a_ticket_works_once_and_for_thirty_seconds(void **state)
{
	struct lab l = lab_new(false);
	struct world_request rq = { STR("POST"), STR("/api/apps.connections.open"),
				    STR(""),     STR(APP),
				    STR(FORM),   STR("") };
	char query[200];
	(void)state;
	for (int late = 0; late < 2; late++) {
		(void)snprintf(query, sizeof query, "%s",
			       strchr(json_text_at(http(&l, &rq), "url"), '?') + 1);
		l.now_ms += late ? 30001 : 30000;
		int n = world_socket_open(l.w, STR("/link/"), str_z(query), l.now_ms);
		assert_int_equal(n > 0, !late);
		assert_int_equal(world_socket_open(l.w, STR("/link/"), str_z(query), l.now_ms), 0);
	}
	assert_int_equal(world_socket_open(l.w, STR("/link/"), STR("ticket=guessed"), l.now_ms), 0);
	assert_int_equal(refusals(&l, "ticket"), 4);
	lab_free(&l);
}

static void hello_counts_ghosts_and_the_eleventh_is_turned_away(void **state)
{
	struct lab l = lab_new(false);
	struct world_event ev;
	(void)state;
	for (int i = 1; i <= 10; i++) {
		int n = dial_up(&l);
		assert_string_equal(framed(&l, "type"), "hello");
		assert_string_equal(framed(&l, "connection_info.app_id"), "A0SANDBOX");
		struct cJSON *hello = json_parse(str_z(l.frame), NULL);
		assert_int_equal((int)json_number(json_get(hello, "num_connections")), i);
		json_free(hello);
		world_socket_closed(l.w, n, false,
				    l.now_ms); /* no Close frame: it stays registered */
	}
	int n = dial_up(&l);
	assert_string_equal(framed(&l, "reason"), "too_many_websockets");
	sleep_ms(&l, 1000);
	assert_true(next_event(&l, &ev) && ev.kind == WORLD_CLOSE && ev.socket == n);
	sleep_ms(&l, 11 * MINUTE_MS); /* ghosts fade */
	dial_up(&l);
	assert_string_equal(framed(&l, "type"), "hello");
	lab_free(&l);
}

static void a_socket_closed_politely_leaves_no_ghost(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	world_socket_closed(l.w, dial_up(&l), true, l.now_ms);
	dial_up(&l);
	assert_non_null(strstr(l.frame, "\"num_connections\":1,"));
	lab_free(&l);
}

static int64_t counted(struct lab *l, const char *what)
{
	int64_t n = -1;
	struct cJSON *j = verb(l, "sockets", "{}");
	assert_true(json_int(json_get(j, what), &n));
	json_free(j);
	return n;
}

static void the_ledger_says_how_sockets_ended_and_for_how_long_nobody_heard(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	sleep_ms(&l, 5000); /* before the first hello nobody can be deaf */
	int first = dial_up(&l);
	sleep_ms(&l, 700);
	int second = dial_up(&l);
	world_socket_closed(l.w, first, true, l.now_ms); /* make before break */
	sleep_ms(&l, 700);
	assert_int_equal(counted(&l, "deaf"), 0);
	world_socket_closed(l.w, second, false, l.now_ms);
	sleep_ms(&l, 40);
	assert_int_equal(counted(&l, "deaf_ms"), 40); /* it goes on */
	sleep_ms(&l, 2);
	dial_up(&l);
	sleep_ms(&l, 700);
	verb_ok(&l, "drop", "{}");
	dial_up(&l); /* in the same millisecond */
	sleep_ms(&l, 700);
	verb_ok(&l, "disconnect", "{\"reason\":\"link_disabled\"}");
	sleep_ms(&l, 1500);
	assert_int_equal(counted(&l, "greeted"), 4);
	assert_int_equal(counted(&l, "closed"), 1);
	assert_int_equal(counted(&l, "lost"), 1);
	assert_int_equal(counted(&l, "dropped"), 1);
	assert_int_equal(counted(&l, "ended"), 1);
	assert_int_equal(counted(&l, "deaf"), 3);
	assert_int_equal(counted(&l, "deaf_ms"), 42 + 500);
	lab_free(&l);
}

static void an_event_comes_again_after_one_sixty_and_three_hundred_seconds(void **state)
{
	struct lab l = lab_new(false);
	static const int64_t at_ms[] = { 0, 4000, 67000,
					 370000 }; /* 3 s each to time out, then 1, 60, 300 s */
	char first_event[64] = "", last_envelope[64] = "";
	(void)state;
	dial_up(&l);
	verb_ok(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"hello\"}");
	for (int i = 0; i < 4; i++) {
		sleep_ms(&l, T0 + at_ms[i] - l.now_ms);
		assert_true(next_frame(&l));
		if (!i)
			(void)snprintf(first_event, sizeof first_event, "%.63s",
				       framed(&l, "payload.event_id"));
		assert_string_equal(framed(&l, "payload.event_id"), first_event);
		assert_string_equal(framed(&l, "retry_reason"), i ? "timeout" : "");
		assert_string_not_equal(framed(&l, "envelope_id"), last_envelope);
		(void)snprintf(last_envelope, sizeof last_envelope, "%.63s",
			       framed(&l, "envelope_id"));
	}
	sleep_ms(&l, HOUR_MS);
	assert_false(next_frame(&l));
	assert_int_equal(refusals(&l, "ack_missing"), 4);
	lab_free(&l);
}

static void an_event_waits_for_a_socket_but_a_click_does_not(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	verb_ok(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"anybody there?\"}");
	struct cJSON *out = verb(&l, "slash", "{\"user\":\"U0ALICE01\",\"text\":\"status\"}");
	assert_false(json_true(json_get(out, "delivered")));
	json_free(out);
	dial_up(&l);
	sleep_ms(&l, 1000);
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "payload.event.text"), "anybody there?");
	ack(&l, 1, NULL);
	sleep_ms(&l, HOUR_MS);
	assert_false(next_frame(&l));
	struct cJSON *st = verb(&l, "state", "{}");
	assert_int_equal(json_count(json_get(st, "troubles")),
			 1); /* Alice was told that the command failed */
	json_free(st);
	lab_free(&l);
}

static void a_slash_command_is_not_repeated_and_its_late_ack_does_nothing(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	int n = dial_up(&l);
	verb_ok(&l, "slash", "{\"user\":\"U0ALICE01\",\"text\":\"help\"}");
	assert_true(next_frame(&l));
	sleep_ms(&l, 3000);
	ack(&l, n, "{\"text\":\"too late\"}");
	sleep_ms(&l, HOUR_MS);
	assert_false(next_frame(&l));
	assert_int_equal(refusals(&l, "ack_late"), 1);
	struct cJSON *st = verb(&l, "state", "{}");
	assert_int_equal(json_count(json_get(st, "ephemerals")), 0);
	json_free(st);
	lab_free(&l);
}

static void acks_are_judged(void **state)
{
	struct lab l = lab_new(false);
	static char big[32000];
	(void)state;
	int n = dial_up(&l);
	verb_ok(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"a\"}");
	assert_true(next_frame(&l));
	world_socket_text(l.w, n, STR("not json"), l.now_ms);
	assert_int_equal(refusals(&l, "ack_malformed"), 1);
	world_socket_text(l.w, n, STR("{\"envelope_id\":\"made-up\"}"), l.now_ms);
	assert_int_equal(refusals(&l, "ack_unknown"), 1);
	(void)snprintf(big, sizeof big, "{\"envelope_id\":\"%s\",\"payload\":{\"text\":\"%*s\"}}",
		       framed(&l, "envelope_id"), 20460, "x");
	world_socket_text(l.w, n, str_z(big), l.now_ms);
	assert_int_equal(refusals(&l, "ack_too_big"), 1); /* and it did not count */
	l.now_ms += 40;
	ack(&l, n, "{\"text\":\"events take none\"}");
	assert_int_equal(refusals(&l, "ack_payload_unexpected"), 1);
	ack(&l, n, NULL);
	struct cJSON *ledger = verb(&l, "ledger", "{}");
	const struct cJSON *acks = json_get(ledger, "acks"); /* made-up, the good one, its repeat */
	assert_int_equal((int)json_number(json_get(json_at(acks, 1), "ms")), 40);
	assert_true(json_true(json_get(json_at(acks, 2), "dup")));
	assert_true(json_true(json_get(json_at(json_get(ledger, "envelopes"), 0), "acked")));
	json_free(ledger);
	lab_free(&l);
}

static void an_envelope_goes_to_one_socket_by_chance(void **state)
{
	struct lab l = lab_new(false);
	int seen[3] = { 0 };
	(void)state;
	dial_up(&l);
	dial_up(&l);
	for (int i = 0; i < 40; i++) {
		verb_ok(&l, "home", "{\"user\":\"U0ALICE01\",\"tab\":\"home\"}");
		assert_true(next_frame(&l));
		seen[l.frame_socket]++;
		ack(&l, 3 - l.frame_socket, NULL); /* an ack over the other socket counts */
		assert_false(next_frame(&l));
	}
	assert_true(seen[1] > 5 && seen[2] > 5);
	assert_int_equal(refusals_all(&l), 0);
	lab_free(&l);
}

static void the_server_pings_and_refreshes(void **state)
{
	struct lab l = lab_new(false);
	struct world_event ev;
	int pings = 0;
	(void)state;
	dial_up(&l);
	sleep_ms(&l, MINUTE_MS);
	while (next_event(&l, &ev))
		pings += ev.kind == WORLD_PING;
	assert_int_equal(pings, 6);
	sleep_ms(&l, 18060 * SECOND_MS);
	bool was_warned = false, is_gone = false;
	while (next_event(&l, &ev)) {
		was_warned =
			was_warned || (ev.kind == WORLD_FRAME && strstr(l.frame, "\"disconnect\""));
		is_gone = ev.kind == WORLD_CLOSE || ev.kind == WORLD_DROP;
	}
	assert_true(was_warned && is_gone);
	assert_true(world_due_ms(l.w) == NEVER_MS);
	lab_free(&l);
}

static void socket_faults_bite(void **state)
{
	struct lab l = lab_new(false);
	(void)state;
	verb_ok(&l, "fault", "{\"where\":\"socket\",\"kind\":\"no_hello\"}");
	assert_true(dial(&l) == 1 && !next_frame(&l));
	int n = dial_up(&l);
	verb_ok(&l, "fault", "{\"where\":\"socket\",\"kind\":\"duplicate\"}");
	verb_ok(&l, "fault", "{\"where\":\"socket\",\"kind\":\"garbage\"}");
	verb_ok(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"x\"}");
	char first[64];
	for (int i = 0; i < 5; i++)
		assert_true(next_frame(&l)); /* four of garbage, then the envelope */
	assert_int_equal(l.frame_socket, n); /* never the one without a hello */
	(void)snprintf(first, sizeof first, "%.63s", framed(&l, "envelope_id"));
	assert_true(*first && next_frame(&l));
	assert_string_equal(framed(&l, "envelope_id"), first);
	verb_ok(&l, "fault", "{\"where\":\"socket\",\"kind\":\"half_open\"}");
	verb_ok(&l, "say", "{\"user\":\"U0ALICE01\",\"text\":\"y\"}");
	assert_false(next_frame(&l)); /* sent into nowhere, and what comes is not heard */
	assert_true(world_socket_is_deaf(l.w, n));
	int before = refusals(&l, "ack_missing");
	sleep_ms(&l, 3000);
	assert_int_equal(refusals(&l, "ack_missing"), before); /* the bot never saw it */
	verb_refused(&l, "fault", "{\"where\":\"socket\",\"kind\":\"429\"}");
	verb_refused(&l, "fault", "{\"where\":\"chat.update\",\"kind\":\"half_open\"}");
	lab_free(&l);
}

static void a_kept_envelope_can_come_again(void **state)
{
	struct lab l = lab_new(false);
	char args[128], first[64];
	(void)state;
	int n = dial_up(&l);
	verb_ok(&l, "slash", "{\"user\":\"U0ALICE01\",\"text\":\"x\"}");
	assert_true(next_frame(&l));
	(void)snprintf(first, sizeof first, "%.63s", framed(&l, "envelope_id"));
	ack(&l, n, "{\"text\":\"one\"}");
	(void)snprintf(args, sizeof args, "{\"envelope_id\":\"%s\",\"same_id\":true}", first);
	verb_ok(&l, "resend", args);
	assert_true(next_frame(&l));
	assert_string_equal(framed(&l, "envelope_id"), first);
	ack(&l, n, "{\"text\":\"two\"}");
	(void)snprintf(args, sizeof args, "{\"envelope_id\":\"%s\"}", first);
	verb_ok(&l, "resend", args);
	assert_true(next_frame(&l));
	assert_string_not_equal(framed(&l, "envelope_id"), first);
	assert_string_equal(framed(&l, "payload.text"), "x");
	ack(&l, n, NULL);
	verb_refused(&l, "resend", "{\"envelope_id\":\"made-up\"}");
	struct cJSON *st = verb(&l, "state", "{}");
	assert_int_equal(json_count(json_get(st, "ephemerals")),
			 1); /* the answer to the first only */
	json_free(st);
	assert_int_equal(refusals_all(&l), 0);
	lab_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_works_once_and_for_thirty_seconds),
		cmocka_unit_test(hello_counts_ghosts_and_the_eleventh_is_turned_away),
		cmocka_unit_test(a_socket_closed_politely_leaves_no_ghost),
		cmocka_unit_test(the_ledger_says_how_sockets_ended_and_for_how_long_nobody_heard),
		cmocka_unit_test(an_event_comes_again_after_one_sixty_and_three_hundred_seconds),
		cmocka_unit_test(an_event_waits_for_a_socket_but_a_click_does_not),
		cmocka_unit_test(a_slash_command_is_not_repeated_and_its_late_ack_does_nothing),
		cmocka_unit_test(acks_are_judged),
		cmocka_unit_test(an_envelope_goes_to_one_socket_by_chance),
		cmocka_unit_test(the_server_pings_and_refreshes),
		cmocka_unit_test(socket_faults_bite),
		cmocka_unit_test(a_kept_envelope_can_come_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
