/* Our requests over loopback: what the vendor sees, what comes back, and whether a failure may have
 * happened. Each request gets one reply and is sent at most once. */
#include "io_bench.h"

static void post(struct bench *b, uint64_t ticket, const char *url, const char *body)
{
	const struct request rq = { .method = "POST",
				    .url = url,
				    .headers = { "Content-Type: application/json",
						 "Authorization: Bearer t0ken" },
				    .body = str_z(body),
				    .timeout_ms = 5000,
				    .reply_bytes_max = 1000 };

	b->net->http(b->net->self, ticket, &rq);
}

static const char *url_of(int port)
{
	static char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/api/chat.postMessage", port);
	return url;
}

static void reply(int fd, const char *status, const char *headers, const char *body)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n%scontent-length: %zu\r\n\r\n%s", status,
		       headers, strlen(body), body);
	peer_say(fd, text);
}

/* Two requests over one connection; the third asks for patience. */
static void play_vendor(struct peer *p)
{
	const int fd = peer_accept(p->listener);
	char text[4096];

	while (peer_read_request(fd, text, sizeof(text))) {
		memcpy(p->seen, text, sizeof(text));
		if (p->count++ < 2)
			reply(fd, "200 OK", "", "{\"ok\":true}");
		else
			reply(fd, "429 Too Many Requests", "Retry-After: 17\r\n", "{}");
	}
	(void)close(fd);
}

static void test_answers(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	/* A proxy in the environment is somebody else's: it must change nothing. */
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("all_proxy", "http://127.0.0.1:1", 1);
	peer_start(&p, play_vendor);
	bench_open(&b, (struct io_options){ .listen_host = "127.0.0.1" });
	for (uint64_t i = 0; i < 3; i++) {
		post(&b, 100 + i, url_of(p.port), "{\"text\":\"hi\"}");
		const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, i);
		assert_int_equal(a->ticket, 100 + i);
		assert_int_equal(a->reply.status, i < 2 ? 200 : 429);
		assert_int_equal(a->reply.retry_after_s, i < 2 ? -1 : 17);
		assert_true(str_is(a->reply.body, i < 2 ? "{\"ok\":true}" : "{}"));
		assert_string_equal(a->reply.error, "");
	}
	bench_close(&b);
	peer_join(&p);
	assert_int_equal(p.count, 3);
	assert_ptr_equal(strstr(p.seen, "POST /api/chat.postMessage HTTP/1.1\r\n"), p.seen);
	assert_non_null(strstr(p.seen, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(p.seen, "\r\nAuthorization: Bearer t0ken\r\n"));
	assert_null(strstr(p.seen, "Expect"));
	assert_non_null(strstr(p.seen, "\r\n\r\n{\"text\":\"hi\"}"));
}

static void play_methods(struct peer *p)
{
	char text[4096];

	for (int fd; p->count < 4 && (fd = peer_accept(p->listener)) >= 0; (void)close(fd)) {
		if (!peer_read_request(fd, text, sizeof(text)))
			continue;
		(void)snprintf(p->seen + strlen(p->seen), 200, "%.*s|%s|", (int)strcspn(text, " "),
			       text, strstr(text, "\r\n\r\n") + 4);
		p->count++;
		reply(fd, "200 OK", "connection: close\r\n", "");
	}
}

static void test_methods(void **state)
{
	static const struct request asked[] = { { .method = "GET" },
						{ .method = "PUT", .body = STR_INIT("{}") },
						{ .method = "DELETE" },
						{ .method = "POST" } };
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_methods);
	bench_open(&b, (struct io_options){ 0 });
	for (size_t i = 0; i < 4; i++) {
		struct request rq = asked[i];
		rq.url = url_of(p.port);
		rq.timeout_ms = 5000;
		b.net->http(b.net->self, i, &rq);
		assert_int_equal(bench_want(&b, ARRIVAL_REPLY, i)->reply.status, 200);
	}
	bench_close(&b);
	peer_join(&p);
	assert_string_equal(p.seen, "GET||PUT|{}|DELETE||POST||");
}

/* Takes the request and says nothing. */
static void play_silent(struct peer *p)
{
	const int fd = peer_accept(p->listener);
	char c;

	p->count += peer_read_request(fd, p->seen, sizeof(p->seen));
	(void)recv(fd, &c, 1, 0); /* until they hang up */
	(void)close(fd);
}

static void test_timeout_may_have_happened(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_silent);
	bench_open(&b, (struct io_options){ 0 });
	const struct request rq = { .method = "POST",
				    .url = url_of(p.port),
				    .body = STR_INIT("{}"),
				    .timeout_ms = 200,
				    .reply_bytes_max = 100 };
	b.net->http(b.net->self, 7, &rq);
	const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, 0);
	assert_int_equal(a->ticket, 7);
	assert_int_equal(a->reply.status, 0);
	assert_true(a->reply.may_have_happened);
	assert_string_not_equal(a->reply.error, "");
	peer_join(&p);
	assert_int_equal(p.count, 1);
	bench_close(&b);
}

