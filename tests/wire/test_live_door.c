/* E46, forged input: the real bot and whatever a stranger may send it. Bad bodies, bad signatures,
 * too much, too slow, too many: each is refused with its reason, nothing is stored, the memory
 * stays bounded, and a good alert comes in all the while. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/mac.h"
#include "lib/live.h"

#define URL_SECRET "live-door-0123456789abcdef0123456789"
#define KEY_OLD    "live-door-old-key"
#define KEY_NEW    "live-door-new-key"
enum { PATIENCE_S = 15, CROWD = 600, DOOR_MAX = 512, REPLY_MAX = 65536, MEMORY_MAX_KB = 96 * 1024 };

#ifdef __SANITIZE_ADDRESS__
static const bool has_sanitizer = true;
#else
static const bool has_sanitizer = false;
#endif

struct door_world {
	struct live *live;
	int port;
	struct buf reply; /* the newest answer, head and body */
};

/* --- the bot with sources of every kind --- */

static void add_sources(struct live *l)
{
	static const char more[] =
		"  hooks: {hmac: {secret: [\"${secret:DOOR_NEW}\", \"${secret:DOOR_OLD}\"], "
		"header: "
		"X-Signature, timestamp: x-timestamp, id: x-delivery, prefix: \"sha256=\"}}\n"
		"  splunk: {url_secret: \"${secret:DOOR_URL}\"}\n"
		"  many: {bearer: \"${secret:LIVE_SOURCE_TOKEN}\", each: data.events}\n"
		"people:";
	CLEANUP(buf_free) struct buf b = BUF(1 << 16);
	char text[8192];
	FILE *f = fopen(live_file(l, "securitybot.yaml"), "re");
	assert_non_null(f);
	const size_t n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	const char *at = strstr(text, "people:");
	assert_non_null(at);
	buf_add(&b, (struct str){ text, (size_t)(at - text) });
	buf_addz(&b, more);
	buf_addz(&b, at + strlen("people:"));
	f = fopen(live_file(l, "securitybot.yaml"), "we");
	assert_true(f && fwrite(b.at, 1, b.n, f) == b.n && fclose(f) == 0);
}

static int set_up_with(void **state, unsigned files)
{
	static const char *const env[] = { "DOOR_URL=" URL_SECRET, "DOOR_OLD=" KEY_OLD,
					   "DOOR_NEW=" KEY_NEW, NULL };
	const struct live_options o = { .env = env, .files = files };
	struct door_world *w = calloc(1, sizeof(*w));
	w->reply = BUF(REPLY_MAX);
	*state = w;
	w->live = live_open(&o);
	if (!w->live)
		return -1;
	add_sources(w->live);
	live_playbook(w->live, "process", NULL, 0);
	live_bot_start(w->live);
	live_bot_ready(w->live);
	w->port = (int)strtol(strstr(live_log(w->live), "door.listening port=") + 20, NULL, 10);
	return 0;
}

static int set_up(void **state) { return set_up_with(state, 0); }
/* valgrind lets no child have another limit than its own. */
static int set_up_few(void **state)
{
	return set_up_with(state, live_slow() > 1 ? 0 : DOOR_MAX / 2);
}

static int tear_down(void **state)
{
	struct door_world *w = *state;
	live_close(w->live);
	buf_free(&w->reply);
	free(w);
	return 0;
}

/* --- a sender that can do everything wrong --- */

static int call(const struct door_world *w)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)w->port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct timeval wait = { .tv_sec = PATIENCE_S };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static bool say(int fd, struct str s)
{
	while (s.n > 0) {
		const ssize_t n = send(fd, s.at, s.n, MSG_NOSIGNAL);
		if (n <= 0)
			return false; /* he hung up: his answer is still to be read */
		s = (struct str){ s.at + n, s.n - (size_t)n };
	}
	return true;
}

