/* The WebSockets we dial, against servers made of plain sockets that break every habit. Whatever
 * happens, a dialled socket ends in exactly one ARRIVAL_CLOSED. */
#include "io_ws_peer.h"

/* --- our side */

static void dial(struct bench *b, uint64_t socket, const char *scheme, int port)
{
	char url[128];

	(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%d/link/?ticket=abc&app_id=A1", scheme,
		       port);
	b->net->dial(b->net->self, socket, url);
}

static void end_of(struct bench *b, uint64_t socket, int code)
{
	const struct arrival *a = bench_want(b, ARRIVAL_CLOSED, 0);

	assert_int_equal(a->ticket, socket);
	assert_int_equal(a->code, code);
	assert_true(a->frame.n > 0);
	bench_idle(b, 50);
	assert_int_equal(bench_count(b, ARRIVAL_CLOSED), 1);
}

static char big[20001], huge[100001];
static void fill(char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (char)('a' + i % 26);
}

/* 20 KB whole, 100 KB whole, 20 KB in three fragments with a ping between; echoes; a ping of ours;
 * our Close frame with its code. */
static void play_talk(struct peer *p)
{
	char *text = calloc(1, 200000), close_echo[2] = { 0x03, (char)0xe8 };
	const int fd = server_up(p);

	say(fd, TEXT, big, 20000);
	say(fd, TEXT, huge, 100000);
	say(fd, TEXT_BEGINS, big, 7000);
	say(fd, PING, "applink", 7);
	say(fd, GOES_ON, big + 7000, 7000);
	say(fd, ENDS, big + 14000, 6000);
	p->count = 0;
	for (int first; (first = hear(fd, text, 200000)) >= 0;) {
		if (first == PONG)
			p->count += strcmp(text, "applink") == 0 ? 1 : 100;
		if (first == TEXT)
			p->count += strcmp(text, big) == 0 || strcmp(text, "{}") == 0 ? 10 : 1000;
		if (first == PING)
			say(fd, PONG, "", 0);
		if (first == CLOSE) {
			p->code = (unsigned char)text[0] << 8 | (unsigned char)text[1];
			say(fd, CLOSE, close_echo, 2);
			break;
		}
	}
	(void)close(fd);
	free(text);
}

static void test_talk(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	fill(big, 20000);
	fill(huge, 100000);
	peer_start(&p, play_talk);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, 41, "ws", p.port);
	assert_int_equal(b.n, 0);
	assert_int_equal(bench_want(&b, ARRIVAL_OPENED, 0)->ticket, 41);
	for (size_t i = 0; i < 3; i++) {
		const struct arrival *a = bench_want(&b, ARRIVAL_FRAME, i);
		assert_int_equal(a->ticket, 41);
		assert_true(str_is(a->frame, i == 1 ? huge : big));
	}
	b.net->frame(b.net->self, 41, str_z(big));
	b.net->frame(b.net->self, 41, STR("{}"));
	b.net->ping(b.net->self, 41);
	assert_int_equal(bench_want(&b, ARRIVAL_HEARD, 0)->ticket, 41);
	b.net->frame(b.net->self, 41, STR("{}")); /* goes out before the Close */
	b.net->hang_up(b.net->self, 41, 1000);
	b.net->frame(b.net->self, 41, STR("too late"));
	end_of(&b, 41, 1000);
	b.net->hang_up(b.net->self, 41, 1000); /* nobody there: ignored */
	bench_close(&b);
	peer_join(&p);
	assert_int_equal(p.code, 1000);
	assert_int_equal(p.count, 1 + 3 * 10);
	assert_ptr_equal(strstr(p.seen, "GET /link/?ticket=abc&app_id=A1 HTTP/1.1\r\n"), p.seen);
	assert_null(strcasestr(p.seen, "Sec-WebSocket-Protocol"));
	assert_null(strcasestr(p.seen, "Sec-WebSocket-Extensions"));
}

static void play_drops(struct peer *p) { (void)close(server_up(p)); }
static void play_says_bye(struct peer *p)
{
	const int fd = server_up(p);

	say(fd, CLOSE,
	    "\x03\xe9"
	    "bye",
	    5);
	p->code = hear_close(fd);
	(void)close(fd);
}
static void play_refuses(struct peer *p)
{
	char head[4096];
	const int fd = peer_accept(p->listener);

	(void)peer_read_head(fd, head, sizeof(head));
	peer_say(fd, "HTTP/1.1 302 Found\r\nLocation: ws://no-such-host.invalid/\r\n"
		     "Content-Length: 0\r\n\r\n");
	(void)close(fd);
}
static void play_hangs_up_early(struct peer *p) { (void)close(peer_accept(p->listener)); }
/* Never answers a Close. */
static void play_deaf(struct peer *p)
{
	const int fd = server_up(p);
	char c;

	p->code = hear_close(fd);
	(void)recv(fd, &c, 1, 0);
	(void)close(fd);
}
static void play_floods(struct peer *p)
{
	char *text = calloc(1, 70000);
	const int fd = server_up(p);

	fill(text, 70000);
	say(fd, TEXT_BEGINS, text, 70000);
	for (int i = 0; i < 16; i++)
		say(fd, GOES_ON, text, 70000);
	p->code = hear_close(fd);
	(void)close(fd);
	free(text);
}

