/* io_certs: an authority of our own and the certificates that a server may show, made by the test
 * itself: nothing lies in the tree, and their time counts from now. Included by
 * tests/wire/test_io_*.c only. */
#ifndef TESTS_WIRE_IO_CERTS_H
#define TESTS_WIRE_IO_CERTS_H
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io_bench.h"

enum { DAY_S = 24 * 3600 };

struct authority {
	EVP_PKEY *key;
	X509 *cert;
	char file[64]; /* what a client is told to trust */
};
struct showing { /* how a server's certificate comes to be */
	const char *name;
	long from_s, to_s; /* of its validity, from now */
};

static inline void put_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_true(ext != NULL && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

/* Signed by nobody yet. */
static inline X509 *cert_new(EVP_PKEY *key, const char *common_name, long from_s, long to_s)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	assert_true(X509_set_version(x, X509_VERSION_3) == 1 &&
		    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++) == 1 &&
		    X509_gmtime_adj(X509_getm_notBefore(x), from_s) != NULL &&
		    X509_gmtime_adj(X509_getm_notAfter(x), to_s) != NULL &&
		    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
					       (const unsigned char *)common_name, -1, -1,
					       0) == 1 &&
		    X509_set_pubkey(x, key) == 1);
	return x;
}

static inline void file_of(X509 *x, char path[64])
{
	(void)snprintf(path, 64, "/tmp/io-test-ca-XXXXXX");
	FILE *f = fdopen(mkstemp(path), "w");
	assert_true(f != NULL && PEM_write_X509(f, x) == 1 && fclose(f) == 0);
}

static inline void authority_make(struct authority *a, const char *name)
{
	a->key = EVP_EC_gen("P-256");
	a->cert = cert_new(a->key, name, -DAY_S, DAY_S);
	put_extension(a->cert, NID_basic_constraints, "critical,CA:TRUE");
	put_extension(a->cert, NID_key_usage, "critical,keyCertSign");
	assert_true(X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert)) == 1 &&
		    X509_sign(a->cert, a->key, EVP_sha256()) > 0);
	file_of(a->cert, a->file);
}

static inline void authority_free(struct authority *a)
{
	(void)unlink(a->file);
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

/* A server that shows such a certificate, signed by that authority; by nobody but itself: NULL. */
static inline SSL_CTX *server_new(const struct authority *by, const struct showing *how)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = cert_new(key, "server", how->from_s, how->to_s);
	char alt[80];

	(void)snprintf(alt, sizeof(alt), "DNS:%s", how->name);
	put_extension(x, NID_subject_alt_name, alt);
	assert_true(X509_set_issuer_name(x, X509_get_subject_name(by ? by->cert : x)) == 1 &&
		    X509_sign(x, by ? by->key : key, EVP_sha256()) > 0 &&
		    SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}
#endif
