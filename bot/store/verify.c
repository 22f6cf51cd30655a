/* verify: holds the record against its chain and names what does not fit. Called by main's
 * subcommands on a copy or a resting database, and at a start for the ends only. Never writes. */
#include "store/inside.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PAGE_ROWS = 500 };

__attribute__((format(printf, 2, 3))) static void find(struct audit_report *r, const char *format,
						       ...)
{
	char line[256];
	va_list args;

	if (r->findings++ >= AUDIT_FINDINGS_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	r->say(r->self, line);
}

/* --- the stream --- */

struct walk {
	struct audit_report *report;
	int64_t first;          /* where the chain begins; 0 = not known: at the first MAC */
	int64_t seen, last;     /* newest record of any kind; newest of the chain */
	char digest[AUDIT_HEX]; /* of `last` */
	bool is_sound;          /* `last` is what was written */
	size_t rows;            /* of this page */
};

/* Bytes and kind as stored: what only reads the same (1.5 for 1, a blob for a text) is altered. The
 * kind is asked for first: a conversion changes it. */
static bool cell(sqlite3_stmt *st, int column, int kind, struct str *out)
{
	const bool is_right = sqlite3_column_type(st, column) == kind;
	const char *at = (const char *)sqlite3_column_text(st, column);

	*out = (struct str){ at ? at : "", at ? (size_t)sqlite3_column_bytes(st, column) : 0 };
	return is_right;
}

static bool is_as_written(const struct store *s, sqlite3_stmt *st, char digest[AUDIT_HEX])
{
	struct str fields[AUDIT_FIELDS], stored;
	char mac[AUDIT_HEX];
	bool is_right = cell(st, AUDIT_FIELDS, SQLITE_TEXT, &stored);

	audit_hex(st, AUDIT_FIELDS, digest);
	for (int i = 0; i < AUDIT_FIELDS; i++)
		is_right =
			cell(st, i, i < 2 ? SQLITE_INTEGER : SQLITE_TEXT, &fields[i]) && is_right;
	return is_right &&
	       audit_mac(secret_str(&s->audit_key), "record", fields, AUDIT_FIELDS, mac) &&
	       str_same_secret(stored, str_z(mac));
}

/* Absent is fine: retention deletes words. */
static void check_detail(struct walk *w, sqlite3_stmt *st, int64_t seq)
{
	enum { DIGEST = 5, SALT = 8, WORDS = 9 };
	struct str digest, salt, words;
	char made[AUDIT_HEX];

	if (sqlite3_column_type(st, WORDS) == SQLITE_NULL)
		return;
	bool is_right = cell(st, DIGEST, SQLITE_TEXT, &digest);
	is_right = cell(st, SALT, SQLITE_TEXT, &salt) && is_right;
	is_right = cell(st, WORDS, SQLITE_TEXT, &words) && is_right;
	audit_detail_digest(salt, words, made);
	if (digest.n == 0)
		find(w->report, "record %" PRId64 ": a detail was added", seq);
	else if (!is_right || !str_same_secret(digest, str_z(made)))
		find(w->report, "record %" PRId64 ": its detail was altered", seq);
}

/* A gap is one whatever the records on its sides are; who follows whom is asked of sound ones only,
 * so that one altered record is named once. */
static void check_place(struct walk *w, sqlite3_stmt *st, int64_t seq, bool is_sound)
{
	char previous[AUDIT_HEX];
	const int64_t wanted = w->last ? w->last + 1 : w->first ? w->first : seq;

	audit_hex(st, 6, previous);
	if (seq < wanted)
		find(w->report, "record %" PRId64 ": before the beginning of the chain", seq);
	else if (seq > wanted)
		find(w->report, "records missing between %" PRId64 " and %" PRId64, wanted - 1,
		     seq);
	else if (is_sound && w->last && w->is_sound && strcmp(previous, w->digest) != 0)
		find(w->report, "record %" PRId64 ": does not follow record %" PRId64, seq,
		     w->last);
	else if (is_sound && !w->last && previous[0])
		find(w->report, "records missing before %" PRId64, seq);
}

static void row_record(struct store *s, sqlite3_stmt *st, void *into)
{
	struct walk *w = into;
	char digest[AUDIT_HEX];
	const int64_t seq = sqlite3_column_int64(st, 0);
	const bool is_sound = is_as_written(s, st, digest);

	w->rows++;
	w->seen = seq;
	w->report->records++;
	if (!digest[0] && !w->last && (w->first == 0 || seq < w->first)) {
		w->report->unchained++;
		return;
	}
	if (!is_sound)
		find(w->report, "record %" PRId64 ": altered", seq);
	check_place(w, st, seq, is_sound);
	check_detail(w, st, seq);
	w->last = seq;
	w->is_sound = is_sound;
	memcpy(w->digest, digest, sizeof w->digest);
}

enum rc store_audit_verify(struct store *s, const struct audit_mark *anchor, struct audit_report *r,
			   struct fail *fail)
{
	struct walk w = { .report = r };
	struct head h;
	enum rc rc = audit_head(s, &h, fail);

	if (rc == RC_OK && h.first && audit_head_is_ours(s, &h))
		w.first = h.first;
	do {
		w.rows = 0;
		if (rc == RC_OK)
			rc = run(s, SQL_AUDIT_READ, WITH(NUM(w.seen), NUM(PAGE_ROWS)),
				 &(struct rows){ row_record, &w }, fail);
	} while (rc == RC_OK && w.rows == PAGE_ROWS);
	return rc == RC_OK ? store_audit_ends(s, anchor, r, fail) : rc;
}

/* --- one case --- */

struct telling {
	const struct audit_teller *teller;
	int64_t seen;
	size_t rows;
};

static const char *words(sqlite3_stmt *st, int column)
{
	const char *at = (const char *)sqlite3_column_text(st, column);
	return at ? at : "";
}

static void row_of_case(struct store *s, sqlite3_stmt *st, void *into)
{
	struct telling *t = into;
	const struct audit_record r = { .seq = sqlite3_column_int64(st, 0),
					.at_ms = sqlite3_column_int64(st, 1),
					.actor = words(st, 2),
					.action = words(st, 3),
					.object = words(st, 4),
					.detail = words(st, 5) };
	(void)s;
	t->rows++;
	t->seen = r.seq;
	t->teller->tell(t->teller->self, &r);
}

enum rc store_audit_case(struct store *s, int64_t case_id, const struct audit_teller *teller,
			 struct fail *fail)
{
	struct telling t = { .teller = teller };
	enum rc rc = RC_OK;
	do {
		t.rows = 0;
		rc = run(s, SQL_AUDIT_OF_CASE, WITH(NUM(case_id), NUM(t.seen), NUM(PAGE_ROWS)),
			 &(struct rows){ row_of_case, &t }, fail);
	} while (rc == RC_OK && t.rows == PAGE_ROWS);
	if (rc == RC_OK && t.seen == 0)
		return FAIL(fail, RC_ABSENT, "case SB-%" PRId64 ": there is no record of it",
			    case_id);
	return rc;
}

/* --- the ends --- */

static void row_mark(struct store *s, sqlite3_stmt *st, void *into)
{
	struct audit_mark *m = into;

	(void)s;
	m->seq = sqlite3_column_int64(st, 0);
	audit_hex(st, 1, m->digest);
}

static void row_digest(struct store *s, sqlite3_stmt *st, void *into)
{
	(void)s;
	audit_hex(st, 0, into);
}

static void check_head(struct store *s, const struct head *h, const struct audit_mark *last,
		       struct audit_report *r)
{
	if (h->first == 0) {
		if (last->digest[0])
			find(r, "the head is missing");
	} else if (!audit_head_is_ours(s, h)) {
		find(r, "the head does not match: it was altered, or made with another key");
	} else if (last->seq < h->last) {
		find(r,
		     "records missing at the end: the head is at %" PRId64 ", the last at %" PRId64,
		     h->last, last->seq);
	} else if (last->seq > h->last) {
		find(r,
		     "the head does not match: it is at %" PRId64 ", the last record at %" PRId64,
		     h->last, last->seq);
	} else if (strcmp(last->digest, h->digest) != 0) {
		find(r, "the head does not match record %" PRId64, h->last);
	}
}

static enum rc check_anchor(struct store *s, const struct audit_mark *anchor,
			    const struct audit_mark *last, struct audit_report *r,
			    struct fail *fail)
{
	char digest[AUDIT_HEX] = "";

	if (last->seq < anchor->seq) {
		find(r,
		     "shorter than the anchor: it was at %" PRId64
		     ", the last record is at %" PRId64,
		     anchor->seq, last->seq);
		return RC_OK;
	}
	const enum rc rc = run(s, SQL_AUDIT_AT, WITH(NUM(anchor->seq)),
			       &(struct rows){ row_digest, digest }, fail);
	if (rc == RC_OK && strcmp(digest, anchor->digest) != 0)
		find(r, "record %" PRId64 ": not the one of the anchor", anchor->seq);
	return rc;
}

enum rc store_audit_ends(struct store *s, const struct audit_mark *anchor, struct audit_report *r,
			 struct fail *fail)
{
	struct audit_mark last = { .seq = 0 };
	struct head h;
	enum rc rc = audit_head(s, &h, fail);

	if (rc == RC_OK)
		rc = run(s, SQL_AUDIT_LAST, NULL, &(struct rows){ row_mark, &last }, fail);
	if (rc != RC_OK)
		return rc;
	check_head(s, &h, &last, r);
	return anchor ? check_anchor(s, anchor, &last, r, fail) : RC_OK;
}
