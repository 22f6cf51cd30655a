/* The door over loopback: what comes as an arrival, what is refused before, and how it is answered.
 * One thread: the client's bytes wait in the kernel until the loop runs. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "io_bench.h"

static void door_open(struct bench *b, int64_t patience_ms)
{
	static const char *const headers[] = { "authorization", "content-type", "x-signature",
					       "x-timestamp", NULL };

	bench_open(b, (struct io_options){ .listen_host = "127.0.0.1",
					   .headers = headers,
					   .patience_ms = patience_ms });
	assert_true(io_port(b->io) > 0);
}

/* "" = it is not among those that came. */
static const char *header(const struct arrival *a, const char *name)
{
	for (size_t i = 0; i < a->asked.headers_n; i++) {
		if (strcmp(a->asked.headers[i].name, name) == 0)
			return a->asked.headers[i].value;
	}
	return "";
}

static int ask(struct bench *b, const char *bytes)
{
	const int fd = loopback_connect(io_port(b->io));

	peer_say(fd, bytes);
	return fd;
}

/* Runs the loop until the client has a whole head (and body) or the end of the connection. */
static void read_answer(struct bench *b, int fd, char *at, size_t size)
{
	const int64_t end_ms = io_wall_ms() + PATIENCE_MS;
	size_t n = 0;

	at[0] = '\0';
	while (io_wall_ms() < end_ms) {
		assert_true(io_wait(b->io, io_wall_ms() + 10));
		const ssize_t k = recv(fd, at + n, size - n - 1, MSG_DONTWAIT);
		if (k == 0)
			return;
		n += k > 0 ? (size_t)k : 0;
		at[n] = '\0';
		const char *end = strstr(at, "\r\n\r\n"), *length = strstr(at, "content-length:");
		if (end && length && strlen(end + 4) >= strtoul(length + 15, NULL, 10))
			return;
	}
	fail_msg("no answer, only \"%s\"", at);
}

static void answer(struct bench *b, const struct arrival *a, int status, const char *body)
{
	b->net->answer(b->net->self, a->ticket, status, str_z(body), 0);
}

/* A request comes whole, with what the door needs to know of it, and twice over one connection. */
static void test_two_requests_one_connection(void **state)
{
	struct bench b;
	char got[1024];

	(void)state;
	door_open(&b, 0);
	const int fd = ask(&b, "POST /v1/alerts/edr?a=1&b=2 HTTP/1.1\r\nhost: x\r\nauthorization: "
			       "Bearer s3\r\ncontent-type: application/json\r\ncontent-encoding: "
			       "gzip\r\nX-Signature-Old: no\r\nX-Signature:  sha256=ab,cd \r\n"
			       "content-length: 9\r\n\r\n{\"a\":");
	bench_idle(&b, 30);
	assert_int_equal(b.n, 0); /* half a body is no request */
	peer_say(fd, "\"b\"}");
	const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, 0);
	assert_string_equal(a->asked.method, "POST");
	assert_string_equal(a->asked.path, "/v1/alerts/edr");
	assert_string_equal(a->asked.query, "a=1&b=2");
	assert_int_equal(a->asked.headers_n, 3); /* those that were asked for and came */
	assert_string_equal(header(a, "authorization"), "Bearer s3");
	assert_string_equal(header(a, "content-type"), "application/json");
	assert_string_equal(header(a, "x-signature"), "sha256=ab,cd");
	assert_true(str_is(a->asked.body, "{\"a\":\"b\"}"));
	assert_false(a->asked.is_local);
	assert_int_equal(a->asked.refused, 0);
	answer(&b, a, 202, "{\"id\":\"alert-1\"}");
	read_answer(&b, fd, got, sizeof(got));
	assert_ptr_equal(strstr(got, "HTTP/1.1 202 Accepted\r\n"), got);
	assert_non_null(strstr(got, "content-type: application/json\r\n"));
	assert_non_null(strstr(got, "\r\n\r\n{\"id\":\"alert-1\"}"));

	peer_say(fd, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
	a = bench_want(&b, ARRIVAL_ASKED, 1);
	assert_string_equal(a->asked.method, "GET");
	assert_int_equal(a->asked.headers_n, 0);
	assert_int_equal(a->asked.body.n, 0);
	answer(&b, a, 404, "{\"status\":404}");
	answer(&b, a, 500, "twice"); /* the second answer to one ticket goes nowhere */
	read_answer(&b, fd, got, sizeof(got));
	assert_ptr_equal(strstr(got, "HTTP/1.1 404 Not Found\r\n"), got);
	assert_non_null(strstr(got, "content-type: application/problem+json\r\n"));
	/* What comes behind a body ends the connection: libwebsockets would tell of that body's end
	 * for ever. */
	peer_say(fd, "POST /c HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}POST /d HT");
	read_answer(&b, fd, got, sizeof(got));
	assert_string_equal(got, "");
	(void)close(fd);
	bench_close(&b);
}

