/* TLS and the proxy: whose certificate is taken, what is said when it is not, and what the proxy is
 * asked for. Both libraries are told the same story: a WebSocket (libwebsockets), a request
 * (libcurl). */
#include "io_certs.h"
#include "io_ws_peer.h"

/* What the client finds at the address that it was given. */
enum found { RIGHT, OTHER_NAME, EXPIRED, NOT_YET, OTHER_AUTHORITY, OWN_AUTHORITY, OLD_TLS, NO_TLS };
static const struct {
	struct showing shows;
	const char *by_socket, *by_request; /* words in what is said; NULL = it is taken */
} found[] = {
	[RIGHT] = { { "localhost", -DAY_S, DAY_S }, NULL, NULL },
	[OTHER_NAME] = { { "evil.example", -DAY_S, DAY_S },
			 "hostname mismatch",
			 "no alternative certificate subject name matches" },
	[EXPIRED] = { { "localhost", -2 * DAY_S, -DAY_S },
		      "certificate has expired",
		      "certificate has expired" },
	[NOT_YET] = { { "localhost", DAY_S, 2 * DAY_S },
		      "certificate is not yet valid",
		      "certificate is not yet valid" },
	[OTHER_AUTHORITY] = { { "localhost", -DAY_S, DAY_S },
			      "unable to get local issuer certificate",
			      "unable to get local issuer certificate" },
	[OWN_AUTHORITY] = { { "localhost", -DAY_S, DAY_S },
			    "self-signed certificate",
			    "self-signed certificate" },
	[OLD_TLS] = { { "localhost", -DAY_S, DAY_S }, "TLS 1.2 or newer", "protocol version" },
	[NO_TLS] = { { "localhost", -DAY_S, DAY_S }, "TLS 1.2 or newer", "wrong version number" },
};

struct world {
	struct authority ours, theirs;
	SSL_CTX *server;
	struct peer peer;
	struct bench bench;
};

/* Upgrades, says {}, waits for the Close; or answers a POST. What it hears in clear is in seen. */
static void play_tls(struct peer *p)
{
	char answer[512];
	size_t n = 0;
	const int fd = peer_accept(p->listener);
	SSL *ssl = SSL_new(p->more);

	(void)SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		while (n < sizeof(p->seen) - 1 && strstr(p->seen, "\r\n\r\n") == NULL &&
		       SSL_read(ssl, p->seen + n, 1) == 1)
			n++;
		if (n > 0 && p->seen[0] == 'P') {
			(void)snprintf(answer, sizeof(answer),
				       "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
		} else {
			upgrade_answer(p->seen, answer, sizeof(answer));
			const size_t m = strlen(answer);
			(void)snprintf(answer + m, sizeof(answer) - m, "\x81\x02{}");
		}
		(void)SSL_write(ssl, answer, (int)strlen(answer));
		unsigned char close_frame[8];
		p->count = SSL_read(ssl, close_frame, sizeof(close_frame));
	}
	SSL_free(ssl);
	(void)close(fd);
}

/* Would talk to whoever does not insist on TLS. */
static void play_in_clear(struct peer *p)
{
	const int fd = peer_accept(p->listener);

	peer_say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
	(void)peer_read_head(fd, p->seen, sizeof(p->seen));
	(void)close(fd);
}

static int lookup_loopback(const char *host, unsigned nth, char numeric[IO_ADDRESS_MAX])
{
	(void)host;
	(void)nth;
	(void)snprintf(numeric, IO_ADDRESS_MAX, "127.0.0.1");
	return 0;
}

static void set_up(struct world *w, enum found what, bool trusts_us)
{
	authority_make(&w->ours, "ours");
	authority_make(&w->theirs, "theirs");
	w->server = server_new(what == OWN_AUTHORITY     ? NULL
			       : what == OTHER_AUTHORITY ? &w->theirs
							 : &w->ours,
			       &found[what].shows);
	if (what == OLD_TLS) /* and ciphers that go with it */
		assert_true(SSL_CTX_set_min_proto_version(w->server, TLS1_VERSION) == 1 &&
			    SSL_CTX_set_max_proto_version(w->server, TLS1_1_VERSION) == 1 &&
			    SSL_CTX_set_cipher_list(w->server, "DEFAULT@SECLEVEL=0") == 1);
	if (!trusts_us) /* io forgets it, for it would count for one library only */
		(void)setenv("SSL_CERT_FILE", w->ours.file, 1);
	peer_start_with(&w->peer, what == NO_TLS ? play_in_clear : play_tls, w->server);
	bench_open(&w->bench, (struct io_options){ .lookup = lookup_loopback,
						   .ca_file = trusts_us ? w->ours.file : NULL });
}

static void tear_down(struct world *w)
{
	bench_close(&w->bench);
	peer_join(&w->peer);
	SSL_CTX_free(w->server);
	authority_free(&w->ours);
	authority_free(&w->theirs);
}

/* Refused: says why, and does not try again in another way. */
static void refused(const struct world *w, enum found what, const char *said, const char *words)
{
	if (words == NULL || strstr(said, words) == NULL)
		fail_msg("found %d: it says: %s", (int)what, said);
	struct pollfd again = { .fd = w->peer.listener, .events = POLLIN };
	assert_int_equal(poll(&again, 1, 0), 0);
}

