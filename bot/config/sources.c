/* sources: who may send alerts, and how each proves that it is it. Called by settings.c. */
#include <string.h>

#include "base/mac.h"
#include "base/when.h"
#include "config/parts.h"

enum { URL_SECRET_MIN = 32, TEXT_MAX = 100, PATH_MAX_ = 200, HEADER_MAX = 64 };
#define WINDOW_MIN_MS SECOND_MS
#define WINDOW_MAX_MS HOUR_MS /* far below the time for which delivery ids are kept */
#define NAME_CHARS    "abcdefghijklmnopqrstuvwxyz0123456789-"

/* y is ${secret:NAME}. */
static void secret_at(struct config *c, const struct yaml *y, const char *what, struct secret *out)
{
	struct fail fail;
	const char *name = y && y->kind == YAML_SCALAR ? secret_name(&c->arena, y->text) : NULL;
	if (y && !name)
		report_at(c, y,
			  "%s: wanted ${secret:NAME}: a secret itself never stands in this file",
			  what);
	else if (y && secret_read(&c->arena, name, out, &fail) != RC_OK && c->needs_secrets)
		report_at(c, y, "%s: %s", what, fail.why);
}

static void read_url_secret(struct config *c, const struct yaml *y, struct secret *out)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~";
	secret_at(c, y, "url_secret", out);
	if (out->n && out->n < URL_SECRET_MIN)
		report_at(c, y, "url_secret: wanted %d characters or more (openssl rand -hex 32)",
			  URL_SECRET_MIN);
	for (size_t i = 0; i < out->n; i++)
		if (!strchr(allowed, out->text[i])) {
			report_at(c, y, "url_secret: wanted letters, digits and -._~ only");
			return;
		}
}

/* --- hmac: --- */

/* Standard Webhooks writes the bytes of a key as base64 behind a word. */
static void unwrap_key(struct config *c, const struct yaml *y, struct secret *key)
{
	static const struct str word = STR_INIT("whsec_");
	const struct str text = secret_str(key);
	uint8_t bytes[SECRET_MAX];
	size_t n = 0;
	if (!str_starts(text, word))
		return;
	const struct str base64 = { text.at + word.n, text.n - word.n };
	if (base64_decode(base64, bytes, sizeof(bytes) - 1, &n))
		*key = secret_from((struct str){ (const char *)bytes, n });
	else
		report_at(c, y, "secret: wanted base64 behind whsec_");
	explicit_bzero(bytes, sizeof(bytes));
}

static void read_keys(struct config *c, const struct yaml *hmac, struct hmac_rule *out)
{
	const struct yaml *y = yaml_key(hmac, "secret");
	if (y && y->kind == YAML_LIST && y->n == 2) {
		secret_at(c, y->first, "secret", &out->keys[0]);
		secret_at(c, y->first->next, "secret", &out->keys[1]);
		unwrap_key(c, y->first, &out->keys[0]);
		unwrap_key(c, y->first->next, &out->keys[1]);
	} else if (y && y->kind == YAML_LIST)
		report_at(c, y, "secret: wanted one, or a list of two while they are rotated");
	else if (want(c, hmac, "secret", YAML_SCALAR)) {
		secret_at(c, y, "secret", &out->keys[0]);
		unwrap_key(c, y, &out->keys[0]);
	}
}

static const char *header_name(struct config *c, const struct yaml *y)
{
	if (!y)
		return "";
	char *name = arena_alloc(&c->arena, y->text.n + 1);
	for (size_t i = 0; i < y->text.n; i++) {
		const char ch = y->text.at[i];
		name[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
	}
	if (name[strspn(name, NAME_CHARS)] || y->text.n > HEADER_MAX)
		report_at(c, y, "%s: wanted the name of a header", y->name);
	return name;
}

static size_t times(const char *text, const char *word)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		n++;
	return n;
}

/* What is sent but not signed could be changed on the way, so that it would prove nothing. */
static void read_text(struct config *c, const struct yaml *hmac, struct hmac_rule *out)
{
	const bool has_id = out->id[0], has_timestamp = out->timestamp[0];
	const struct yaml *at = spot(hmac, "signed");
	out->text = text_or(c, hmac, "signed",
			    arena_f(&c->arena, "%s%s{body}", has_id ? "{id}." : "",
				    has_timestamp ? "{timestamp}." : ""));
	if (strlen(out->text) > TEXT_MAX || times(out->text, "{body}") != 1)
		report_at(c, at, "signed: wanted {body} once, in at most %d characters", TEXT_MAX);
	if (times(out->text, "{timestamp}") != has_timestamp)
		report_at(c, at,
			  "signed: wanted {timestamp} once, exactly if there is timestamp: what is "
			  "not signed proves nothing");
	if (times(out->text, "{id}") != has_id)
		report_at(c, at,
			  "signed: wanted {id} once, exactly if there is id: what is not signed "
			  "proves nothing");
	if (times(out->text, "{") != 1 + (size_t)has_id + (size_t)has_timestamp)
		report_at(c, at, "signed: knows {id}, {timestamp} and {body}");
}

