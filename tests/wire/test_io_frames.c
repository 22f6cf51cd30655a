/* What may come over a WebSocket that we dialled: the largest message, one in a thousand pieces,
 * binary ones, and what RFC 6455 forbids. A dialled socket ends in exactly one ARRIVAL_CLOSED. */
#include "io_ws_peer.h"

enum { MIB = 1 << 20, PIECE = 1024, BINARY = 0x82, BINARY_BEGINS = 0x02 };
static char mib[MIB + 2];

static void dial(struct bench *b, int port)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", port);
	b->net->dial(b->net->self, 5, url);
	(void)bench_want(b, ARRIVAL_OPENED, 0);
}

/* --- allowed --- */

static void say_in_pieces(int fd, int first)
{
	say(fd, first, mib, PIECE);
	for (size_t at = PIECE; at < MIB - PIECE; at += PIECE) {
		if (at % (64 * PIECE) == 0)
			say(fd, PING, "between", 7);
		say(fd, GOES_ON, mib + at, PIECE);
	}
	say(fd, ENDS, mib + MIB - PIECE, PIECE);
}

static void play_all_sizes(struct peer *p)
{
	const int fd = server_up(p);

	say(fd, TEXT, mib, MIB);
	say_in_pieces(fd, TEXT_BEGINS);
	say(fd, TEXT, "", 0);
	say(fd, BINARY, "\x00\xff", 2);
	say(fd, BINARY, mib, MIB);
	say_in_pieces(fd, BINARY_BEGINS);
	say(fd, TEXT, "\n", 1);
	say(fd, TEXT, "\xff\xfe", 2); /* no UTF-8: for the JSON parser to refuse */
	say(fd, TEXT, "the last", 8);
	p->code = hear_close(fd);
	say(fd, CLOSE, "\x03\xe8", 2);
	(void)close(fd);
}

/* Text comes whole and in order, however it was cut; binary is a sign of life and no more. */
static void test_all_sizes(void **state)
{
	static const char *const last[] = { "", "\n", "\xff\xfe", "the last" };
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_all_sizes);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, p.port);
	for (size_t i = 0; i < 2; i++) {
		const struct str text = bench_want(&b, ARRIVAL_FRAME, i)->frame;
		assert_int_equal(text.n, MIB);
		assert_memory_equal(text.at, mib, MIB);
	}
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++)
		assert_true(str_is(bench_want(&b, ARRIVAL_FRAME, 2 + i)->frame, last[i]));
	assert_int_equal(bench_count(&b, ARRIVAL_FRAME), 6);
	assert_int_equal(bench_count(&b, ARRIVAL_HEARD), 3);
	b.net->hang_up(b.net->self, 5, 1000);
	(void)bench_want(&b, ARRIVAL_CLOSED, 0);
	peer_join(&p);
	assert_int_equal(p.code, 1000);
	bench_close(&b);
}

/* --- forbidden --- */

struct breach {
	const char *what;
	const unsigned char *at;
	size_t n;
};
#define BYTES(...)                                                                                 \
	(const unsigned char[]){ __VA_ARGS__ }, sizeof((const unsigned char[]){ __VA_ARGS__ })

static void play_breach(struct peer *p)
{
	const struct breach *b = p->more;
	const int fd = server_up(p);

	say(fd, TEXT, "before", 6);
	peer_send(fd, b->at, b->n);
	say(fd, TEXT, "after", 5);
	p->code = hear_close(fd);
	(void)close(fd);
}

/* The message before counts, nothing behind it does, and the socket ends: by libwebsockets, which
 * says nothing to who breaks the protocol. */
static void breached(const struct breach *breach)
{
	struct bench b;
	struct peer p;

	peer_start_with(&p, play_breach, (void *)(uintptr_t)breach);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, p.port);
	(void)bench_want(&b, ARRIVAL_CLOSED, 0);
	bench_idle(&b, 20);
	if (bench_count(&b, ARRIVAL_CLOSED) != 1 || bench_count(&b, ARRIVAL_FRAME) != 1 ||
	    !str_is(bench_want(&b, ARRIVAL_FRAME, 0)->frame, "before"))
		fail_msg("%s: %zu ends, %zu messages", breach->what,
			 bench_count(&b, ARRIVAL_CLOSED), bench_count(&b, ARRIVAL_FRAME));
	bench_close(&b);
	peer_join(&p);
}

static void test_breaches(void **state)
{
	const struct breach breaches[] = {
		{ "an unknown kind of message", BYTES(0x83, 1, 'x') },
		{ "an unknown control frame", BYTES(0x8b, 0) },
		{ "a reserved bit", BYTES(0xc1, 1, 'x') },
		{ "the end of what never began", BYTES(0x80, 1, 'x') },
		{ "a text inside a text", BYTES(0x01, 1, 'x', 0x81, 1, 'y') },
		{ "a ping in two pieces", BYTES(0x09, 1, 'x') },
		{ "a ping over 125 bytes", BYTES(0x89, 126, 0, 126) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++)
		breached(&breaches[i]);
}

/* One byte over the ceiling, whole: refused with 1009. */
static void play_too_long(struct peer *p)
{
	const int fd = server_up(p);

	say(fd, TEXT, mib, MIB + 1);
	p->code = hear_close(fd);
	(void)close(fd);
}

static void test_too_long(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_too_long);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, p.port);
	assert_int_equal(bench_want(&b, ARRIVAL_CLOSED, 0)->code, 1009);
	assert_int_equal(bench_count(&b, ARRIVAL_FRAME), 0);
	peer_join(&p);
	assert_int_equal(p.code, 1009);
	bench_close(&b);
}

/* Takes nothing any more, and goes when it is told to. */
static void play_stuck(struct peer *p)
{
	const int fd = server_up(p);

	(void)close(peer_accept(p->listener)); /* the sign to go on */
	(void)close(fd);
}

/* What we say to it waits, up to a ceiling, and then the socket ends. */
static void test_a_peer_that_does_not_read(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_stuck);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, p.port);
	for (int i = 0; i < 64 && bench_count(&b, ARRIVAL_CLOSED) == 0; i++) {
		b.net->frame(b.net->self, 5, (struct str){ mib, MIB / 2 });
		bench_idle(&b, 5);
	}
	const struct arrival *a = bench_want(&b, ARRIVAL_CLOSED, 0);
	assert_true(str_is(a->frame, "the peer does not read"));
	assert_int_equal(a->code, 1001);
	(void)close(loopback_connect(p.port));
	peer_join(&p);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sizes),
		cmocka_unit_test(test_breaches),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_a_peer_that_does_not_read),
	};

	for (size_t i = 0; i < MIB + 1; i++)
		mib[i] = (char)('a' + i % 23);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
