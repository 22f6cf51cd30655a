/* proof: is it the source? A bearer, a secret in the path, or HMAC-SHA256 over the raw body with a
 * timestamp. Called by door.c; pure. What is wrong, and whether there is such a source at all,
 * shows neither in the answer nor in its time: whoever is refused has been measured in all three
 * ways. */
#include <string.h>
#include <strings.h>

#include "base/mac.h"
#include "door/inside.h"

enum { SIGNATURES_MAX = 8, DELIVERY_BYTES_MAX = 128, KEYS_N = 2 };
/* Seconds would be in the year 5138: it is milliseconds. */
#define MILLISECONDS_FROM INT64_C(100000000000)

const char *header_of(const struct arrival *a, const char *name)
{
	for (size_t i = 0; name[0] != '\0' && i < a->asked.headers_n; i++) {
		if (strcmp(a->asked.headers[i].name, name) == 0)
			return a->asked.headers[i].value;
	}
	return "";
}

/* Digests are compared: the time tells nothing about length or content. No secret is no way in. */
static bool is_secret(struct str given, const struct secret *want)
{
	uint8_t a[MAC_BYTES], b[MAC_BYTES];

	sha256(given, a);
	sha256(secret_str(want), b);
	const bool is_same = str_same_secret((struct str){ (const char *)a, MAC_BYTES },
					     (struct str){ (const char *)b, MAC_BYTES });
	return is_same && want->n > 0;
}

static bool is_bearer(const struct arrival *a, const struct secret *want)
{
	struct str scheme, given;

	(void)str_cut(str_z(header_of(a, "authorization")), ' ', &scheme, &given);
	const bool is_same = is_secret(str_trim(given), want);
	return is_same && scheme.n == 6 && strncasecmp(scheme.at, "bearer", 6) == 0;
}

/* --- signatures --- */

struct signing {
	const struct hmac_rule *rule;
	struct str header, timestamp, id, body;
};

static void signed_text(const struct signing *s, struct buf *out)
{
	const struct {
		struct str word, value;
	} words[] = {
		{ STR("{body}"), s->body },
		{ STR("{timestamp}"), s->timestamp },
		{ STR("{id}"), s->id },
	};
	struct str text = str_z(s->rule->text);

	while (text.n > 0) {
		size_t i = 0, n = 1;
		while (i < 3 && !str_starts(text, words[i].word))
			i++;
		if (i < 3)
			n = words[i].word.n;
		buf_add(out, i < 3 ? words[i].value : (struct str){ text.at, 1 });
		text = (struct str){ text.at + n, text.n - n };
	}
}

static bool is_mac(const struct hmac_rule *rule, struct str word, const uint8_t mac[MAC_BYTES])
{
	char base64[BASE64_BYTES(MAC_BYTES)];
	uint8_t given[MAC_BYTES];

	if (!str_starts(word, str_z(rule->prefix)))
		return false;
	word.at += strlen(rule->prefix);
	word.n -= strlen(rule->prefix);
	base64_encode(mac, MAC_BYTES, base64);
	if (rule->is_base64)
		return str_same_secret(word, str_z(base64));
	return hex_decode(word, given, MAC_BYTES) &&
	       str_same_secret((struct str){ (const char *)given, MAC_BYTES },
			       (struct str){ (const char *)mac, MAC_BYTES });
}

/* Senders that rotate their secret send several. A comma stands between two of them, unless it is
 * part of each ("v1,"). */
static bool any_mac(const struct signing *s, const uint8_t mac[MAC_BYTES])
{
	const bool has_comma = strchr(s->rule->prefix, ',') != NULL;
	struct str rest = s->header;
	bool is_any = false;

	for (int i = 0; i < SIGNATURES_MAX && rest.n > 0; i++) {
		size_t n = 0;
		while (n < rest.n && rest.at[n] != ' ' && (has_comma || rest.at[n] != ','))
			n++;
		const bool is_this = is_mac(s->rule, (struct str){ rest.at, n }, mac);
		is_any = is_any || is_this;
		n += n < rest.n;
		rest = (struct str){ rest.at + n, rest.n - n };
	}
	return is_any;
}

static bool is_signed(const struct signing *s)
{
	struct buf text CLEANUP(buf_free) = BUF(2 * DOOR_BODY_MAX);
	bool is_any = false;

	signed_text(s, &text);
	if (text.broken)
		return false;
	for (int i = 0; i < KEYS_N; i++) {
		uint8_t mac[MAC_BYTES];
		hmac_sha256(secret_str(&s->rule->keys[i]), buf_str(&text), mac);
		const bool is_this = any_mac(s, mac) && s->rule->keys[i].n > 0;
		is_any = is_any || is_this;
	}
	return is_any;
}

/* One character fewer than the signed text is made of: no id can be read as a part of another. */
static bool is_delivery(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		const char c = id.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == ':'))
			return false;
	}
	return id.n > 0 && id.n <= DELIVERY_BYTES_MAX;
}

static bool is_fresh(const struct signing *s, int64_t wall_ms)
{
	int64_t at;

	if (!str_int(s->timestamp, &at) || at < 0 || at > 1000 * MILLISECONDS_FROM)
		return false;
	if (at < MILLISECONDS_FROM)
		at *= 1000;
	return at >= wall_ms - s->rule->window_ms && at <= wall_ms + s->rule->window_ms;
}

static struct proven by_signature(const struct arrival *a, const struct hmac_rule *rule,
				  const struct door_clock *clock, struct arena *arena)
{
	const struct signing s = { .rule = rule,
				   .header = str_z(header_of(a, rule->header)),
				   .timestamp = str_trim(str_z(header_of(a, rule->timestamp))),
				   .id = str_trim(str_z(header_of(a, rule->id))),
				   .body = a->asked.body };
	struct proven p = { .proof = PROOF_WRONG };

	if (!is_signed(&s) || (rule->id[0] != '\0' && !is_delivery(s.id)))
		return p;
	p.proof = PROOF_RIGHT;
	p.delivery = rule->id[0] != '\0' ? arena_str(arena, s.id) : NULL;
	if (rule->timestamp[0] == '\0' || is_fresh(&s, clock->wall_ms))
		return p;
	if (clock->is_unsure)
		p.doubt = "our clock is not synchronised: the timestamp was not believed";
	else
		p.proof = PROOF_STALE;
	return p;
}

struct proven proof_of(const struct arrival *a, const struct source *source, struct str url_secret,
		       const struct door_clock *clock, struct arena *arena)
{
	static const struct source nobody = {
		.hmac = { .header = "authorization",
			  .prefix = "",
			  .text = "{timestamp}.{body}",
			  .timestamp = "",
			  .id = "" },
	};
	const struct source *s = source != NULL ? source : &nobody;
	const struct hmac_rule *rule = s->hmac.keys[0].n > 0 ? &s->hmac : &nobody.hmac;

	if (is_bearer(a, &s->bearer) && url_secret.n == 0)
		return (struct proven){ .proof = PROOF_RIGHT };
	if (is_secret(url_secret, &s->url_secret))
		return (struct proven){ .proof = PROOF_RIGHT };
	const struct proven p = by_signature(a, rule, clock, arena);
	return url_secret.n == 0 ? p : (struct proven){ .proof = PROOF_WRONG };
}
