/* fuzz_webhook: any bytes as an HTTP request at our door: a line "who METHOD path", lines of
 * headers
 * ("name: value"), an empty line, the body. who is "net", "local", or the number of a ceiling that
 * io hit; a header's value "SIGN" stands for the right signature. Called by libFuzzer and
 * tools/replay.c only; it never lets door_read judge itself: who may come in, and what for, is
 * decided here once more, by other code. */
/* Covers: bot/door/door.c bot/door/proof.c bot/door/split.c bot/door/backup.c */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/when.h"
#include "door/door.h"
#include "model/policy.h"

#define ALERTS "/v1/alerts/"
#define WALL   INT64_C(1800000000000)
#define SECRET "a secret of the fuzzer's"
#define THE_SECRET                                                                                 \
	{                                                                                          \
		SECRET, sizeof(SECRET) - 1                                                         \
	}
enum { HEADERS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct source sources[] = {
	{ .name = "okta", .bearer = THE_SECRET },
	{ .name = "pack", .bearer = THE_SECRET, .each = "data.events" },
	{ .name = "path", .url_secret = { "in-the-path", 11 } },
	{ .name = "hub",
	  .hmac = { .keys = { { "old", 3 }, THE_SECRET },
		    .header = "x-hub-signature",
		    .prefix = "sha256=",
		    .text = "{body}",
		    .timestamp = "",
		    .id = "" } },
	{ .name = "hook",
	  .each = "events",
	  .hmac = { .keys = { THE_SECRET },
		    .header = "x-signature",
		    .prefix = "v1,",
		    .is_base64 = true,
		    .text = "{id}.{timestamp}.{body}",
		    .timestamp = "x-time",
		    .id = "x-id",
		    .window_ms = 5 * MINUTE_MS } },
	{ .name = "closed" }, /* no secret: nobody comes in but by the local socket */
};
enum { SOURCES_N = sizeof(sources) / sizeof(sources[0]) };
static const struct policy policy = { .sources = sources, .sources_n = SOURCES_N };

struct input {
	struct arrival a;
	struct header headers[HEADERS_MAX];
	struct door_clock clock;
	const struct source *source; /* whose name stands in the path, or NULL */
	const char *rest;            /* the path behind it */
	const char *mac;             /* the right signature of that source's, "" = it has none */
};

static const char *cut(struct str *rest, char sep, struct arena *a)
{
	struct str head;
	(void)str_cut(*rest, sep, &head, rest);
	return arena_str(a, head);
}

static const char *value_of(const struct input *in, const char *name)
{
	for (size_t i = 0; i < in->a.asked.headers_n; i++)
		if (strcmp(in->headers[i].name, name) == 0)
			return in->headers[i].value;
	return "";
}

static void find_source(struct input *in)
{
	const char *path = in->a.asked.path;
	in->rest = "";
	if (strncmp(path, ALERTS, strlen(ALERTS)) != 0)
		return;
	path += strlen(ALERTS);
	const size_t n = strcspn(path, "/");
	for (size_t i = 0; i < SOURCES_N; i++)
		if (str_is((struct str){ path, n }, sources[i].name))
			in->source = &sources[i];
	in->rest = path + n;
}

/* "hub" signs the body, "hook" three things with points between. */
static void sign(struct input *in, struct arena *a)
{
	struct buf CLEANUP(buf_free) text = BUF(4u << 20);
	uint8_t mac[MAC_BYTES];
	char word[BASE64_BYTES(MAC_BYTES) > 2 * MAC_BYTES + 1 ? BASE64_BYTES(MAC_BYTES)
							      : 2 * MAC_BYTES + 1];

	in->mac = "";
	if (!in->source || !in->source->hmac.header)
		return;
	const bool is_hook = in->source->hmac.is_base64;
	if (is_hook)
		for (int i = 0; i < 2; i++) {
			buf_add(&text, str_trim(str_z(value_of(in, i ? "x-time" : "x-id"))));
			buf_addz(&text, ".");
		}
	buf_add(&text, in->a.asked.body);
	hmac_sha256(STR(SECRET), buf_str(&text), mac);
	if (is_hook)
		base64_encode(mac, MAC_BYTES, word);
	else
		hex_encode(mac, MAC_BYTES, word);
	in->mac = arena_f(a, "%s%s", in->source->hmac.prefix, word);
	for (size_t i = 0; i < in->a.asked.headers_n; i++)
		if (strcmp(in->headers[i].value, "SIGN") == 0)
			in->headers[i].value = in->mac;
}

static void read_input(struct str text, struct arena *a, struct input *in)
{
	static const int ceilings[] = { 400, 408, 411, 413, 415, 431, 503, 599 };
	struct str line, colon;
	int64_t n = 0;

	(void)str_cut(text, '\n', &line, &text);
	const char *who = cut(&line, ' ', a);
	in->a.kind = ARRIVAL_ASKED;
	in->a.asked.is_local = strcmp(who, "local") == 0;
	in->clock = (struct door_clock){ WALL, strcmp(who, "unsure") == 0 };
	if (str_int(str_z(who), &n) && n >= 0)
		in->a.asked.refused = ceilings[n % 8];
	in->a.asked.method = cut(&line, ' ', a);
	in->a.asked.path = arena_str(a, line);
	in->a.asked.query = "";
	in->a.asked.headers = in->headers;
	while (str_cut(text, '\n', &line, &text) && line.n > 0 &&
	       in->a.asked.headers_n < HEADERS_MAX) {
		struct header *h = &in->headers[in->a.asked.headers_n++];
		(void)str_cut(line, ':', &line, &colon);
		h->name = arena_str(a, line);
		h->value = arena_str(a, str_trim(colon));
	}
	in->a.asked.body = text;
	find_source(in);
	sign(in, a);
}

/* The scheme in any case, one space, the secret, white space round it. */
static bool shows_bearer(const struct input *in)
{
	const struct str given = str_z(value_of(in, "authorization"));
	if (!in->source->bearer.n || *in->rest || given.n < 7 || given.at[6] != ' ')
		return false;
	for (size_t i = 0; i < 6; i++)
		if ((given.at[i] | 0x20) != "bearer"[i])
			return false;
	return str_is(str_trim((struct str){ given.at + 7, given.n - 7 }), SECRET);
}

/* Whoever is not this may not come in, and learns nothing; of a signature this is the half that
 * can't be forged. */
static bool shows_secret(const struct input *in)
{
	if (in->a.asked.is_local)
		return true;
	if (!in->source)
		return false;
	if (in->source->url_secret.n)
		return strcmp(in->rest, "/in-the-path") == 0;
	if (*in->mac)
		return !*in->rest &&
		       strcasestr(value_of(in, in->source->hmac.header), in->mac) != NULL;
	return shows_bearer(in);
}

/* A body that reads the same again when it has been printed. */
static void check_json(struct str body, const struct cJSON *same)
{
	struct fail fail;
	struct buf CLEANUP(buf_free) printed = BUF(4u << 20);
	struct cJSON CLEANUP(json_done) *j = json_parse(body, &fail);
	assert(json_is_object(j) && json_equal(j, same));
	json_print(j, &printed);
	struct cJSON CLEANUP(json_done) *again = json_parse(buf_str(&printed), &fail);
	assert(json_equal(j, again));
}

/* Five minutes either way, in seconds or milliseconds; a clock of ours that is off is said. */
static bool is_timely(const struct input *in, const struct fact *f)
{
	int64_t at = 0;
	if (in->a.asked.is_local || !in->source->hmac.is_base64)
		return !f->as.alert.doubt;
	if (!str_int(str_trim(str_z(value_of(in, "x-time"))), &at))
		return f->as.alert.doubt && in->clock.is_unsure;
	const bool is_fresh = (at >= WALL / 1000 - 300 && at <= WALL / 1000 + 300) ||
			      (at >= WALL - 300000 && at <= WALL + 300000);
	return is_fresh ? !f->as.alert.doubt : f->as.alert.doubt && in->clock.is_unsure;
}

static void check_fact(const struct input *in, const struct fact *f, const struct cJSON *same)
{
	uint8_t digest[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];
	const struct str body = str_z(f->as.alert.body);

	assert(f->kind == FACT_ALERT && strcmp(f->as.alert.source, in->source->name) == 0);
	check_json(body, same);
	sha256(body, digest);
	hex_encode(digest, MAC_BYTES, hex);
	assert(strcmp(hex, f->as.alert.digest) == 0);
	assert(strncmp(f->key, "alert:", 6) == 0 && strlen(f->key) <= 300 && strstr(f->key, hex));
	assert(is_timely(in, f));
	assert((f->as.alert.delivery != NULL) ==
	       (in->source->hmac.is_base64 && !in->a.asked.is_local));
}

/* What is stored is what was sent: the whole body to the byte, or each of its alerts. */
static void check_facts(const struct input *in, const struct door *d)
{
	struct fail fail;
	const struct arrival *a = &in->a;
	struct cJSON CLEANUP(json_done) *all = json_parse(a->asked.body, &fail);

	assert(!a->asked.refused && strcmp(a->asked.method, "POST") == 0 && shows_secret(in));
	assert(in->source && a->asked.body.n <= DOOR_BODY_MAX && json_is_object(all));
	const struct cJSON *each = in->source->each ? json_get(all, in->source->each) : NULL;
	bool is_split = json_is_array(each) && json_count(each) > 0;
	if (is_split && d->facts_n == 1 && memmem(a->asked.body.at, a->asked.body.n, "\\u", 2) &&
	    str_eq(a->asked.body, str_z(d->facts[0].as.alert.body)))
		is_split = false; /* a key written with escapes is not found: shown as one */
	assert(d->facts_n == (is_split ? json_count(each) : 1) && d->facts_n <= DOOR_EACH_MAX);
	if (!is_split)
		assert(str_eq(a->asked.body, str_z(d->facts[0].as.alert.body)));
	for (size_t i = 0; i < d->facts_n; i++) {
		check_fact(in, &d->facts[i], is_split ? json_at(each, i) : all);
		assert(d->facts[i].as.alert.is_last == (i + 1 == d->facts_n));
	}
}

/* RFC 9457; and a stranger is told the same whatever he sent. */
static void check_problem(const struct input *in, const struct door *d, struct arena *arena)
{
	struct fail fail;
	struct cJSON CLEANUP(json_done) *j = json_parse(str_z(d->body), &fail);
	const char *detail = json_text_at(j, "detail");
	const bool is_alert = !in->a.asked.refused && strcmp(in->a.asked.method, "POST") == 0 &&
			      strncmp(in->a.asked.path, ALERTS, strlen(ALERTS)) == 0;

	assert(d->status >= 400 && d->status <= 599 && json_count(j) == 4);
	assert((int)json_number(json_get(j, "status")) == d->status);
	assert(*json_text_at(j, "title") && *detail);
	assert(strcmp(json_text_at(j, "type"), "about:blank") == 0);
	if (is_alert && !shows_secret(in)) {
		assert(d->status == 404 || d->status == 401); /* 404: no such path */
		assert(strcmp(d->body, door_problem(arena, d->status, detail)) == 0);
		assert(d->status == 404 ||
		       strcmp(detail, "wrong or missing credentials for this source") == 0);
		assert(d->status == 401 || strcmp(detail, "there is nothing at this path") == 0);
	} else if (!in->source || !*in->mac) {
		assert(d->status != 401 || in->a.asked.refused == 401);
	}
}

static void check_backup(const struct input *in, const struct door *d)
{
	assert(in->a.asked.is_local && strcmp(in->a.asked.path, "/v1/local/backup") == 0);
	assert(strcmp(in->a.asked.method, "POST") == 0);
	assert(d->backup.path[0] == '/' && strlen(d->backup.path) < DOOR_PATH_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena CLEANUP(arena_clear) arena = ARENA(64u << 20);
	struct input in = { .mac = "" };
	struct door d;

	read_input((struct str){ (const char *)data, size }, &arena, &in);
	door_read(&in.a, &policy, &in.clock, &arena, &d);
	switch (d.kind) {
	case DOOR_FACT: check_facts(&in, &d); break;
	case DOOR_HEALTH: assert(strcmp(in.a.asked.path, "/healthz") == 0); break;
	case DOOR_READY: assert(strcmp(in.a.asked.path, "/readyz") == 0); break;
	case DOOR_BACKUP: check_backup(&in, &d); break;
	case DOOR_RESTORE:
		assert(in.a.asked.is_local &&
		       strcmp(in.a.asked.path, "/v1/local/accept-restore") == 0);
		break;
	case DOOR_PROBLEM: check_problem(&in, &d, &arena); break;
	}
	assert(d.kind == DOOR_PROBLEM || !in.a.asked.refused);
	return 0;
}
