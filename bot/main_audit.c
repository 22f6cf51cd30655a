/* main_audit: `securitybot audit verify`, `securitybot audit case`, and the anchor that the running
 * bot keeps beside its database. What is verified is a copy, made by the running bot, or the
 * database itself when no bot runs. */
#include "main_parts.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "io/io.h"

enum { ANCHOR_EVERY_MS = 5 * 60 * 1000 };

/* --- the anchor --- */

void anchor_open(struct anchor *a, const char *database, const struct secret *key)
{
	*a = (struct anchor){ .key = key };
	(void)snprintf(a->path, sizeof(a->path), "%s.anchor", database);
}

enum rc anchor_load(const struct anchor *a, struct audit_mark *out, struct fail *fail)
{
	CLEANUP(buf_free) struct buf text = BUF(ANCHOR_MAX);
	const enum rc rc = file_kept(a->path, &text, fail);

	return rc == RC_OK ? anchor_read(a->key, buf_str(&text), out, fail) : rc;
}

struct doubt {
	char *at;
	size_t room;
};

static void say_doubt(void *self, const char *line)
{
	const struct doubt *d = self;

	log_line(LOG_LEVEL_ERROR, "audit.doubt", "why=\"%s\"", line);
	if (d->at[0] == '\0')
		(void)snprintf(d->at, d->room, "%s", line);
}

/* Before the first record of this life is written: what somebody did to the file while no bot had
 * its lock would later lie behind records that are sound. */
void anchor_check(struct anchor *a, struct store *s, char *doubt, size_t room)
{
	struct doubt d = { doubt, room };
	struct audit_report report = { .say = say_doubt, .self = &d };
	struct audit_mark mark;
	struct fail fail = { .rc = RC_OK };

	doubt[0] = '\0';
	const enum rc rc = anchor_load(a, &mark, &fail);
	if (rc != RC_OK && rc != RC_ABSENT)
		say_doubt(&d, fail.why);
	if (store_audit_ends(s, NULL, &report, &fail) != RC_OK)
		say_doubt(&d, fail.why);
	if (rc != RC_OK || doubt[0] != '\0')
		return;
	a->newest = mark;
	if (store_audit_ends(s, &mark, &report, &fail) != RC_OK)
		say_doubt(&d, fail.why);
	else
		a->is_restored = report.findings > 0;
}

static void write_anchor(struct anchor *a, const struct audit_mark *mark)
{
	struct fail fail = { .rc = RC_OK };
	char text[ANCHOR_MAX];

	/* The line goes where logs go, out of reach of whoever has our disk. */
	log_line(LOG_LEVEL_NOTICE, "audit.anchor", "seq=%lld digest=%s", (long long)mark->seq,
		 mark->digest);
	anchor_make(a->key, mark, text);
	if (file_keep(a->path, str_z(text), &fail) == RC_OK)
		a->newest = *mark;
	else
		log_line(LOG_LEVEL_ERROR, "audit.no_anchor", "why=\"%s\"", fail.why);
}

int64_t anchor_keep(struct anchor *a, struct store *s, int64_t boot_ms, bool is_last)
{
	struct audit_mark mark = { .seq = 0 };
	struct fail fail;

	if (boot_ms < a->due_boot_ms && !is_last)
		return a->due_boot_ms - boot_ms;
	if (a->is_restored)
		return ANCHOR_EVERY_MS;
	/* A store that can't be read ends the next turn. */
	if (store_audit_mark(s, &mark, &fail) == RC_OK && mark.seq != 0 &&
	    (mark.seq != a->newest.seq || strcmp(mark.digest, a->newest.digest) != 0)) {
		write_anchor(a, &mark);
		a->due_boot_ms = boot_ms + ANCHOR_EVERY_MS;
	}
	return ANCHOR_EVERY_MS;
}

/* --- audit verify --- */

struct sight {
	int64_t case_id; /* not 0: tell its record instead of verifying */
	bool wants_json;
	struct anchor anchor;
	struct audit_mark mark;
	bool has_mark;
};

/* "812:0123…": a line of the log, kept elsewhere. */
static bool read_mark(const char *text, struct audit_mark *out)
{
	struct str seq, digest;
	uint8_t bytes[MAC_BYTES];

	if (!str_cut(str_z(text), ':', &seq, &digest) || !str_int(seq, &out->seq) ||
	    out->seq <= 0 || !hex_decode(digest, bytes, sizeof(bytes)))
		return false;
	hex_encode(bytes, sizeof(bytes), out->digest);
	return true;
}

