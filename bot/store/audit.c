/* audit: one record more at the end of the chain, and the marks by which its end is known again.
 * Called by apply.c, inside the transaction of the change; by turn and main for key, chance and
 * marks. Never changes a record that is written, and never stores the key. */
#include "store/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SALT_BYTES = 16, SIGNED_MAX = 8192, DIGITS = 24 };

void store_audit_key(struct store *s, const struct secret *key) { s->audit_key = *key; }
void store_chance(struct store *s, const struct chance *chance) { s->chance = *chance; }

/* Lengths in front, so that no two lists of fields read alike; the label keeps records, heads and
 * anchors apart. False: longer than any record can be. */
bool audit_mac(struct str key, const char *label, const struct str *fields, size_t n,
	       char out[AUDIT_HEX])
{
	CLEANUP(buf_free) struct buf b = BUF(SIGNED_MAX);
	uint8_t mac[MAC_BYTES];

	buf_addf(&b, "securitybot audit %s %zu;", label, n);
	for (size_t i = 0; i < n; i++) {
		buf_addf(&b, "%zu:", fields[i].n);
		buf_add(&b, fields[i]);
	}
	if (b.broken)
		return false;
	hmac_sha256(key, buf_str(&b), mac);
	hex_encode(mac, sizeof mac, out);
	return true;
}

/* The salt has one length, so where the words begin is known. */
void audit_detail_digest(struct str salt, struct str detail, char out[AUDIT_HEX])
{
	CLEANUP(buf_free) struct buf b = BUF(salt.n + detail.n + 1);
	uint8_t digest[MAC_BYTES];

	buf_add(&b, salt);
	buf_add(&b, detail);
	sha256(buf_str(&b), digest);
	hex_encode(digest, sizeof digest, out);
}

/* --- the head --- */

void audit_hex(sqlite3_stmt *st, int column, char out[AUDIT_HEX])
{
	const char *z = (const char *)sqlite3_column_text(st, column);

	(void)snprintf(out, AUDIT_HEX, "%s", z ? z : "");
}

static void row_head(struct store *s, sqlite3_stmt *st, void *into)
{
	struct head *h = into;

	(void)s;
	h->first = sqlite3_column_int64(st, 0);
	h->last = sqlite3_column_int64(st, 1);
	audit_hex(st, 2, h->digest);
	audit_hex(st, 3, h->mac);
}

enum rc audit_head(struct store *s, struct head *out, struct fail *fail)
{
	struct head h = { .first = 0 };
	const enum rc rc = run(s, SQL_AUDIT_HEAD, NULL, &(struct rows){ row_head, &h }, fail);

	if (rc == RC_OK)
		*out = h;
	return rc;
}

static void head_mac(const struct store *s, const struct head *h, char out[AUDIT_HEX])
{
	char first[DIGITS], last[DIGITS];

	(void)snprintf(first, sizeof first, "%" PRId64, h->first);
	(void)snprintf(last, sizeof last, "%" PRId64, h->last);
	const struct str fields[] = { str_z(first), str_z(last), str_z(h->digest) };
	(void)audit_mac(secret_str(&s->audit_key), "head", fields, 3, out);
}

bool audit_head_is_ours(const struct store *s, const struct head *h)
{
	char mac[AUDIT_HEX];

	head_mac(s, h, mac);
	return str_same_secret(str_z(mac), str_z(h->mac));
}

/* --- a record --- */

struct record {
	int64_t seq, at_ms;
	const char *actor, *action, *object, *detail;
};

static void make_salt(const struct store *s, int64_t seq, char out[2 * SALT_BYTES + 1])
{
	char key[sizeof s->chance.bytes], label[64];
	uint8_t mac[MAC_BYTES];

	memcpy(key, s->chance.bytes, sizeof key);
	(void)snprintf(label, sizeof label, "salt of audit record %" PRId64, seq);
	hmac_sha256((struct str){ key, sizeof key }, str_z(label), mac);
	hex_encode(mac, SALT_BYTES, out);
}

/* The row first: the detail refers to it. */
static enum rc write_record(struct store *s, const struct record *r, struct head *h,
			    struct fail *fail)
{
	char seq[DIGITS], at[DIGITS], detail_digest[AUDIT_HEX] = "", digest[AUDIT_HEX];
	const bool has_detail = r->detail && r->detail[0];
	char salt[2 * SALT_BYTES + 1];