/* Answers a byte every 10 ms: in time, and then without end, first in the body, then in the head.
 */
static void play_dripping(struct peer *p)
{
	static const char in_time[] = "HTTP/1.1 200 OK\r\nconnection: close\r\n"
				      "transfer-encoding: chunked\r\n\r\n"
				      "4\r\n{\"ok\r\n7\r\n\":true}\r\n0\r\n\r\n";
	static const char *const begin[] = { "", "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n",
					     "HTTP/1.1 200 OK\r\nx-" };

	for (size_t i = 0; i < 3; i++) {
		const int fd = peer_accept(p->listener);
		p->count += peer_read_request(fd, p->seen, sizeof(p->seen));
		peer_say(fd, begin[i]);
		for (size_t n = 0; n < (i ? 1000 : sizeof(in_time) - 1); n++) {
			if (send(fd, i ? "x" : in_time + n, 1, MSG_NOSIGNAL) != 1)
				break;
			(void)poll(NULL, 0, 10);
		}
		(void)close(fd);
	}
}

/* Slow is fine; what never ends is given up when its time is over, however much comes. */
static void test_dripping_answers(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_dripping);
	bench_open(&b, (struct io_options){ 0 });
	post(&b, 1, url_of(p.port), "{}");
	const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, 0);
	assert_int_equal(a->reply.status, 200);
	assert_true(str_is(a->reply.body, "{\"ok\":true}"));
	for (size_t i = 1; i < 3; i++) {
		const struct request rq = { .method = "POST",
					    .url = url_of(p.port),
					    .body = STR_INIT("{}"),
					    .timeout_ms = 400,
					    .reply_bytes_max = 100000 };
		const int64_t begun_ms = io_wall_ms();
		b.net->http(b.net->self, 1 + i, &rq);
		a = bench_want(&b, ARRIVAL_REPLY, i);
		assert_int_equal(a->reply.status, 0);
		assert_true(a->reply.may_have_happened);
		assert_true(io_wall_ms() - begun_ms < 4000);
	}
	bench_close(&b);
	peer_join(&p);
	assert_int_equal(p.count, 3);
}

/* Refused, no such host, no scheme of ours: nothing left us. */
static void test_never_left(void **state)
{
	struct bench b;
	char url[64];
	(void)snprintf(url, sizeof(url), "%s", url_of(dead_port()));
	const char *const urls[] = { url, "http://no-such-host.invalid/", "file:///etc/passwd",
				     "gopher://127.0.0.1/", "nonsense" };

	(void)state;
	bench_open(&b, (struct io_options){ 0 });
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		post(&b, i, urls[i], "{}");
		const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, i);
		assert_int_equal(a->reply.status, 0);
		assert_false(a->reply.may_have_happened);
		assert_string_not_equal(a->reply.error, "");
	}
	bench_close(&b);
}

/* Answers one request, then dies under the second of the same connection: the moment in which curl
 * by itself would send it again. */
static void play_dies(struct peer *p)
{
	int fd = peer_accept(p->listener);

	p->count += peer_read_request(fd, p->seen, sizeof(p->seen));
	reply(fd, "200 OK", "", "{}");
	p->count += peer_read_request(fd, p->seen, sizeof(p->seen));
	(void)close(fd);
	struct pollfd again = { .fd = p->listener, .events = POLLIN };
	if (poll(&again, 1, 500) != 1)
		return;
	fd = peer_accept(p->listener);
	p->count += peer_read_request(fd, p->seen, sizeof(p->seen));
	reply(fd, "200 OK", "", "{}");
	(void)close(fd);
}

static void test_never_repeated(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_dies);
	bench_open(&b, (struct io_options){ 0 });
	post(&b, 1, url_of(p.port), "{}");
	assert_int_equal(bench_want(&b, ARRIVAL_REPLY, 0)->reply.status, 200);
	post(&b, 2, url_of(p.port), "{}");
	const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, 1);
	assert_int_equal(a->reply.status, 0);
	assert_true(a->reply.may_have_happened);
	bench_idle(&b, 600);
	peer_join(&p);
	assert_int_equal(p.count, 2);
	assert_int_equal(bench_count(&b, ARRIVAL_REPLY), 2);
	bench_close(&b);
}

static void play_odd(struct peer *p)
{
	char big[3000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int fd; p->count < 4 && (fd = peer_accept(p->listener)) >= 0; (void)close(fd)) {
		if (!peer_read_request(fd, p->seen, sizeof(p->seen)))
			continue;
		switch (p->count++) {
		case 0: reply(fd, "200 OK", "connection: close\r\n", big); break;
		case 1:
			reply(fd, "302 Found",
			      "connection: close\r\nLocation: http://127.0.0.1:1/\r\n", "");
			break;
		case 2:
			reply(fd, "503 No",
			      "connection: close\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n",
			      "");
			break;
		default: peer_say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf"); break;
		}
	}
}