/* Every method that has a name becomes an arrival, and gets its answer. */
static void test_every_method(void **state)
{
	static const char *const methods[] = { "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD" };
	struct bench b;
	char text[128], got[1024];

	(void)state;
	door_open(&b, 0);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "%s /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
			       methods[i]);
		const int fd = ask(&b, text);
		const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, i);
		assert_string_equal(a->asked.method, methods[i]);
		answer(&b, a, 405, "");
		read_answer(&b, fd, got, sizeof(got));
		assert_ptr_equal(strstr(got, "HTTP/1.1 405 Method Not Allowed\r\n"), got);
		(void)close(fd);
	}
	/* A POST of nothing comes once: libwebsockets calls back for it in three ways. */
	const size_t n = b.n;
	const int fd = ask(&b, "POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
	answer(&b, bench_want(&b, ARRIVAL_ASKED, n), 200, "{}");
	read_answer(&b, fd, got, sizeof(got));
	bench_idle(&b, 30);
	assert_int_equal(b.n, n + 1);
	(void)close(fd);
	bench_close(&b);
}

static void refused(struct bench *b, const char *head, size_t body_n, int status)
{
	char got[1024], line[64];
	const size_t before = bench_count(b, ARRIVAL_ASKED);
	char *body = calloc(1, body_n + 1);
	const int fd = ask(b, head);

	memset(body, 'x', body_n);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)send(fd, body, body_n, MSG_NOSIGNAL);
	(void)fcntl(fd, F_SETFL, 0);
	const struct arrival *a = bench_want(b, ARRIVAL_ASKED, before);
	assert_int_equal(a->asked.refused, status);
	assert_int_equal(a->asked.body.n, 0);
	answer(b, a, status, "{}");
	read_answer(b, fd, got, sizeof(got));
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	assert_ptr_equal(strstr(got, line), got);
	assert_non_null(strstr(got, "connection: close\r\n"));
	(void)send(fd, "x", 1, MSG_NOSIGNAL);
	bench_idle(b, 5);
	if (head[0] == 'G')
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	(void)close(fd);
	free(body);
}