/* The status of the answer in w->reply; 0 = the connection ended without one. */
static int hear(struct door_world *w, int fd)
{
	char piece[4096];
	buf_clear(&w->reply);
	for (ssize_t n; (n = recv(fd, piece, sizeof(piece), 0)) > 0;) {
		buf_add(&w->reply, (struct str){ piece, (size_t)n });
		const char *text = buf_z(&w->reply), *end = strstr(text, "\r\n\r\n"),
			   *length = strstr(text, "content-length:");
		if (end && length && strlen(end + 4) >= strtoul(length + 15, NULL, 10))
			break;
	}
	const char *text = buf_z(&w->reply);
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static int send_all(struct door_world *w, const char *head, struct str body)
{
	CLEANUP(buf_free) struct buf b = BUF(1 << 16);
	const int fd = call(w);
	buf_addf(&b, "%sHost: x\r\nContent-Length: %zu\r\n\r\n", head, body.n);
	(void)(say(fd, buf_str(&b)) && say(fd, body));
	const int status = hear(w, fd);
	(void)close(fd);
	return status;
}

#define POST_TO(path) "POST " path " HTTP/1.1\r\nContent-Type: application/json\r\n"
#define TRUSTED       POST_TO(LIVE_ALERTS_AT) "Authorization: Bearer " LIVE_BEARER "\r\n"

static bool heard(struct door_world *w, const char *words)
{
	return strstr(buf_z(&w->reply), words) != NULL;
}

static void expect(struct door_world *w, int got, int wanted, const char *words)
{
	if (got != wanted || !heard(w, words))
		fail_msg("wanted %d and \"%s\", heard %d: %s", wanted, words, got,
			 buf_z(&w->reply));
	if (wanted >= 400)
		assert_true(heard(w, "application/problem+json") && heard(w, "\"detail\":\""));
}

/* The next id says how many alerts have been stored before. */
static void expect_next(struct door_world *w, const char *body, const char *id)
{
	expect(w, send_all(w, TRUSTED, str_z(body)), 202, id);
}

/* --- stories --- */

/* "malformed, oversized, deep, non-UTF-8, duplicate-key, NUL-bearing JSON; gzip (415)". */
static void test_bodies(void **state)
{
	struct door_world *w = *state;
	static const struct {
		struct str body;
		const char *says;
	} cases[] = {
		{ STR_INIT("{\"a\":"), "byte 5" },
		{ STR_INIT("not JSON"), "byte 0" },
		{ STR_INIT("{\"a\":\"\xc3\x28\"}"), "invalid UTF-8" },
		{ STR_INIT("{\"a\":1,\"b\":2,\"a\":3}"), "duplicate key" },
		{ STR_INIT("{\"a\":\"x\0y\"}"), "byte 7" },
		{ STR_INIT("{\"a\":\"x\\u0000y\"}"), "byte 7" },
		{ STR_INIT("{\"a\":1e400}"), "byte 5" },
		{ STR_INIT("[]"), "a JSON object" },
		{ STR_INIT(""), "byte 0" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(w, send_all(w, TRUSTED, cases[i].body), 400, cases[i].says);
	CLEANUP(buf_free) struct buf deep = BUF(1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_addz(&deep, "{\"a\":");
	expect(w, send_all(w, TRUSTED, buf_str(&deep)), 400, "deep");
	/* A million times zero in a kilobyte: never unpacked. */
	static const char bomb[1024] = { 0x1f, (char)0x8b, 8 };
	expect(w, send_all(w, TRUSTED "Content-Encoding: gzip\r\n", (struct str){ bomb, 1024 }),
	       415, "compressed");
	expect(w,
	       send_all(w,
			"POST " LIVE_ALERTS_AT " HTTP/1.1\r\nContent-Type: text/plain\r\n"
			"Authorization: Bearer " LIVE_BEARER "\r\n",
			STR("{}")),
	       415, "application/json");
	expect_next(w, "{\"good\":1}", "\"ids\":[\"alert-1\"]");
	LIVE_UNTIL(w->live, LIVE_PATIENCE,
		   live_messages(live_state(w->live), LIVE_CHANNEL, "Alert without a playbook") ==
			   1);
	assert_int_equal(live_messages(live_state(w->live), LIVE_CHANNEL, "SB-"), 1);
	live_passed(w->live);
}

/* "20 MB body", chunks, a length that lies, headers over their ceiling. */
static void test_sizes(void **state)
{
	struct door_world *w = *state;
	const size_t huge_n = 20 << 20;
	char *huge = calloc(1, huge_n);
	memset(huge, ' ', huge_n);
	expect(w, send_all(w, TRUSTED, (struct str){ huge, huge_n }), 413, "262144 bytes");
	int fd = call(w);
	assert_true(say(fd, STR(TRUSTED "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n")));
	for (size_t i = 0; i < 16 && say(fd, (struct str){ "10000\r\n", 7 }); i++)
		(void)say(fd, (struct str){ huge, 65536 });
	expect(w, hear(w, fd), 411, "Content-Length");
	(void)close(fd);
	fd = call(w);
	assert_true(say(fd, STR(TRUSTED "Host: x\r\nContent-Length: 99999999999\r\n\r\n{}")));
	expect(w, hear(w, fd), 413, "262144 bytes");
	(void)close(fd);
	memset(huge, 'a', 8192);
	fd = call(w);
	(void)say(fd, STR(TRUSTED "Host: x\r\nX-Much: "));
	(void)say(fd, (struct str){ huge, 8192 });
	(void)say(fd, STR("x\r\nContent-Length: 2\r\n\r\n{}"));
	assert_int_equal(hear(w, fd), 0); /* the connection ends */
	(void)close(fd);
	free(huge);
	expect_next(w, "{\"good\":2}", "\"ids\":[\"alert-1\"]");
	live_passed(w->live);
}

/* A request signed as a sender does it; id "" = none. */
static int send_signed(struct door_world *w, const char *key, const char *id, int64_t at_s,
		       const char *body)
{
	CLEANUP(buf_free) struct buf text = BUF(4096), head = BUF(4096);
	uint8_t mac[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];
	buf_addf(&text, "%s.%lld.%s", id, (long long)at_s, body);
	hmac_sha256(str_z(key), buf_str(&text), mac);
	hex_encode(mac, MAC_BYTES, hex);
	buf_addf(&head,
		 POST_TO("/v1/alerts/hooks") "X-Signature: sha256=%s\r\nX-TIMESTAMP: %lld\r\n"
					     "x-delivery: %s\r\n",
		 hex, (long long)at_s, id);
	return send_all(w, buf_z(&head), str_z(body));
}

static int64_t seconds(void)
{
	struct timespec t;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
	return t.tv_sec;
}

#define STRANGER "wrong or missing credentials for this source"

/* "wrong signature, old timestamp, replay, same delivery id with another body". */
static void test_signatures(void **state)
{
	struct door_world *w = *state;
	struct timex clock = { .modes = 0 };
	const bool is_unsure = adjtimex(&clock) == TIME_ERROR;
	const int64_t now_s = seconds();
	expect(w, send_signed(w, "another key", "m-1", now_s, "{\"n\":1}"), 401, STRANGER);
	expect(w, send_all(w, POST_TO("/v1/alerts/hooks"), STR("{\"n\":1}")), 401, STRANGER);
	expect(w, send_all(w, POST_TO("/v1/alerts/nobody"), STR("{\"n\":1}")), 401, STRANGER);
	expect(w, send_signed(w, KEY_OLD, "m-1", now_s, "{\"n\":1}"), 202, "\"alert-1\"");
	expect(w, send_signed(w, KEY_NEW, "m-2", now_s, "{\"n\":2}"), 202, "\"alert-2\"");
	expect(w, send_signed(w, KEY_OLD, "m-1", now_s, "{\"n\":1}"), 200, "\"alert-1\"");
	expect(w, send_signed(w, KEY_OLD, "m-1", now_s, "{\"n\":3}"), 409, "another body");
	assert_int_equal(live_log_count(w->live, "door.conflict source=hooks delivery=m-1"), 1);
	/* Six minutes old; a bot whose host doesn't keep its clock right lets it in and says so. */
	const int old = send_signed(w, KEY_OLD, "m-4", now_s - 360, "{\"n\":4}");
	if (is_unsure)
		expect(w, old, 202, "\"alert-3\"");
	else
		expect(w, old, 401, "too far from our clock");
	assert_int_equal(live_log_count(w->live, "door.odd source=hooks"), 1);
	live_passed(w->live);
}

/* A secret in the URL opens its source only, and shows nowhere; several alerts in one body. */
static void test_urls_and_many(void **state)
{
	struct door_world *w = *state;
	expect(w, send_all(w, POST_TO("/v1/alerts/splunk/" URL_SECRET), STR("{\"n\":1}")), 202,
	       "\"alert-1\"");
	expect(w, send_all(w, POST_TO("/v1/alerts/splunk/" URL_SECRET "x"), STR("{\"n\":1}")), 401,
	       STRANGER);
	expect(w, send_all(w, POST_TO("/v1/alerts/splunk"), STR("{\"n\":1}")), 401, STRANGER);
	expect(w, send_all(w, POST_TO("/v1/alerts/edr/" URL_SECRET), STR("{\"n\":1}")), 401,
	       STRANGER);
	expect(w,
	       send_all(w, POST_TO("/v1/alerts/many") "Authorization: Bearer " LIVE_BEARER "\r\n",
			STR("{\"data\":{\"events\":[{\"n\":1},{\"n\":2}]}}")),
	       202, "\"id\":\"alert-2\",\"ids\":[\"alert-2\",\"alert-3\"],\"status\":\"accepted\"");
	expect(w, send_all(w, "GET /readyz HTTP/1.1\r\n", STR("")), 200, "ready");
	assert_int_equal(live_bot_stop(w->live), 0);
	assert_null(strstr(live_log(w->live), URL_SECRET));
	live_passed(w->live);
}

/* --- many and slow --- */

/* VmHWM of the bot in KiB. */
static long memory_peak(struct live *l)
{
	char path[64], line[256];
	long peak = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)live_bot_pid(l));
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			peak = strtol(line + 6, NULL, 10);
	if (f)
		(void)fclose(f);
	assert_true(peak > 0);
	return peak;
}

static size_t count_open(const int *fds, size_t n)
{
	size_t open_n = 0;
	char c;
	for (size_t i = 0; i < n; i++) {
		const ssize_t k = recv(fds[i], &c, 1, MSG_DONTWAIT);
		open_n += k < 0 && errno == EAGAIN;
	}
	return open_n;
}

static void allow_crowd(void)
{
	struct rlimit files;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max > 4096 ? 4096 : files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

/* Each of the crowd begins a body of the largest size and never ends it, and one drips. "Slow
 * sender: 408; 600 connections: 512 and no more; memory bounded". */
static void test_slow_and_many(void **state)
{
	struct door_world *w = *state;
	static int fds[CROWD];
	static char part[64 * 1024];
	allow_crowd();
	memset(part, ' ', sizeof(part));
	const int64_t begun_ms = live_now_ms();
	const int slow = call(w), slower = call(w);
	assert_true(say(slow, STR(TRUSTED "Host: x\r\nContent-Length: 50\r\n\r\n{")));
	assert_true(say(slower, STR(TRUSTED "Host: x\r\nX-Slow: "))); /* no end of its headers */
	for (size_t i = 0; i < CROWD; i++) {
		fds[i] = call(w);
		(void)(say(fds[i], STR(TRUSTED "Host: x\r\nContent-Length: 262144\r\n\r\n")) &&
		       send(fds[i], part, sizeof(part), MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
	}
	LIVE_UNTIL(w->live, LIVE_PATIENCE, count_open(fds, CROWD) < DOOR_MAX);
	/* Those over 32 MiB of bodies in sum were told 503: they hear it, and are gone. */
	const size_t held = count_open(fds, CROWD);
	assert_true(live_bot_is_alive(w->live));
	for (size_t i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	while (live_now_ms() - begun_ms < 9000 && say(slow, STR(" ")) && say(slower, STR("a")))
		(void)poll(NULL, 0, 500); /* dripping does not help */
	expect(w, hear(w, slow), 408, "longer than its limit");
	assert_int_equal(hear(w, slower), 0); /* the connection ends */
	const int64_t took_ms = live_now_ms() - begun_ms;
	(void)close(slow);
	(void)close(slower);
	const long peak = memory_peak(w->live);
	print_message("%d connections, %zu were held; the slow one was refused after %lld ms; the "
		      "bot's memory peaked at %ld KiB\n",
		      CROWD, held, (long long)took_ms, peak);
	assert_true(took_ms >= 9000 && took_ms < 14000 * live_slow());
	QUOTE("E46.4", "memory bounded", has_sanitizer || live_slow() > 1 || peak < MEMORY_MAX_KB);
	expect(w, send_all(w, "GET /healthz HTTP/1.1\r\n", STR("")), 200, "ok");
	expect(w, send_all(w, "GET /readyz HTTP/1.1\r\n", STR("")), 200, "ready");
	expect_next(w, "{\"good\":3}", "\"ids\":[\"alert-1\"]");
	live_passed(w->live);
}

/* Silent connections: 512 are held and no more, and when they go the next may come. */
static void test_a_silent_crowd(void **state)
{
	struct door_world *w = *state;
	static int fds[CROWD];
	allow_crowd();
	for (size_t i = 0; i < CROWD; i++)
		fds[i] = call(w);
	LIVE_UNTIL(w->live, LIVE_PATIENCE, count_open(fds, CROWD) <= DOOR_MAX);
	const size_t held = count_open(fds, CROWD);
	for (size_t i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	print_message("%d connections, %zu were held\n", CROWD, held);
	assert_true(held > 0);
	LIVE_UNTIL(w->live, LIVE_PATIENCE,
		   send_all(w, "GET /healthz HTTP/1.1\r\n", STR("")) == 200);
	expect_next(w, "{\"good\":4}", "\"ids\":[\"alert-1\"]");
	live_passed(w->live);
}

/* F7. A shell that gives the bot few files, and a crowd that would take them all: what is left is
 * enough for an answer, and for the page that follows. */
static void test_few_files(void **state)
{
	struct door_world *w = *state;
	struct live *l = w->live;
	static int fds[CROWD];
	if (live_slow() > 1) {
		print_message("SKIP: under valgrind\n");
		live_passed(l);
		skip();
	}
	allow_crowd();
	const char *body = live_alert(l, "process", "a1", "homer.simpson@duff.example", 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_button(live_message(live_state(l), "D0HOMER01", "the program a1"), "no"));
	for (size_t i = 0; i < CROWD; i++)
		fds[i] = call(w);
	LIVE_UNTIL(l, LIVE_PATIENCE, count_open(fds, CROWD) < DOOR_MAX / 2);
	assert_true(count_open(fds, CROWD) > 0);
	const struct cJSON *m = live_message(live_state(l), "D0HOMER01", "the program a1");
	const char *envelope = live_click(l, "U0HOMER01", "D0HOMER01", m, "no");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), envelope));
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "SB-1") == 1);
	for (size_t i = 0; i < CROWD; i++)
		(void)close(fds[i]);
	LIVE_UNTIL(l, LIVE_PATIENCE, send_all(w, "GET /healthz HTTP/1.1\r\n", STR("")) == 200);
	assert_int_equal(live_log_count(l, "event=files.few"), 1);
	live_passed(l);
}

/* "no state change": after all that a stranger can try, the file holds nothing but its schema. */
static void test_nothing_is_stored(void **state)
{
	static const char count[] = "SELECT (SELECT COUNT(*) FROM alert) + (SELECT COUNT(*) FROM "
				    "fact) + (SELECT COUNT(*) FROM delivery) + (SELECT COUNT(*) "
				    "FROM casefile) + (SELECT COUNT(*) FROM outgoing)";
	struct door_world *w = *state;
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	const int64_t now_s = seconds();
	for (int i = 0; i < 20; i++) {
		expect(w, send_signed(w, "guess", "m-1", now_s, "{\"n\":1}"), 401, STRANGER);
		expect(w, send_all(w, POST_TO(LIVE_ALERTS_AT), STR("{}")), 401, STRANGER);
		expect(w, send_all(w, POST_TO("/v1/alerts/splunk/guess"), STR("{}")), 401,
		       STRANGER);
		expect(w, send_all(w, TRUSTED, STR("{\"a\":}")), 400, "byte 5");
		expect(w, send_all(w, POST_TO("/v1/local/backup"), STR("{\"path\":\"/tmp/x\"}")),
		       404, "nothing at this path");
	}
	assert_int_equal(live_bot_stop(w->live), 0);
	assert_int_equal(sqlite3_open(live_file(w->live, "securitybot.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, count, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(st, 0), 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	live_passed(w->live);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(test_bodies),
		STORY(test_sizes),
		STORY(test_signatures),
		STORY(test_urls_and_many),
		STORY(test_slow_and_many),
		STORY(test_a_silent_crowd),
		cmocka_unit_test_setup_teardown(test_few_files, set_up_few, tear_down),
		STORY(test_nothing_is_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