/* Read before the copy is made, so that the copy can't be the older one. */
static int find_anchor(struct sight *v, const struct command_line *line)
{
	struct fail fail = { .rc = RC_OK };

	if (line->anchor != NULL) {
		v->has_mark = read_mark(line->anchor, &v->mark);
		if (!v->has_mark)
			(void)fputs("securitybot: --anchor wants SEQ:DIGEST as logged\n", stderr);
		return v->has_mark ? EX_OK : EX_USAGE;
	}
	const enum rc rc = anchor_load(&v->anchor, &v->mark, &fail);
	v->has_mark = rc == RC_OK;
	if (rc == RC_ABSENT)
		(void)puts("audit: no anchor beside the database: an end cut off together with "
			   "its head is not noticed");
	else if (rc != RC_OK)
		(void)printf("%s\n", fail.why);
	return rc == RC_OK || rc == RC_ABSENT ? EX_OK : EX_DATAERR;
}

static void say_finding(void *self, const char *line)
{
	(void)self;
	(void)puts(line);
}

/* A damaged file is a finding, and the rest is still looked at. */
static int verify(struct store *s, const struct sight *v)
{
	struct audit_report r = { .say = say_finding };
	struct fail fail = { .rc = RC_OK };
	const bool is_whole = store_is_whole(s, &fail) == RC_OK;

	if (!is_whole)
		(void)puts(fail.why);
	store_audit_key(s, v->anchor.key);
	if (store_audit_verify(s, v->has_mark ? &v->mark : NULL, &r, &fail) != RC_OK)
		return say_failed(&fail);
	if (r.findings > AUDIT_FINDINGS_MAX)
		(void)printf("and %lld more\n", (long long)r.findings - AUDIT_FINDINGS_MAX);
	if (r.unchained > 0)
		(void)printf("audit: %lld records are older than the chain\n",
			     (long long)r.unchained);
	if (is_whole && r.findings == 0) {
		(void)printf("audit: %lld records, ok\n", (long long)r.records);
		return EX_OK;
	}
	(void)printf("audit: %lld records, %lld findings\n", (long long)r.records,
		     (long long)r.findings + (is_whole ? 0 : 1));
	return EX_DATAERR;
}

static void tell(void *self, const struct audit_record *r)
{
	const struct sight *v = self;
	struct when_text at = when_rfc3339(r->at_ms);
	if (!v->wants_json) {
		(void)printf("%s  %s  %s  %s%s%s\n", at.text, r->object, r->action, r->actor,
			     r->detail[0] ? "  " : "", r->detail);
		return;
	}
	CLEANUP(json_done) struct cJSON *j = json_object();
	CLEANUP(buf_free) struct buf text = BUF(64 * 1024);
	json_put_num(j, "seq", (double)r->seq);
	json_put_text(j, "at", at.text);
	json_put_text(j, "object", r->object);
	json_put_text(j, "action", r->action);
	json_put_text(j, "actor", r->actor);
	json_put_text(j, "detail", r->detail);
	json_print(j, &text);
	(void)puts(buf_z(&text));
}

static int tell_case(struct store *s, const struct sight *v)
{
	struct fail fail = { .rc = RC_OK };
	const struct audit_teller teller = { tell, (void *)(uintptr_t)v };
	const enum rc rc = store_audit_case(s, v->case_id, &teller, &fail);
	return rc == RC_OK ? EX_OK : say_failed(&fail);
}

static int verify_file(const char *path, const struct sight *v, bool is_ours)
{
	struct fail fail = { .rc = RC_OK };
	struct store *s = NULL;
	const enum rc rc = store_open_resting(path, &s, &fail);

	if (is_ours)
		(void)unlink(path); /* open is enough, and nothing is left if we are killed */
	if (rc != RC_OK)
		return say_failed(&fail);
	const int code = v->case_id ? tell_case(s, v) : verify(s, v);
	store_close(s);
	return code;
}