/* Over the ceiling; a redirect is an answer, not an order; a date is no number; a cut answer. */
static void test_odd_answers(void **state)
{
	struct bench b;
	struct peer p;

	(void)state;
	peer_start(&p, play_odd);
	bench_open(&b, (struct io_options){ 0 });
	for (size_t i = 0; i < 4; i++) {
		post(&b, i, url_of(p.port), "{}");
		(void)bench_want(&b, ARRIVAL_REPLY, i);
	}
	assert_int_equal(b.at[0].reply.status, 0);
	assert_true(b.at[0].reply.may_have_happened);
	assert_string_equal(b.at[0].reply.error, "the reply is over 1000 bytes");
	assert_int_equal(b.at[1].reply.status, 302);
	assert_int_equal(b.at[2].reply.status, 503);
	assert_int_equal(b.at[2].reply.retry_after_s, -1);
	assert_int_equal(b.at[3].reply.status, 0);
	assert_true(b.at[3].reply.may_have_happened);
	bench_close(&b);
	peer_join(&p);
}

/* Holds 16 connections (all that one host may have) and answers none; the 17th is the page's. */
static void play_stuck(struct peer *p)
{
	int fds[17];

	for (int i = 0; i < 17; i++) {
		fds[i] = peer_accept(p->listener);
		if (peer_read_request(fds[i], p->seen, sizeof(p->seen)) &&
		    strstr(p->seen, "/page ") != NULL) {
			reply(fds[i], "202 Accepted", "", "{}");
			p->count++;
		}
	}
	for (int i = 0; i < 17; i++)
		(void)close(fds[i]);
}

static void test_a_page_is_never_starved(void **state)
{
	struct bench b;
	struct peer p;
	char page[64];

	(void)state;
	peer_start(&p, play_stuck);
	bench_open(&b, (struct io_options){ 0 });
	for (uint64_t i = 0; i < 30; i++)
		post(&b, i, url_of(p.port), "{}");
	bench_idle(&b, 100);
	(void)snprintf(page, sizeof(page), "http://127.0.0.1:%d/page", p.port);
	const struct request rq = { .method = "POST",
				    .url = page,
				    .body = STR_INIT("{}"),
				    .timeout_ms = 3000,
				    .reply_bytes_max = 100,
				    .is_page = true };
	b.net->http(b.net->self, 99, &rq);
	const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, 0);
	assert_int_equal(a->ticket, 99);
	assert_int_equal(a->reply.status, 202);
	bench_close(&b); /* with 30 under way */
	peer_join(&p);
	assert_int_equal(p.count, 1);
}

/* Nothing comes back during a turn, and what finds the batch full is kept, in order. */
static void test_kept_until_there_is_room(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, (struct io_options){ 0 });
	b.room = 1;
	for (uint64_t i = 0; i < 5; i++)
		post(&b, i, "nonsense", "{}");
	assert_int_equal(b.n, 0);
	bench_idle(&b, 100);
	assert_int_equal(b.n, 1);
	b.room = ARRIVALS_MAX;
	(void)bench_want(&b, ARRIVAL_REPLY, 4);
	uint64_t seen = 0;
	for (size_t i = 0; i < 5; i++) {
		seen |= UINT64_C(1) << b.at[i].ticket;
		assert_string_not_equal(b.at[i].reply.error, "");
	}
	assert_int_equal(seen, 31);
	bench_close(&b);
}

/* The configured proxy is the one that is asked. */
static void play_proxy(struct peer *p)
{
	const int fd = peer_accept(p->listener);

	p->count += peer_read_request(fd, p->seen, sizeof(p->seen));
	reply(fd, "200 OK", "", "{}");
	(void)close(fd);
}

static void test_configured_proxy(void **state)
{
	struct bench b;
	struct peer p;
	char proxy[64];

	(void)state;
	peer_start(&p, play_proxy);
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", p.port);
	bench_open(&b, (struct io_options){ .proxy = proxy });
	post(&b, 1, "http://vendor.invalid/x", "{}");
	assert_int_equal(bench_want(&b, ARRIVAL_REPLY, 0)->reply.status, 200);
	bench_close(&b);
	peer_join(&p);
	assert_ptr_equal(strstr(p.seen, "POST http://vendor.invalid/x HTTP/1.1\r\n"), p.seen);

	struct io *io = NULL;
	struct fail fail = { 0 };
	const struct io_options bad = { .proxy = "http://", .take = bench_take };
	assert_int_equal(io_open(&bad, &io, &fail), RC_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_timeout_may_have_happened),
		cmocka_unit_test(test_dripping_answers),
		cmocka_unit_test(test_never_left),
		cmocka_unit_test(test_never_repeated),
		cmocka_unit_test(test_odd_answers),
		cmocka_unit_test(test_a_page_is_never_starved),
		cmocka_unit_test(test_kept_until_there_is_room),
		cmocka_unit_test(test_configured_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