static void read_hmac(struct config *c, const struct yaml *hmac, struct hmac_rule *out)
{
	static const char *const keys[] = { "secret", "header", "timestamp", "id", "format",
					    "prefix", "signed", "window",    NULL };
	static const char *const formats[] = { "hex", "base64", NULL };
	if (!check_keys(c, hmac, keys))
		return;
	read_keys(c, hmac, out);
	out->header = header_name(c, want(c, hmac, "header", YAML_SCALAR));
	out->timestamp = header_name(c, may(c, hmac, "timestamp", YAML_SCALAR));
	out->id = header_name(c, may(c, hmac, "id", YAML_SCALAR));
	out->prefix = text_or(c, hmac, "prefix", "");
	if (strchr(out->prefix, ' ') || strlen(out->prefix) > HEADER_MAX)
		report_at(c, spot(hmac, "prefix"), "prefix: wanted a short word, such as sha256=");
	out->is_base64 = choice(c, may(c, hmac, "format", YAML_SCALAR), formats) == 1;
	read_text(c, hmac, out);
	if (!when_parse_span(str_z(text_or(c, hmac, "window", "5m")), &out->window_ms) ||
	    out->window_ms < WINDOW_MIN_MS || out->window_ms > WINDOW_MAX_MS)
		report_at(c, spot(hmac, "window"), "window: wanted 1s to 1h, such as 5m");
	if (!out->timestamp[0] && yaml_key(hmac, "window"))
		report_at(c, spot(hmac, "window"), "window: is for a timestamp, and there is none");
}

/* --- one source --- */

static void read_each(struct config *c, const struct yaml *source, struct source *out)
{
	out->each = text_or(c, source, "each", "");
	const size_t n = strlen(out->each);
	if (n > PATH_MAX_ || (n && (out->each[0] == '.' || out->each[n - 1] == '.')) ||
	    strstr(out->each, "..") || out->each[strcspn(out->each, "[]\"\\")])
		report_at(c, spot(source, "each"),
			  "each: wanted the keys to an array with dots between, such as "
			  "data.events");
}

static void read_source(struct config *c, const struct yaml *y, struct source *out)
{
	static const char *const words[] = { "no", "yes", NULL };
	static const char *const keys[] = {
		"bearer", "hmac", "url_secret", "each", "can_wait", NULL
	};
	const size_t len = strspn(y->name, NAME_CHARS);
	if (y->name[len] || len < 1 || len > 40)
		report_at(c, y, "sources: \"%.60s\": a name has 1 to 40 of a-z, 0-9 and -",
			  y->name);
	out->name = y->name;
	if (!check_keys(c, y, keys))
		return;
	const struct yaml *bearer = may(c, y, "bearer", YAML_SCALAR),
			  *url_secret = may(c, y, "url_secret", YAML_SCALAR),
			  *hmac = may(c, y, "hmac", YAML_MAP);
	const int n = (yaml_key(y, "bearer") != NULL) + (yaml_key(y, "url_secret") != NULL) +
		      (yaml_key(y, "hmac") != NULL);
	if (n != 1)
		report_at(c, y, "%s: wanted exactly one of bearer, hmac and url_secret", y->name);
	secret_at(c, bearer, "bearer", &out->bearer);
	read_url_secret(c, url_secret, &out->url_secret);
	if (hmac)
		read_hmac(c, hmac, &out->hmac);
	read_each(c, y, out);
	out->can_wait = choice(c, may(c, y, "can_wait", YAML_SCALAR), words) == 1;
}

void sources_read(struct config *c, const struct yaml *sources)
{
	if (sources && sources->n > SOURCES_MAX) {
		report_at(c, sources, "sources: more than %d", SOURCES_MAX);
		return;
	}
	if (sources && !sources->n)
		report_at(c, sources, "sources: wanted at least one sender of alerts");
	for (const struct yaml *s = sources ? sources->first : NULL; s; s = s->next)
		read_source(c, s, &c->sources[c->policy.sources_n++]);
}