static int verify_live(const struct command_line *line, const struct config_place *place,
		       const struct sight *v)
{
	char database[FILE_PATH_MAX], copy[FILE_PATH_MAX + 16];

	if (!make_absolute(place->database, database))
		return EX_CONFIG;
	(void)snprintf(copy, sizeof(copy), "%s.verify", database);
	const int code =
		copy_by_bot(line->socket != NULL ? line->socket : place->socket, copy, true);
	if (code == COPY_NOBODY)
		return verify_file(database, v, false);
	return code == EX_OK ? verify_file(copy, v, true) : code;
}

static int run_verify(const struct command_line *line, const struct config *c)
{
	const struct config_place place = config_place(c);
	const struct secret *key = &config_policy(c)->audit_key;
	struct sight v = { .has_mark = false };

	if (key->n == 0) {
		(void)fputs("securitybot: audit verify needs the key of the record (audit_key, "
			    "AUDIT_KEY)\n",
			    stderr);
		return EX_CONFIG;
	}
	anchor_open(&v.anchor, line->db != NULL ? line->db : place.database, key);
	const int anchored = find_anchor(&v, line);
	if (anchored == EX_USAGE)
		return anchored;
	const int code =
		line->db != NULL ? verify_file(line->db, &v, false) : verify_live(line, &place, &v);
	return code == EX_OK ? anchored : code;
}

/* "SB-7", "sb7" or "7". */
static int64_t case_of(const char *text)
{
	struct str s = str_z(text);
	int64_t id = 0;
	if (s.n > 2 && strncasecmp(s.at, "sb", 2) == 0)
		s = (struct str){ s.at + 2, s.n - 2 };
	if (s.n > 1 && s.at[0] == '-')
		s = (struct str){ s.at + 1, s.n - 1 };
	return str_int(s, &id) && id > 0 ? id : 0;
}

static int run_case(const struct command_line *line, const struct config *c)
{
	const struct config_place place = config_place(c);
	const struct sight v = { .case_id = case_of(line->subject),
				 .wants_json = line->wants_json };
	return line->db != NULL ? verify_file(line->db, &v, false) : verify_live(line, &place, &v);
}

/* The running bot has to hear it: it keeps the trouble, and writes the record. */
static int run_accept(const struct command_line *line, const struct config *c)
{
	CLEANUP(buf_free) struct buf reply = BUF(64 * 1024);
	const struct config_place place = config_place(c);
	struct fail fail = { .rc = RC_OK };
	int status = 0;
	const enum rc rc = local_post(
		&(struct local_call){ .socket_path = line->socket ? line->socket : place.socket,
				      .path = "/v1/local/accept-restore",
				      .content_type = "application/json",
				      .body = STR("{}") },
		&status, &reply, &fail);
	if (rc != RC_OK) {
		say_on_stderr(NULL, fail.why);
		return rc == RC_ABSENT ? EX_UNAVAILABLE : EX_TEMPFAIL;
	}
	if (status == 200) {
		(void)puts("audit: the older database is accepted");
		return EX_OK;
	}
	CLEANUP(json_done) struct cJSON *j = json_parse(buf_str(&reply), &fail);
	say_on_stderr(NULL, j != NULL ? json_text_at(j, "detail") : "the bot refuses");
	return status >= 500 ? EX_TEMPFAIL : EX_DATAERR;
}

int run_audit(const struct command_line *line)
{
	struct config_report report = { .say = say_on_stderr };
	const bool is_case = line->file != NULL && strcmp(line->file, "case") == 0;
	const bool is_verify = line->file != NULL && strcmp(line->file, "verify") == 0;
	const bool is_accept = line->file != NULL && strcmp(line->file, "accept-restore") == 0;

	if ((!is_case && !is_verify && !is_accept) || is_case != (line->subject != NULL)) {
		(void)fputs("securitybot: wanted audit verify, audit case SB-7 or audit "
			    "accept-restore\n",
			    stderr);
		return EX_USAGE;
	}
	if (is_case && case_of(line->subject) == 0) {
		(void)fprintf(stderr,
			      "securitybot: %s: no case is called so; wanted one such as SB-7\n",
			      line->subject);
		return EX_USAGE;
	}
	struct config *c = config_load(line->config, false, &report);
	if (c == NULL)
		return EX_CONFIG;
	const int code = is_case     ? run_case(line, c)
			 : is_accept ? run_accept(line, c)
				     : run_verify(line, c);
	config_free(c);
	return code;
}