static void socket_story(enum found what, bool trusts_us, const char *words)
{
	struct world w;
	struct bench *b = &w.bench;
	char url[64];

	set_up(&w, what, trusts_us);
	(void)snprintf(url, sizeof(url), "wss://localhost:%d/", w.peer.port);
	b->net->dial(b->net->self, 5, url);
	if (words == NULL) {
		(void)bench_want(b, ARRIVAL_OPENED, 0);
		assert_true(str_is(bench_want(b, ARRIVAL_FRAME, 0)->frame, "{}"));
		b->net->hang_up(b->net->self, 5, 1000);
	}
	const char *said = bench_want(b, ARRIVAL_CLOSED, 0)->frame.at;
	if (words == NULL)
		assert_string_equal(said, "hung up");
	else
		refused(&w, what, said, words);
	assert_int_equal(bench_count(b, ARRIVAL_OPENED), words == NULL);
	tear_down(&w);
	assert_int_equal(strstr(w.peer.seen, "HTTP/1.1") != NULL, words == NULL);
}

static void request_story(enum found what, bool trusts_us, const char *words)
{
	struct world w;
	struct bench *b = &w.bench;
	char url[64];

	set_up(&w, what, trusts_us);
	(void)snprintf(url, sizeof(url), "https://localhost:%d/", w.peer.port);
	const struct request rq = { .method = "POST",
				    .url = url,
				    .body = STR_INIT("{}"),
				    .timeout_ms = PATIENCE_MS,
				    .reply_bytes_max = 100 };
	b->net->http(b->net->self, 1, &rq);
	const struct arrival *a = bench_want(b, ARRIVAL_REPLY, 0);
	assert_int_equal(a->reply.status, words == NULL ? 200 : 0);
	assert_false(a->reply.may_have_happened);
	if (words != NULL)
		refused(&w, what, a->reply.error, words);
	tear_down(&w);
	assert_int_equal(strstr(w.peer.seen, "HTTP/1.1") != NULL, words == NULL);
}

static void test_sockets(void **state)
{
	(void)state;
	for (enum found what = RIGHT; what <= NO_TLS; what++)
		socket_story(what, true, found[what].by_socket);
}

static void test_requests(void **state)
{
	(void)state;
	for (enum found what = RIGHT; what <= NO_TLS; what++)
		request_story(what, true, found[what].by_request);
}

/* Without ca_file the system's authorities count, and ours is none of them. */
static void test_system_authorities(void **state)
{
	(void)state;
	socket_story(RIGHT, false, "unable to get local issuer certificate");
	request_story(RIGHT, false, "unable to get local issuer certificate");
}

/* A file that is not there, or holds none: no start, rather than a start that trusts others. */
static void test_no_authorities(void **state)
{
	static const char *const files[] = { "/nowhere/ca.pem", "/dev/null" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct io_options o = { .ca_file = files[i], .take = bench_take };
		struct fail fail = { 0 };
		struct io *io = NULL;
		assert_int_equal(io_open(&o, &io, &fail), RC_REFUSED);
		assert_non_null(strstr(fail.why, files[i]));
	}
}

/* Through the configured proxy: it is asked for a tunnel to the name. */
static void play_proxy(struct peer *p)
{
	char head[4096], answer[512];
	const int fd = peer_accept(p->listener);

	if (peer_read_head(fd, p->seen, sizeof(p->seen))) {
		peer_say(fd, "HTTP/1.1 200 Connection established\r\n\r\n");
		if (peer_read_head(fd, head, sizeof(head))) {
			upgrade_answer(head, answer, sizeof(answer));
			peer_say(fd, answer);
			p->code = hear_close(fd);
		}
	}
	(void)close(fd);
}

static void test_proxy(void **state)
{
	struct bench b;
	struct peer p;
	char proxy[64];

	(void)state;
	peer_start(&p, play_proxy);
	(void)snprintf(proxy, sizeof(proxy), "http://me:pass@proxy.example:%d", p.port);
	bench_open(&b, (struct io_options){ .proxy = proxy, .lookup = lookup_loopback });
	b.net->dial(b.net->self, 5, "ws://wss-primary.example/link");
	(void)bench_want(&b, ARRIVAL_OPENED, 0);
	bench_close(&b);
	peer_join(&p);
	assert_ptr_equal(strstr(p.seen, "CONNECT wss-primary.example:80 HTTP/1.1\r\n"), p.seen);
	assert_non_null(strcasestr(p.seen, "Proxy-authorization: basic bWU6cGFzcw=="));
	assert_int_equal(p.code, 1001);
}

/* The system's policy may forbid more than we do; here it allows all, so that what is refused is
 * refused by us. Not under valgrind: OpenSSL 3.0 keeps a lock for good once it has read a policy.
 */
static void allow_all(void)
{
	if (getenv("UNDER") != NULL)
		return;
	char path[] = "/tmp/io-test-policy-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");

	(void)fputs("openssl_conf = c\n[c]\nssl_conf = s\n[s]\nsystem_default = d\n"
		    "[d]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n",
		    f);
	(void)fclose(f);
	(void)setenv("OPENSSL_CONF", path, 1);
	(void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_system_authorities),
		cmocka_unit_test(test_no_authorities),
		cmocka_unit_test(test_proxy),
	};

	allow_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