	if (has_detail) {
		make_salt(s, r->seq, salt);
		audit_detail_digest(str_z(salt), str_z(r->detail), detail_digest);
	}
	(void)snprintf(seq, sizeof seq, "%" PRId64, r->seq);
	(void)snprintf(at, sizeof at, "%" PRId64, r->at_ms);
	const struct str fields[AUDIT_FIELDS] = { str_z(seq),       str_z(at),
						  str_z(r->actor),  str_z(r->action),
						  str_z(r->object), str_z(detail_digest),
						  str_z(h->digest) };
	if (!audit_mac(secret_str(&s->audit_key), "record", fields, AUDIT_FIELDS, digest))
		return FAIL(fail, RC_REFUSED, "an audit record is over %d bytes", SIGNED_MAX);
	enum rc rc = run(s, SQL_AUDIT_NEW,
			 WITH(NUM(r->seq), NUM(r->at_ms), TXT(r->actor), TXT(r->action),
			      TXT(r->object), TXT(detail_digest), TXT(h->digest), TXT(digest)),
			 NULL, fail);
	if (rc == RC_OK && has_detail)
		rc = run(s, SQL_AUDIT_DETAIL, WITH(NUM(r->seq), TXT(r->detail), TXT(salt)), NULL,
			 fail);
	if (rc != RC_OK)
		return rc;
	h->first = h->first ? h->first : r->seq;
	h->last = r->seq;
	memcpy(h->digest, digest, sizeof digest);
	head_mac(s, h, h->mac);
	return run(s, SQL_AUDIT_HEAD_PUT,
		   WITH(NUM(h->first), NUM(h->last), TXT(h->digest), TXT(h->mac)), NULL, fail);
}

/* Records of before the chain stay as they are; that it begins behind them is its first record. */
static enum rc begin_chain(struct store *s, struct record *next, struct head *h, struct fail *fail)
{
	char object[64];
	const struct record first = { .seq = next->seq,
				      .at_ms = next->at_ms,
				      .actor = "bot",
				      .action = "audit.chain_started",
				      .object = object };

	(void)snprintf(object, sizeof object, "records up to %" PRId64, next->seq - 1);
	const enum rc rc = write_record(s, &first, h, fail);
	return rc == RC_OK ? take_id(s, COUNTER_AUDIT, &next->seq, fail) : rc;
}

enum rc audit_append(struct store *s, const struct change *c, int64_t now_ms, struct fail *fail)
{
	struct record r = { .at_ms = now_ms,
			    .actor = c->as.audit.actor,
			    .action = c->as.audit.action,
			    .object = c->as.audit.object,
			    .detail = c->as.audit.detail };
	struct head h;
	enum rc rc = audit_head(s, &h, fail);

	if (rc == RC_OK)
		rc = take_id(s, COUNTER_AUDIT, &r.seq, fail);
	if (rc == RC_OK && h.first == 0 && r.seq > 1)
		rc = begin_chain(s, &r, &h, fail);
	return rc == RC_OK ? write_record(s, &r, &h, fail) : rc;
}

/* --- marks --- */

enum rc store_audit_mark(struct store *s, struct audit_mark *out, struct fail *fail)
{
	struct head h;
	const enum rc rc = audit_head(s, &h, fail);

	if (rc != RC_OK)
		return rc;
	*out = (struct audit_mark){ .seq = h.last };
	memcpy(out->digest, h.digest, sizeof out->digest);
	return RC_OK;
}

static void anchor_mac(const struct secret *key, struct str seq, struct str digest,
		       char out[AUDIT_HEX])
{
	const struct str fields[] = { seq, digest };

	(void)audit_mac(secret_str(key), "anchor", fields, 2, out);
}

void anchor_make(const struct secret *key, const struct audit_mark *mark, char out[ANCHOR_MAX])
{
	char seq[DIGITS], mac[AUDIT_HEX];

	(void)snprintf(seq, sizeof seq, "%" PRId64, mark->seq);
	anchor_mac(key, str_z(seq), str_z(mark->digest), mac);
	(void)snprintf(out, ANCHOR_MAX, "%s %s %s\n", seq, mark->digest, mac);
}

enum rc anchor_read(const struct secret *key, struct str text, struct audit_mark *out,
		    struct fail *fail)
{
	struct str seq, rest, digest, mac;
	char wanted[AUDIT_HEX];
	int64_t n = 0;

	text = str_trim(text);
	if (!str_cut(text, ' ', &seq, &rest) || !str_cut(rest, ' ', &digest, &mac) ||
	    !str_int(seq, &n) || n <= 0 || digest.n != AUDIT_HEX - 1)
		return FAIL(fail, RC_MALFORMED, "the anchor is not one");
	anchor_mac(key, seq, digest, wanted);
	if (!str_same_secret(mac, str_z(wanted)))
		return FAIL(fail, RC_MALFORMED, "the anchor was altered, or made with another key");
	out->seq = n;
	memcpy(out->digest, digest.at, digest.n);
	out->digest[digest.n] = '\0';
	return RC_OK;
}