static void ends(void (*play)(struct peer *), int code, int heard_code)
{
	struct bench b;
	struct peer p;

	peer_start(&p, play);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, 5, "ws", p.port);
	end_of(&b, 5, code);
	peer_join(&p);
	assert_int_equal(p.code, heard_code);
	assert_int_equal(bench_count(&b, ARRIVAL_FRAME), 0);
	bench_close(&b);
}

static void test_server_drops(void **state)
{
	(void)state;
	ends(play_drops, 0, 0);
}
static void test_server_says_bye(void **state)
{
	(void)state;
	ends(play_says_bye, 1001, 1001);
}
static void test_redirect_is_a_refusal(void **state)
{
	(void)state;
	ends(play_refuses, 0, 0);
}
static void test_hangs_up_before_upgrade(void **state)
{
	(void)state;
	ends(play_hangs_up_early, 0, 0);
}
static void test_message_over_1_MiB(void **state)
{
	(void)state;
	ends(play_floods, 1009, 1009);
}

static int lookup_numbers_only(const char *host, unsigned nth, char numeric[IO_ADDRESS_MAX])
{
	(void)nth;
	(void)snprintf(numeric, IO_ADDRESS_MAX, "%s", host);
	return strcmp(host, "127.0.0.1") == 0 ? 0 : -1;
}

/* Refused, unknown, nonsense: exactly one end each, and none before the turn is over. */
static void test_never_up(void **state)
{
	static const char *const urls[] = { "ws://no-such-host.invalid/",
					    "http://127.0.0.1/",
					    "ws://user@127.0.0.1/",
					    "ws://127.0.0.1:99999/",
					    "ws://",
					    "wss://[::1]/",
					    "ws://127.0.0.1/a b" };
	struct bench b;

	(void)state;
	bench_open(&b, (struct io_options){ .lookup = lookup_numbers_only });
	dial(&b, 100, "ws", dead_port());
	assert_int_equal(bench_want(&b, ARRIVAL_CLOSED, 0)->ticket, 100);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		b.net->dial(b.net->self, i, urls[i]);
		assert_int_equal(bench_count(&b, ARRIVAL_CLOSED), i + 1);
		assert_int_equal(bench_want(&b, ARRIVAL_CLOSED, i + 1)->ticket, i);
	}
	bench_idle(&b, 100);
	assert_int_equal(b.n, 1 + sizeof(urls) / sizeof(urls[0]));
	bench_close(&b);
}

/* A peer that does not answer our Close is left after two seconds. */
static void test_deaf_peer(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_deaf);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, 5, "ws", p.port);
	(void)bench_want(&b, ARRIVAL_OPENED, 0);
	const int64_t start_ms = io_wall_ms();
	b.net->hang_up(b.net->self, 5, 1001);
	end_of(&b, 5, 1001);
	const int64_t took_ms = io_wall_ms() - start_ms;
	assert_true(took_ms >= IO_HANG_UP_MS && took_ms < IO_HANG_UP_MS + 1500);
	peer_join(&p);
	assert_int_equal(p.code, 1001);
	bench_close(&b);
}

/* Slack has not read our Close yet: what it says until it has is for us, too. */
static void play_says_more(struct peer *p)
{
	const int fd = server_up(p);

	p->code = hear_close(fd);
	say(fd, TEXT, "late", 4);
	say(fd, TEXT_BEGINS, "in two ", 7);
	say(fd, PING, "x", 1);
	say(fd, ENDS, "pieces", 6);
	say(fd, CLOSE, "\x03\xe8", 2);
	(void)close(fd);
}

static void test_said_after_our_close(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_says_more);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, 5, "ws", p.port);
	(void)bench_want(&b, ARRIVAL_OPENED, 0);
	b.net->hang_up(b.net->self, 5, 1000);
	end_of(&b, 5, 1000);
	assert_int_equal(bench_count(&b, ARRIVAL_FRAME), 2);
	assert_true(str_is(bench_want(&b, ARRIVAL_FRAME, 0)->frame, "late"));
	assert_true(str_is(bench_want(&b, ARRIVAL_FRAME, 1)->frame, "in two pieces"));
	peer_join(&p);
	assert_int_equal(p.code, 1000);
	bench_close(&b);
}