/* The ceilings refuse by name, and the answer arrives although the body was never read. */
static void test_ceilings(void **state)
{
	struct bench b;

	(void)state;
	door_open(&b, 0);
	refused(&b, "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", 20, 411);
	refused(&b,
		"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\ntransfer-encoding: "
		"chunked\r\n\r\n",
		20, 411);
	/* Nobody reads on there, so it is over at once: libwebsockets would run round the rest. */
	refused(&b, "GET /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", 20, 411);
	refused(&b, "POST /a HTTP/1.1\r\nhost: x\r\n\r\n", 20, 411);
	refused(&b, "PUT /a HTTP/1.1\r\nhost: x\r\n\r\n", 0, 411);
	refused(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 262145\r\n\r\n", 262145, 413);
	refused(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n",
		5, 400);
	refused(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n", 5, 400);
	refused(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5x\r\n\r\n", 5, 400);
	assert_int_equal(b.n, 9);
	bench_close(&b);
}

/* The largest body allowed comes whole. */
static void test_largest_body(void **state)
{
	struct bench b;
	char *body = calloc(1, IO_BODY_BYTES_MAX + 1), got[512];

	(void)state;
	for (size_t i = 0; i < IO_BODY_BYTES_MAX; i++)
		body[i] = (char)('a' + i % 23);
	door_open(&b, 0);
	const int fd = ask(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 262144\r\n\r\n");
	for (size_t i = 0; i < IO_BODY_BYTES_MAX; i += 16384) {
		peer_send(fd, body + i, 16384);
		assert_true(io_wait(b.io, io_wall_ms()));
	}
	const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, 0);
	assert_int_equal(a->asked.refused, 0);
	assert_int_equal(a->asked.body.n, IO_BODY_BYTES_MAX);
	assert_memory_equal(a->asked.body.at, body, IO_BODY_BYTES_MAX);
	answer(&b, a, 200, "{}");
	read_answer(&b, fd, got, sizeof(got));
	(void)close(fd);
	free(body);
	bench_close(&b);
}

/* Headers over their ceiling, WebSocket and HTTP/2 upgrades: the connection ends, nothing arrives.
 */
static void test_dropped(void **state)
{
	struct bench b;
	char got[512], head[6200];

	(void)state;
	door_open(&b, 0);
	const int n = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nhost: x\r\nauthorization: ");
	memset(head + n, 'a', 5000);
	(void)snprintf(head + n + 5000, sizeof(head) - (size_t)n - 5000, "\r\n\r\n");
	const char *const texts[] = {
		head,
		"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
		"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
		"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: "
		"h2c\r\n"
		"http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"nonsense\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const int fd = ask(&b, texts[i]);
		read_answer(&b, fd, got, sizeof(got));
		assert_null(strstr(got, "HTTP/1.1 101"));
		(void)close(fd);
	}
	assert_int_equal(b.n, 0);
	bench_close(&b);
}

/* A body that never ends is refused as 408 when its time is up; a request that the turn never
 * answers gets 503. */
static void test_slow(void **state)
{
	struct bench b;
	char got[512];

	(void)state;
	door_open(&b, 300);
	const int fd = ask(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nab");
	for (int i = 0; i < 10 && b.n == 0; i++) { /* dripping does not help */
		bench_idle(&b, 100);
		peer_say(fd, "c");
	}
	const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, 0);
	assert_int_equal(a->asked.refused, 408);
	answer(&b, a, 408, "{}");
	read_answer(&b, fd, got, sizeof(got));
	assert_ptr_equal(strstr(got, "HTTP/1.1 408 "), got);
	(void)close(fd);

	const int other = ask(&b, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
	a = bench_want(&b, ARRIVAL_ASKED, 1);
	read_answer(&b, other, got, sizeof(got));
	assert_ptr_equal(strstr(got, "HTTP/1.1 503 "), got);
	answer(&b, a, 200, "{}"); /* too late: ignored */
	(void)close(other);
	bench_close(&b);
}

/* A full batch: 503 with Retry-After at once, never silence. */
static void test_batch_full(void **state)
{
	struct bench b;
	char got[512];

	(void)state;
	door_open(&b, 0);
	b.room = 0;
	const int fd = ask(&b, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
	read_answer(&b, fd, got, sizeof(got));
	assert_ptr_equal(strstr(got, "HTTP/1.1 503 Service Unavailable\r\n"), got);
	assert_non_null(strstr(got, "retry-after: 1\r\n"));
	(void)close(fd);
	bench_close(&b);
}

/* The peer goes away before the answer: the ticket is forgotten. */
static void test_peer_gone(void **state)
{
	struct bench b;
	char got[512];

	(void)state;
	door_open(&b, 0);
	(void)close(ask(&b, "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"));
	const struct arrival *gone = bench_want(&b, ARRIVAL_ASKED, 0);
	bench_idle(&b, 30);
	const int fd = ask(&b, "GET /b HTTP/1.1\r\nhost: x\r\n\r\n"); /* takes the same slot */
	const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, 1);
	assert_true(a->ticket != gone->ticket);
	answer(&b, gone, 200, "{\"for\":\"a\"}");
	answer(&b, a, 200, "{\"for\":\"b\"}");
	read_answer(&b, fd, got, sizeof(got));
	assert_non_null(strstr(got, "{\"for\":\"b\"}"));
	(void)close(fd);
	bench_close(&b);
}

/* Connection 513 is closed; when one goes, the next may come. */
static void test_connections_max(void **state)
{
	struct bench b;
	int fds[IO_CONNECTIONS_MAX];
	char got[64];

	(void)state;
	door_open(&b, 0);
	for (size_t i = 0; i < IO_CONNECTIONS_MAX; i++) {
		fds[i] = loopback_connect(io_port(b.io));
		if (i % 16 == 0)
			bench_idle(&b, 2);
	}
	bench_idle(&b, 50);
	int fd = ask(&b, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
	read_answer(&b, fd, got, sizeof(got));
	assert_string_equal(got, "");
	(void)close(fd);
	(void)close(fds[7]);
	bench_idle(&b, 50);
	fd = fds[7] = ask(&b, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
	answer(&b, bench_want(&b, ARRIVAL_ASKED, 0), 204, "");
	read_answer(&b, fd, got, sizeof(got));
	assert_ptr_equal(strstr(got, "HTTP/1.1 204 "), got);
	for (size_t i = 0; i < IO_CONNECTIONS_MAX; i++)
		(void)close(fds[i]);
	bench_close(&b);
}

struct local {
	struct local_call call;
	int status;
	struct buf reply;
	enum rc rc;
	struct fail fail;
};
static void *local_main(void *self)
{
	struct local *l = self;

	l->rc = local_post(&l->call, &l->status, &l->reply, &l->fail);
	return NULL;
}

/* The local socket: mode 0600, marked as local, spoken to by the subcommands' client; a stale file
 * is taken over and the end leaves none. */
static void test_local_socket(void **state)
{
	struct bench b;
	struct stat st;
	char folder[] = "/tmp/io-test-XXXXXX", path[64];
	pthread_t thread;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/bot.sock", folder);
	struct local l = { .call = { path, "/v1/alerts/edr", "application/json", STR("{}") },
			   .reply = BUF(64) };
	assert_int_equal(local_post(&l.call, &l.status, &l.reply, &l.fail), RC_ABSENT);
	bench_open(&b, (struct io_options){ .socket_path = path });
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(pthread_create(&thread, NULL, local_main, &l), 0);
	const struct arrival *a = bench_want(&b, ARRIVAL_ASKED, 0);
	assert_true(a->asked.is_local);
	assert_true(str_is(a->asked.body, "{}"));
	answer(&b, a, 202, "{\"id\":\"alert-7\"}");
	bench_idle(&b, 100);
	(void)pthread_join(thread, NULL);
	assert_int_equal(l.rc, RC_OK);
	assert_int_equal(l.status, 202);
	assert_true(str_is(buf_str(&l.reply), "{\"id\":\"alert-7\"}"));
	buf_free(&l.reply);

	l = (struct local){ .call = l.call, .reply = BUF(8) };
	assert_int_equal(pthread_create(&thread, NULL, local_main, &l), 0);
	answer(&b, bench_want(&b, ARRIVAL_ASKED, 1), 202, "{\"id\":\"alert-8\"}");
	bench_idle(&b, 100);
	(void)pthread_join(thread, NULL);
	assert_int_equal(l.rc, RC_TOO_BIG);
	buf_free(&l.reply);
	bench_close(&b);
	assert_int_equal(access(path, F_OK), -1);
	(void)rmdir(folder);
}

/* An address that can't be had is an error with a sentence, not a bot that is silently deaf. */
static void test_cannot_listen(void **state)
{
	struct io *io = NULL;
	struct fail fail = { 0 };
	int port;
	const int fd = loopback_listen(&port);
	const struct io_options taken = { .listen_host = "127.0.0.1",
					  .listen_port = port,
					  .take = bench_take };

	(void)state;
	assert_int_equal(io_open(&taken, &io, &fail), RC_REFUSED);
	assert_non_null(strstr(fail.why, "127.0.0.1"));
	const struct io_options nowhere = { .listen_host = "203.0.113.1", .take = bench_take };
	assert_int_equal(io_open(&nowhere, &io, &fail), RC_REFUSED);
	const struct io_options no_path = { .socket_path = "/no/such/folder/s",
					    .take = bench_take };
	assert_int_equal(io_open(&no_path, &io, &fail), RC_REFUSED);
	assert_null(io);
	(void)close(fd);
}

/* SIGTERM is an arrival; a wake-up comes at its time; a due time that has passed does not wait. */
static void test_stop_and_time(void **state)
{
	struct bench b;

	(void)state;
	door_open(&b, 0);
	const int64_t start_ms = io_wall_ms();
	assert_true(io_wait(b.io, start_ms + 120));
	assert_true(io_wall_ms() >= start_ms + 120);
	assert_true(io_wall_ms() < start_ms + 2000);
	assert_true(io_wait(b.io, start_ms));
	assert_int_equal(b.n, 0);
	(void)kill(getpid(), SIGTERM);
	assert_true(io_wait(b.io, INT64_MAX));
	assert_int_equal(bench_count(&b, ARRIVAL_STOP), 1);
	bench_close(&b);
}

/* The crumb is there for the next life. */
static void test_crumb(void **state)
{
	char folder[] = "/tmp/io-test-XXXXXX", path[64];
	struct fail fail = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/crumb", folder);
	char *crumb = crumb_map(path, 64, &fail);
	assert_non_null(crumb);
	assert_int_equal(crumb[0], 0);
	(void)snprintf(crumb, 64, "alert 17");
	crumb_unmap(crumb, 64);
	crumb = crumb_map(path, 64, &fail);
	assert_string_equal(crumb, "alert 17");
	crumb_unmap(crumb, 64);
	(void)unlink(path);
	(void)rmdir(folder);
	assert_null(crumb_map(path, 64, &fail));
	assert_int_equal(fail.rc, RC_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_requests_one_connection),
		cmocka_unit_test(test_every_method),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_largest_body),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_batch_full),
		cmocka_unit_test(test_peer_gone),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_local_socket),
		cmocka_unit_test(test_cannot_listen),
		cmocka_unit_test(test_stop_and_time),
		cmocka_unit_test(test_crumb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
