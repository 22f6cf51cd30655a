/* The link against a Slack that does what it likes: seeded walks through refusals, silences,
 * closes, refreshes, crowds and stale reports. After every step: at most two sockets, at most one
 * URL asked for, a timer always set and never in the past; in the end every socket that was dialled
 * is closed, and a Slack that behaves again is reached again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/when.h"
#include "slack/link.h"

enum { SEEDS = 400, STEPS = 600, SOCKETS_MAX = STEPS + 64 };
enum peer_state { PEER_NONE, PEER_DIALLED, PEER_OPEN, PEER_UP, PEER_CLOSED };
struct peer {
	enum peer_state state;
	bool is_deaf; /* half-open: says nothing, answers nothing */
	bool was_hung_up;
	int64_t next_ms; /* when it does its next thing */
};
struct world {
	struct link *l;
	uint64_t number, seed; /* number 0: the walk is over */
	int64_t now_ms;
	struct peer peers[SOCKETS_MAX];
	uint64_t last;
	bool is_kind; /* Slack behaves */
	bool is_asked;
	int64_t answer_ms;
	uint64_t pings, hellos, deaths; /* that the walk got anywhere */
};
static struct world w;

/* xorshift64*: chance of the test's own. */
static uint64_t draw(uint64_t below)
{
	w.seed ^= w.seed >> 12;
	w.seed ^= w.seed << 25;
	w.seed ^= w.seed >> 27;
	return ((w.seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

static bool one_in(uint64_t n) { return !w.is_kind && draw(n) == 0; }

static struct peer *peer_of(uint64_t socket)
{
	assert_true(socket >= 1 && socket <= w.last);
	return &w.peers[socket];
}

static void obey(const struct link_act *a)
{
	switch (a->kind) {
	case LINK_ASK_URL:
		assert_false(w.is_asked);
		w.is_asked = true;
		w.answer_ms = w.now_ms + (int64_t)draw(10001);
		break;
	case LINK_DIAL:
		assert_int_equal(a->socket, w.last + 1); /* ever rising */
		assert_true(++w.last < SOCKETS_MAX);
		*peer_of(a->socket) = (struct peer){ .state = PEER_DIALLED,
						     .is_deaf = one_in(10),
						     .next_ms = w.now_ms + (int64_t)draw(2000) };
		break;
	case LINK_PING: {
		struct peer *p = peer_of(a->socket);
		assert_true(p->state == PEER_UP && !p->was_hung_up);
		w.pings++;
		if (!p->is_deaf && p->next_ms > w.now_ms + 200)
			p->next_ms = w.now_ms + 200;
		break;
	}
	case LINK_HANG_UP: {
		struct peer *p = peer_of(a->socket);
		assert_true(p->state != PEER_NONE && p->state != PEER_CLOSED && !p->was_hung_up);
		assert_int_equal(a->code, 1000);
		p->was_hung_up = true;
		p->next_ms = w.now_ms + (int64_t)draw(2001); /* io's promise */
		break;
	}
	case LINK_SAY: assert_non_null(memchr(a->say, '\0', sizeof(a->say))); break;
	}
}

static void check(bool is_timer)
{
	int sockets = 0;
	bool is_up = false;

	for (uint64_t i = 1; i <= w.last; i++) {
		const struct peer *p = &w.peers[i];
		sockets += p->state != PEER_CLOSED ? 1 : 0;
		is_up = is_up || (p->state == PEER_UP && !p->was_hung_up);
	}
	assert_true(sockets <= 2);
	assert_int_equal(link_is_up(w.l), is_up);
	const uint64_t ack = link_ack_socket(w.l, w.last);
	assert_true(ack != 0 || !is_up);
	if (ack != 0)
		assert_false(peer_of(ack)->was_hung_up || peer_of(ack)->state == PEER_CLOSED);
	if (link_is_over(w.l))
		return;
	assert_true(link_due_ms(w.l) != NEVER_MS);
	assert_true(!is_timer || link_due_ms(w.l) > w.now_ms); /* no spinning */
}

static void tell(const struct link_event *ev)
{
	struct link_acts acts;
	struct chance chance;

	for (size_t i = 0; i < sizeof(chance.bytes); i++)
		chance.bytes[i] = (uint8_t)draw(256);
	link_step(w.l, ev, w.now_ms, &chance, &acts);
	assert_true(acts.n <= LINK_ACTS_MAX);
	for (size_t i = 0; i < acts.n; i++)
		obey(&acts.at[i]);
	check(ev->kind == LINK_TIMER);
}

static void tell_socket(enum link_event_kind kind, uint64_t socket)
{
	static const char *const reasons[] = {
		"warning", "refresh_requested", "too_many_websockets", "link_disabled",
		"",        "something new"
	};
	static const int64_t lives_s[] = { 0, -7, 1, 360, 3600, 18060, INT64_MAX };

	tell(&(struct link_event){ .kind = kind,
				   .socket = socket,
				   .reason = reasons[draw(6)],
				   .lives_s = lives_s[w.is_kind ? 5 : draw(7)],
				   .connections = (int64_t)draw(12) });
}

static void close_peer(uint64_t socket)
{
	peer_of(socket)->state = PEER_CLOSED;
	tell_socket(LINK_CLOSED, socket);
}

/* The peer does its next thing. */
static void move(uint64_t socket)
{
	struct peer *p = peer_of(socket);

	p->next_ms = w.now_ms + 1 + (int64_t)draw(p->state == PEER_UP ? 15000 : 6000);
	if (p->was_hung_up) {
		close_peer(socket);
	} else if (p->is_deaf) {
		p->next_ms = NEVER_MS;
	} else if (one_in(12)) {
		w.deaths++;
		close_peer(socket);
	} else if (p->state == PEER_DIALLED) {
		p->state = PEER_OPEN;
		tell_socket(LINK_UP, socket);
	} else if (p->state == PEER_OPEN && one_in(4)) {
		tell_socket(draw(2) ? LINK_HEARD : LINK_DISCONNECT, socket);
	} else if (p->state == PEER_OPEN) {
		p->state = PEER_UP;
		w.hellos++;
		tell_socket(LINK_HELLO, socket);
	} else {
		p->is_deaf = one_in(25);
		tell_socket(one_in(6) ? LINK_DISCONNECT : LINK_HEARD, socket);
	}
}

static void answer(void)
{
	w.is_asked = false;
	if (one_in(3))
		tell(&(struct link_event){ .kind = LINK_NO_URL,
					   .retry_ms = (int64_t)draw(2) * 45000,
					   .is_fatal = draw(4) == 0 });
	else
		tell(&(struct link_event){ .kind = LINK_URL, .url = "wss://slack.example/" });
}

/* Whatever is next in the world happens. */
static void go_on(void)
{
	uint64_t next = 0;
	int64_t at_ms = link_due_ms(w.l);
	bool is_answer = false;

	for (uint64_t i = 1; i <= w.last; i++) {
		if (w.peers[i].state != PEER_CLOSED && w.peers[i].next_ms < at_ms) {
			next = i;
			at_ms = w.peers[i].next_ms;
		}
	}
	if (w.is_asked && w.answer_ms <= at_ms) {
		is_answer = true;
		at_ms = w.answer_ms;
	}
	if (at_ms > w.now_ms)
		w.now_ms = at_ms;
	if (is_answer)
		answer();
	else if (next != 0)
		move(next);
	else
		tell(&(struct link_event){ .kind = LINK_TIMER });
	/* Now and then something about a socket long gone. */
	const uint64_t old = draw(w.last + 2);
	if (one_in(8) && (old == 0 || old > w.last || w.peers[old].state == PEER_CLOSED)) {
		static const enum link_event_kind kinds[] = { LINK_UP, LINK_HELLO, LINK_HEARD,
							      LINK_DISCONNECT, LINK_CLOSED };
		tell_socket(kinds[draw(5)], old);
	}
}

static void walk(uint64_t seed)
{
	w = (struct world){ .l = link_new(),
			    .number = seed,
			    .seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
			    .now_ms = 1 };
	tell(&(struct link_event){ .kind = LINK_START });
	for (int i = 0; i < STEPS; i++)
		go_on();
	assert_true(w.pings > 0 || w.hellos == 0 || w.deaths > 0);
	if (seed % 2 == 0) {
		/* Slack behaves: twice the longest wait and some later a session stands. */
		w.is_kind = true;
		const int64_t by_ms = w.now_ms + 12 * MINUTE_MS;
		while (w.now_ms < by_ms)
			go_on();
		assert_true(link_is_up(w.l));
	}
	tell(&(struct link_event){ .kind = LINK_STOP });
	const uint64_t last = w.last;
	while (!link_is_over(w.l))
		go_on();
	assert_int_equal(w.last, last); /* nothing was dialled after the end */
	for (uint64_t i = 1; i <= w.last; i++)
		assert_int_equal(w.peers[i].state, PEER_CLOSED);
	link_free(w.l);
	w.number = 0;
}

static void no_walk_gets_lost(void **state)
{
	uint64_t pings = 0, hellos = 0, deaths = 0, sockets = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		walk(seed);
		pings += w.pings;
		hellos += w.hellos;
		deaths += w.deaths;
		sockets += w.last;
	}
	print_message("%d walks: %llu sockets, %llu hellos, %llu pings, %llu sudden deaths\n",
		      SEEDS, (unsigned long long)sockets, (unsigned long long)hellos,
		      (unsigned long long)pings, (unsigned long long)deaths);
	assert_true(hellos > SEEDS && pings > SEEDS && deaths > SEEDS);
}

static int name_the_seed(void **state)
{
	(void)state;
	if (w.number != 0)
		print_error("seed %llu\n", (unsigned long long)w.number);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(no_walk_gets_lost,
								      name_the_seed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