/* Hanging up on a socket that is still being dialled ends it at once. */
static void test_hang_up_while_dialling(void **state)
{
	struct bench b;
	int port;
	const int listener = loopback_listen(&port); /* connects, never upgrades */

	(void)state;
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, 5, "ws", port);
	b.net->hang_up(b.net->self, 5, 1000); /* in the look-up */
	assert_int_equal(bench_want(&b, ARRIVAL_CLOSED, 0)->ticket, 5);
	dial(&b, 6, "ws", port);
	bench_idle(&b, 100);
	b.net->hang_up(b.net->self, 6, 1000); /* before the upgrade */
	assert_int_equal(bench_want(&b, ARRIVAL_CLOSED, 1)->ticket, 6);
	bench_idle(&b, 300);
	assert_int_equal(b.n, 2);
	bench_close(&b);
	(void)close(listener);
}

static int lookup_slowly(const char *host, unsigned nth, char numeric[IO_ADDRESS_MAX])
{
	(void)nth;
	if (strcmp(host, "slow.example") != 0)
		return -1;
	(void)usleep(800 * 1000);
	(void)snprintf(numeric, IO_ADDRESS_MAX, "127.0.0.1");
	return 0;
}

/* A slow look-up stops nothing: the door answers meanwhile; then the socket comes up, and the
 * server was told the name. */
static void test_slow_lookup(void **state)
{
	struct bench b;
	struct peer p;
	char url[64], got[256] = "";

	(void)state;
	peer_start(&p, play_deaf);
	bench_open(&b, (struct io_options){ .listen_host = "127.0.0.1", .lookup = lookup_slowly });
	(void)snprintf(url, sizeof(url), "ws://slow.example:%d", p.port);
	const int64_t start_ms = io_wall_ms();
	b.net->dial(b.net->self, 9, url);
	const int fd = loopback_connect(io_port(b.io));
	peer_say(fd, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
	const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, 0);
	b.net->answer(b.net->self, a->ticket, 200, STR("{}"), 0);
	bench_idle(&b, 50);
	assert_true(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
	assert_true(io_wall_ms() - start_ms < 500);
	(void)close(fd);
	assert_int_equal(bench_want(&b, ARRIVAL_OPENED, 0)->ticket, 9);
	assert_true(io_wall_ms() - start_ms >= 800);
	bench_close(&b); /* the end of the process says goodbye, too */
	peer_join(&p);
	assert_int_equal(p.code, 1001);
	(void)snprintf(got, sizeof(got), "slow.example:%d\r\n", p.port);
	assert_non_null(strstr(p.seen, got));
	assert_ptr_equal(strstr(p.seen, "GET / HTTP/1.1\r\n"), p.seen);
}

/* Two hundred messages while the batch has room for three a turn: all come, in order. */
static void play_many(struct peer *p)
{
	char text[32];
	const int fd = server_up(p);

	for (int i = 0; i < 200; i++)
		say(fd, TEXT, text, (size_t)snprintf(text, sizeof(text), "%d", i));
	p->code = hear_close(fd);
	(void)close(fd);
}

static void test_batch_full(void **state)
{
	struct bench b;
	struct peer p;
	char want[32];
	int seen = 0;

	(void)state;
	peer_start(&p, play_many);
	bench_open(&b, (struct io_options){ 0 });
	dial(&b, 5, "ws", p.port);
	b.room = 1;
	(void)bench_want(&b, ARRIVAL_OPENED, 0);
	for (int turn = 0; seen < 200; turn++) {
		b.n = 0;
		b.room = 3;
		(void)bench_want(&b, ARRIVAL_FRAME, 0);
		if (turn == 0)
			bench_idle(&b, 200); /* all has come by now, and waits */
		assert_true(b.n <= 3);
		for (size_t i = 0; i < b.n; i++) {
			(void)snprintf(want, sizeof(want), "%d", seen++);
			assert_true(str_is(b.at[i].frame, want));
		}
	}
	b.n = 0;
	b.room = ARRIVALS_MAX;
	b.net->hang_up(b.net->self, 5, 1000);
	(void)bench_want(&b, ARRIVAL_CLOSED, 0);
	bench_close(&b);
	peer_join(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_server_drops),
		cmocka_unit_test(test_server_says_bye),
		cmocka_unit_test(test_redirect_is_a_refusal),
		cmocka_unit_test(test_hangs_up_before_upgrade),
		cmocka_unit_test(test_message_over_1_MiB),
		cmocka_unit_test(test_never_up),
		cmocka_unit_test(test_deaf_peer),
		cmocka_unit_test(test_said_after_our_close),
		cmocka_unit_test(test_hang_up_while_dialling),
		cmocka_unit_test(test_slow_lookup),
		cmocka_unit_test(test_batch_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
