/* door: HTTP requests that came in become facts or problems. Called by the turn only; it never
 * answers anybody itself and never logs. Whoever is not authenticated learns nothing: not which
 * sources there are, nor what was wrong with the body. */
#include "door/door.h"
#include "base/json.h"
#include "base/mac.h"
#include "model/policy.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum {
	DOOR_SOURCE_BYTES_MAX = 40,
	DOOR_BUSY_WAIT_S = 10, /* Retry-After of 429 and 503 */
};
#define ALERTS "/v1/alerts/"

static const char *title_of(int status)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (titles[i].status == status)
			return titles[i].title;
	}
	return "Error";
}

const char *door_problem(struct arena *arena, int status, const char *detail)
{
	struct cJSON CLEANUP(json_done) *j = json_object();

	json_put_text(j, "type", "about:blank");
	json_put_text(j, "title", title_of(status));
	json_put_num(j, "status", status);
	json_put_text(j, "detail", detail);
	return json_print_arena(j, arena);
}

const char *door_accepted(struct arena *arena, int64_t alert_id, bool is_new)
{
	return arena_f(arena, "{\"id\":\"alert-%" PRId64 "\",\"status\":\"%s\"}", alert_id,
		       is_new ? "accepted" : "duplicate");
}

static void refuse(struct door *out, struct arena *arena, int status, const char *detail)
{
	*out = (struct door){ .kind = DOOR_PROBLEM,
			      .status = status,
			      .body = door_problem(arena, status, detail) };
	if (status == 429 || status == 503)
		out->retry_after_s = DOOR_BUSY_WAIT_S;
}

static const char *refused_detail(int status)
{
	switch (status) {
	case 408: return "the request took longer than its limit";
	case 411: return "send a Content-Length: bodies in chunks are not read";
	case 413: return "the body is over its limit of 262144 bytes";
	case 431: return "the headers are over their limit";
	case 503: return "too much at once; try again";
	default: return "the request was refused";
	}
}

static const struct source *source_of(const struct policy *p, struct str name)
{
	for (size_t i = 0; i < p->sources_n; i++) {
		if (str_is(name, p->sources[i].name))
			return &p->sources[i];
	}
	return NULL;
}

/* Digests are compared, so that the time tells nothing about length or content; an unknown source
 * takes as long as a known one. A source without a secret is closed to the network. */
static bool is_authentic(const struct source *source, const char *authorization)
{
	static const struct secret none = { .n = 0 };
	const struct secret *want = source != NULL ? &source->bearer : &none;
	struct str scheme, given;
	char digest[2][MAC_BYTES];
	uint8_t made[MAC_BYTES];

	(void)str_cut(str_z(authorization), ' ', &scheme, &given);
	given = str_trim(given);
	sha256(given, made);
	memcpy(digest[0], made, MAC_BYTES);
	sha256(secret_str(want), made);
	memcpy(digest[1], made, MAC_BYTES);
	const bool is_same = str_same_secret((struct str){ digest[0], MAC_BYTES },
					     (struct str){ digest[1], MAC_BYTES });
	return is_same && want->n > 0 && scheme.n == 6 && strncasecmp(scheme.at, "bearer", 6) == 0;
}

static bool is_source_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		const char c = name.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return name.n >= 1 && name.n <= DOOR_SOURCE_BYTES_MAX;
}

static bool same_word(struct str s, const char *word)
{
	return s.n == str_z(word).n && strncasecmp(s.at, word, s.n) == 0;
}

/* application/json, text/json, application/….+json, or not told. */
static bool is_json_type(const char *content_type)
{
	static const struct str tail = STR_INIT("+json");
	struct str type, parameters;

	(void)str_cut(str_z(content_type), ';', &type, &parameters);
	type = str_trim(type);
	if (type.n == 0 || same_word(type, "application/json") || same_word(type, "text/json"))
		return true;
	return type.n > tail.n && strncasecmp(type.at + type.n - tail.n, tail.at, tail.n) == 0;
}

static bool is_plain(const char *content_encoding)
{
	const struct str s = str_trim(str_z(content_encoding));

	return s.n == 0 || same_word(s, "identity");
}

static void read_body(const struct arrival *a, const char *source, struct arena *arena,
		      struct door *out)
{
	struct fail fail = { .rc = RC_OK };
	uint8_t digest[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];
	struct cJSON CLEANUP(json_done) *j = json_parse(a->asked.body, &fail);

	if (j == NULL) {
		fail_wrap(&fail, "the body is not strict JSON");
		refuse(out, arena, 400, fail.why);
		return;
	}
	if (!json_is_object(j)) {
		refuse(out, arena, 400, "the body has to be a JSON object");
		return;
	}
	sha256(a->asked.body, digest);
	hex_encode(digest, sizeof(digest), hex);
	*out = (struct door){ .kind = DOOR_FACT, .fact = { .kind = FACT_ALERT } };
	out->fact.key = arena_f(arena, "alert:%s:%s", source, hex);
	out->fact.as.alert.source = arena_z(arena, source);
	out->fact.as.alert.digest = arena_z(arena, hex);
	out->fact.as.alert.body = arena_str(arena, a->asked.body);
}

/* Who it is comes first, then what it is. */
static void read_alert(const struct arrival *a, const struct policy *policy, struct arena *arena,
		       struct door *out)
{
	const struct str path = str_z(a->asked.path);
	const struct str name = { path.at + strlen(ALERTS), path.n - strlen(ALERTS) };
	const struct source *source = is_source_name(name) ? source_of(policy, name) : NULL;

	if (!a->asked.is_local && !is_authentic(source, a->asked.authorization))
		refuse(out, arena, 401, "wrong or missing credentials for this source");
	else if (source == NULL)
		refuse(out, arena, 404, "no source of that name is configured");
	else if (!is_plain(a->asked.content_encoding))
		refuse(out, arena, 415, "compressed bodies are not read");
	else if (!is_json_type(a->asked.content_type))
		refuse(out, arena, 415, "the Content-Type has to be application/json");
	else if (a->asked.body.n > DOOR_BODY_MAX)
		refuse(out, arena, 413, refused_detail(413));
	else
		read_body(a, source->name, arena, out);
}

void door_read(const struct arrival *a, const struct policy *policy, struct arena *arena,
	       struct door *out)
{
	const struct str path = str_z(a->asked.path), method = str_z(a->asked.method);
	const bool is_health = str_is(path, "/healthz"), is_ready = str_is(path, "/readyz");
	const bool is_alert =
		str_starts(path, STR(ALERTS)) && path.n > strlen(ALERTS) &&
		!str_has((struct str){ path.at + strlen(ALERTS), path.n - strlen(ALERTS) }, '/');

	if (a->asked.refused != 0)
		refuse(out, arena, a->asked.refused, refused_detail(a->asked.refused));
	else if (!is_health && !is_ready && !is_alert)
		refuse(out, arena, 404, "there is nothing at this path");
	else if (is_alert && !str_is(method, "POST"))
		refuse(out, arena, 405, "this path takes POST");
	else if (!is_alert && !str_is(method, "GET"))
		refuse(out, arena, 405, "this path takes GET");
	else if (is_alert)
		read_alert(a, policy, arena, out);
	else
		*out = (struct door){ .kind = is_health ? DOOR_HEALTH : DOOR_READY };
}
