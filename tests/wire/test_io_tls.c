/* TLS and the proxy: whose certificate is taken, and what the proxy is asked for. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io_ws_peer.h"

struct tls {
	char ca[64];
	SSL_CTX *ctx;
};

/* A certificate that is its own authority, for that name. */
static void tls_make(struct tls *t, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	char alt[80];

	(void)snprintf(alt, sizeof(alt), "DNS:%s", name);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	(void)X509_set_version(x, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	(void)X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
					 -1, 0);
	(void)X509_set_issuer_name(x, n);
	(void)X509_set_pubkey(x, key);
	(void)X509_add_ext(x, ext, -1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	(void)snprintf(t->ca, sizeof(t->ca), "/tmp/io-test-ca-XXXXXX");
	FILE *f = fdopen(mkstemp(t->ca), "w");
	assert_true(f != NULL && PEM_write_X509(f, x) == 1 && fclose(f) == 0);
	t->ctx = SSL_CTX_new(TLS_server_method());
	assert_true(SSL_CTX_use_certificate(t->ctx, x) == 1 &&
		    SSL_CTX_use_PrivateKey(t->ctx, key) == 1);
	X509_EXTENSION_free(ext);
	X509_free(x);
	EVP_PKEY_free(key);
}
static void tls_free(struct tls *t)
{
	(void)unlink(t->ca);
	SSL_CTX_free(t->ctx);
}

/* Upgrades, says {"type":"hello"}, waits for the Close; or answers a POST. */
static void play_tls(struct peer *p)
{
	struct tls *t = p->more;
	char answer[512];
	size_t n = 0;
	const int fd = peer_accept(p->listener);
	SSL *ssl = SSL_new(t->ctx);

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

static int lookup_loopback(const char *host, unsigned nth, char numeric[IO_ADDRESS_MAX])
{
	(void)host;
	(void)nth;
	(void)snprintf(numeric, IO_ADDRESS_MAX, "127.0.0.1");
	return 0;
}

static void tls_story(const char *name, const char *ca_of, bool is_up)
{
	struct bench b;
	struct peer p;
	struct tls server = { .ctx = NULL }, other = { .ctx = NULL };
	char url[64];

	tls_make(&server, "slack.example");
	tls_make(&other, "slack.example");
	peer_start_with(&p, play_tls, &server);
	bench_open(&b, (struct io_options){ .lookup = lookup_loopback,
					    .ca_file = ca_of ? server.ca : other.ca });
	(void)snprintf(url, sizeof(url), "wss://%s:%d/", name, p.port);
	b.net->dial(b.net->self, 5, url);
	if (is_up) {
		(void)bench_want(&b, ARRIVAL_OPENED, 0);
		assert_true(str_is(bench_want(&b, ARRIVAL_FRAME, 0)->frame, "{}"));
		b.net->hang_up(b.net->self, 5, 1000);
	}
	(void)bench_want(&b, ARRIVAL_CLOSED, 0);
	assert_int_equal(bench_count(&b, ARRIVAL_OPENED), is_up);
	bench_close(&b);
	peer_join(&p);
	tls_free(&server);
	tls_free(&other);
}

static void test_tls(void **state)
{
	(void)state;
	tls_story("slack.example", "server", true);
}
static void test_tls_wrong_name(void **state)
{
	(void)state;
	tls_story("evil.example", "server", false);
}
static void test_tls_unknown_authority(void **state)
{
	(void)state;
	tls_story("slack.example", NULL, false);
}

/* The same for requests: localhost is the name that needs no resolver. */
static void https_story(const char *name, bool is_answered)
{
	struct bench b;
	struct peer p;
	struct tls server = { .ctx = NULL };
	char url[64];

	tls_make(&server, name);
	peer_start_with(&p, play_tls, &server);
	bench_open(&b, (struct io_options){ .ca_file = server.ca });
	(void)snprintf(url, sizeof(url), "https://localhost:%d/", p.port);
	const struct request rq = { .method = "POST",
				    .url = url,
				    .body = STR_INIT("{}"),
				    .timeout_ms = 5000,
				    .reply_bytes_max = 100 };
	b.net->http(b.net->self, 1, &rq);
	const struct arrival *a = bench_want(&b, ARRIVAL_REPLY, 0);
	assert_int_equal(a->reply.status, is_answered ? 200 : 0);
	assert_false(a->reply.may_have_happened);
	bench_close(&b);
	peer_join(&p);
	tls_free(&server);
}
static void test_https(void **state)
{
	(void)state;
	https_story("localhost", true);
	https_story("evil.example", false);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_wrong_name),
		cmocka_unit_test(test_tls_unknown_authority),
		cmocka_unit_test(test_https),
		cmocka_unit_test(test_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
