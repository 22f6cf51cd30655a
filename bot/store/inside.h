/* inside: what the files of store/ share: the connection, running a named statement, and the few
 * helpers that several of them need. Included by store/ and its tests only. */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H
#include "base/embedded.h"
#include "store/statements.h"
#include "store/store.h"
#include <sqlite3.h>

enum sql {
#define X(name, text) SQL_##name,
	CONTROLS(X) STATEMENTS(X)
#undef X
		SQL_COUNT
};
#define SQL_FIRST_NAMED   SQL_META_GET
#define SQL_FIRST_READING SQL_AUDIT_HEAD
#define SQL_END_READINGS  (SQL_AUDIT_OF_CASE + 1)

struct look {
	struct store *store;
};
struct store {
	sqlite3 *db;
	sqlite3_stmt *prepared[SQL_COUNT];
	struct store_hook hook; /* alive NULL in production */
	struct look look;
	struct arena *arena; /* where reads go */
	bool in_turn;        /* between begin and commit or rollback */
	bool wrote, wrote_at_mark;
	int64_t changed; /* rows changed by the statement run last */
	int64_t next_ms; /* what store_next_due found; nobody else writes, so it holds until we do
			  */
	bool knows_next;
	/* RC_OK; RC_FULL: this transaction can only be rolled back; RC_BROKEN: for good. */
	enum rc sick;
	struct fail illness; /* the sentence of what made it so */
	int wal_pages;       /* in the log since the last checkpoint */
	struct secret audit_key;
	struct chance chance; /* this turn's, for salts */
	bool holds_slack;     /* see store_hold_slack */
	struct copy *copy;    /* the backup under way, or NULL */
	bool is_measured;     /* store_measure was called */
	struct store_meter meter;
};

/* --- run.c: one statement --- */

/* Parameters ?1 ?2 …, as WITH(NUM(id), TXT(key), …). A NULL text is "". REF(0) is NULL. */
enum value_kind { VALUE_END, VALUE_NUMBER, VALUE_TEXT, VALUE_REFERENCE };
struct value {
	enum value_kind kind;
	int64_t number;
	const char *text;
};
#define NUM(n)                                                                                     \
	{                                                                                          \
		.kind = VALUE_NUMBER, .number = (int64_t)(n)                                       \
	}
#define REF(id)                                                                                    \
	{                                                                                          \
		.kind = VALUE_REFERENCE, .number = (id)                                            \
	}
#define TXT(z)                                                                                     \
	{                                                                                          \
		.kind = VALUE_TEXT, .text = (z)                                                    \
	}
#define WITH(...) ((const struct value[]){ __VA_ARGS__, { .kind = VALUE_END } })

/* What to do with each row of the answer; never runs a statement itself. */
struct rows {
	void (*row)(struct store *s, sqlite3_stmt *st, void *into);
	void *into;
};
/* The only place where a statement is stepped: asks the hook before and after, steps to the end,
 * resets, and says what an error means. rows may be NULL. */
MUST_CHECK enum rc run(struct store *s, enum sql sql, const struct value *values,
		       const struct rows *rows, struct fail *fail);
/* RC_OK while the process is to live; else marks the store as dead. */
MUST_CHECK enum rc run_alive(struct store *s, const char *point, struct fail *fail);
/* What an SQLite code means to the transaction; remembers RC_FULL and RC_BROKEN. */
MUST_CHECK enum rc run_failed(struct store *s, const char *what, int code, struct fail *fail);
const char *sql_text(enum sql sql);
const char *sql_name(enum sql sql);

/* First column into an int64_t; ids into a bounded list; a text into a const char * (arena). */
struct id_list {
	int64_t *at;
	size_t limit, n;
};
void row_number(struct store *s, sqlite3_stmt *st, void *into);
void row_id(struct store *s, sqlite3_stmt *st, void *into);
void row_text(struct store *s, sqlite3_stmt *st, void *into);
const char *column_text(struct store *s, sqlite3_stmt *st, int column);

/* --- migrate.c: brings the file to the newest schema of `files`, each step in a transaction with
 * its number. RC_REFUSED: the file is newer, or not ours. ---------------------------------- */
MUST_CHECK enum rc migrate(struct store *s, const struct embedded_file *files, size_t n,
			   struct fail *fail);

/* RC_OK: it has the newest schema already. */
MUST_CHECK enum rc migrated(struct store *s, const struct embedded_file *files, size_t n,
			    struct fail *fail);

/* --- look.c --- */
MUST_CHECK enum rc take_id(struct store *s, enum counter c, int64_t *id, struct fail *fail);
MUST_CHECK enum rc out_get(struct store *s, int64_t id, const struct outgoing **out,
			   struct fail *fail);
MUST_CHECK enum rc out_by_key(struct store *s, const char *key, const struct outgoing **out,
			      struct fail *fail);
const char *lower_ascii(struct arena *a, const char *z);

/* --- audit.c --- */
MUST_CHECK enum rc audit_append(struct store *s, const struct change *c, int64_t now_ms,
				struct fail *fail);
struct head {
	int64_t first, last; /* 0 = there is none */
	char digest[AUDIT_HEX], mac[AUDIT_HEX];
};
MUST_CHECK enum rc audit_head(struct store *s, struct head *out, struct fail *fail);
void audit_hex(sqlite3_stmt *st, int column, char out[AUDIT_HEX]); /* a column; NULL is "" */
bool audit_head_is_ours(const struct store *s, const struct head *h);
/* The MAC of one record, as lower-case hex. */
enum { AUDIT_FIELDS = 7 }; /* seq, at_ms, actor, action, object, detail_digest, previous */
bool audit_mac(struct str key, const char *label, const struct str *fields, size_t n,
	       char out[AUDIT_HEX]);
void audit_detail_digest(struct str salt, struct str detail, char out[AUDIT_HEX]);

/* --- lane.c: after every change to an outgoing row or a gate --- */
MUST_CHECK enum rc lane_refresh(struct store *s, const char *gate, struct fail *fail);
#endif
