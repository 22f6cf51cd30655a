/* settings: securitybot.yaml. Unknown keys and wrong types are errors with file and line; a
 * secret's text in the file is one, too. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

enum { MAC_KEY_MIN = 32 };

static const char *in_folder(struct config *c, const char *path)
{
	return path[0] == '/' ? path : arena_f(&c->arena, "%s%s", c->folder, path);
}

/* map.name is ${secret:NAME}, or absent: then otherwise names it ("" = it must be there). */
static void read_secret(struct config *c, const struct yaml *map, const char *name,
			const char *otherwise, struct secret *out)
{
	struct fail fail;
	const struct yaml *y =
		otherwise[0] ? may(c, map, name, YAML_SCALAR) : want(c, map, name, YAML_SCALAR);
	const char *secret = y ? secret_name(&c->arena, y->text) : otherwise;
	if (!secret)
		report_at(c, y,
			  "%s: wanted ${secret:NAME}: a secret itself never stands in this file",
			  name);
	else if (secret[0] && secret_read(&c->arena, secret, out, &fail) != RC_OK &&
		 c->needs_secrets)
		report_at(c, spot(map, name), "%s: %s", name, fail.why);
}

/* --- slack: --- */

static void read_api_url(struct config *c, const struct yaml *slack)
{
	static const char *const on_off[] = { "on", "off", NULL };
	const char *from_env = getenv("SLACK_API_URL");
	bool by_env = from_env && from_env[0], is_loopback = false;
	const char *url =
		by_env ? from_env : text_or(c, slack, "api_url", "https://slack.com/api/");
	const char *complaint = url_complaint(str_z(url), &is_loopback);
	if (complaint)
		report_at(c, spot(slack, "api_url"), "%s: %s",
			  by_env ? "the variable SLACK_API_URL" : "api_url", complaint);
	c->policy.api_url = url[0] && url[strlen(url) - 1] == '/' ? arena_z(&c->arena, url)
								  : arena_f(&c->arena, "%s/", url);
	const struct yaml *pacing = may(c, slack, "pacing", YAML_SCALAR);
	c->policy.pacing = choice(c, pacing, on_off) != 1;
	if (!c->policy.pacing && !is_loopback)
		report_at(c, pacing, "pacing: off is for a loopback api_url only");
}

static void read_slack(struct config *c, const struct yaml *slack)
{
	static const char *const keys[] = { "channel",   "api_url",   "pacing",
					    "app_token", "bot_token", NULL };
	if (!slack || !check_keys(c, slack, keys))
		return;
	const struct yaml *channel = want(c, slack, "channel", YAML_SCALAR);
	if (channel && !is_slack_id(channel->text, 'C', 'G'))
		report_at(c, channel,
			  "channel: wanted the id of the analysts' channel, such as C0123456789 "
			  "(at the bottom of the channel's details)");
	c->policy.channel = channel ? arena_str(&c->arena, channel->text) : "";
	read_api_url(c, slack);
	read_secret(c, slack, "app_token", "SLACK_APP_TOKEN", &c->policy.app_token);
	read_secret(c, slack, "bot_token", "SLACK_BOT_TOKEN", &c->policy.bot_token);
	if (!c->needs_secrets)
		return;
	if (c->policy.app_token.n && !str_starts(secret_str(&c->policy.app_token), STR("xapp-")))
		report_at(c, spot(slack, "app_token"),
			  "app_token: wanted an app-level token: it begins with xapp-");
	if (c->policy.bot_token.n && !str_starts(secret_str(&c->policy.bot_token), STR("xoxb-")))
		report_at(c, spot(slack, "bot_token"),
			  "bot_token: wanted a bot token: it begins with xoxb-");
}

/* --- lists --- */

static void read_people(struct config *c, const struct yaml *people)
{
	struct known_person *list =
		arena_many(&c->arena, struct known_person, people ? people->n + 1 : 1);
	size_t n = 0;
	c->policy.people_domain = "";
	if (people && people->n > PEOPLE_MAX)
		report_at(c, people, "people: more than %d", PEOPLE_MAX);
	for (const struct yaml *p = people ? people->first : NULL; p; p = p->next) {
		bool is_domain = strcmp(p->name, "domain") == 0;
		struct str text = p->kind == YAML_SCALAR ? p->text : STR("");
		const char *value = arena_str(&c->arena, text);
		if (is_domain && str_has(text, '.') && !str_has(text, '@'))
			c->policy.people_domain = value;
		else if (is_domain)
			report_at(c, p, "domain: wanted a mail domain such as example.com");
		else if (str_has(text, '@'))
			list[n++] = (struct known_person){ p->name, value, "" };
		else if (is_slack_id(text, 'U', 'W'))
			list[n++] = (struct known_person){ p->name, "", value };
		else
			report_at(c, p, "%.60s: wanted an e-mail address or a Slack id (U…, W…)",
				  p->name);
	}
	c->policy.people = list;
	c->policy.people_n = n;
}

/* Who may show any case: Slack ids, for names are changeable. */
static void read_analysts(struct config *c, const struct yaml *analysts)
{
	const char **list = arena_many(&c->arena, const char *, analysts ? analysts->n + 1 : 1);
	size_t n = 0;
	if (analysts && analysts->n > ANALYSTS_MAX)
		report_at(c, analysts, "analysts: more than %d", ANALYSTS_MAX);
	for (const struct yaml *y = analysts ? analysts->first : NULL; y; y = y->next) {
		if (y->kind == YAML_SCALAR && is_slack_id(y->text, 'U', 'W'))
			list[n++] = arena_str(&c->arena, y->text);
		else
			report_at(c, y, "analysts: wanted the Slack ids of people (U…, W…)");
	}
	c->policy.analysts = list;
	c->policy.analysts_n = n;
}

/* ADDRESS:PORT; an IPv6 address stands in brackets. */
static void read_listen(struct config *c, const struct yaml *root)
{
	const char *listen = text_or(c, root, "listen", "127.0.0.1:8080");
	const char *colon = strrchr(listen, ':');
	int64_t port = -1;
	struct str host = { listen, colon ? (size_t)(colon - listen) : 0 };
	bool is_v6 = host.n > 2 && host.at[0] == '[' && host.at[host.n - 1] == ']';
	if (is_v6)
		host = (struct str){ host.at + 1, host.n - 2 };
	if (!host.n || str_has(host, ':') != is_v6 || !str_int(str_z(colon + 1), &port) ||
	    port < 0 || port > 65535) {
		report_at(c, spot(root, "listen"),
			  "listen: wanted ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080");
		return;
	}
	c->place.listen_host = arena_str(&c->arena, host);
	c->place.listen_port = (int)port;
}

/* Whoever started us tells in the environment where it listens (sd_notify(3)). */
static void read_supervisor(struct config *c)
{
	const char *socket = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC");
	int64_t wants_us = 0;
	c->place.supervisor = socket ? arena_z(&c->arena, socket) : "";
	if (usec && str_int(str_z(usec), &wants_us) && wants_us > 0)
		c->place.watchdog_ms = wants_us / 1000;
}

static void read_place(struct config *c, const struct yaml *root)
{
	bool is_loopback;
	read_listen(c, root);
	read_supervisor(c);
	c->place.database = in_folder(c, text_or(c, root, "database", "securitybot.db"));
	c->place.socket = in_folder(c, text_or(c, root, "socket", "securitybot.sock"));
	const struct yaml *ca = may(c, root, "ca_file", YAML_SCALAR),
			  *proxy = may(c, root, "proxy", YAML_SCALAR);
	c->place.ca_file = ca ? in_folder(c, arena_str(&c->arena, ca->text)) : "";
	c->place.proxy = proxy ? arena_str(&c->arena, proxy->text) : "";
	if (proxy && !str_starts(proxy->text, STR("http://")))
		report_at(c, proxy, "proxy: wanted http://HOST:PORT");
	else if (proxy) { /* what is asked through it is TLS, so it may be anywhere */
		struct str as_https = str_z(arena_f(&c->arena, "https://%s", c->place.proxy + 7));
		const char *complaint = url_complaint(as_https, &is_loopback);
		if (complaint)
			report_at(c, proxy, "proxy: wanted http://HOST:PORT");
	}
}

/* The URL that wants to hear every minute that we live. A query is fine here; it is never logged.
 */
static void read_heartbeat(struct config *c, const struct yaml *root)
{
	const struct yaml *y = may(c, root, "heartbeat", YAML_SCALAR);
	struct str place, query;
	bool is_loopback;
	if (!y)
		return;
	(void)str_cut(y->text, '?', &place, &query);
	const char *complaint = url_complaint(place, &is_loopback);
	for (size_t i = 0; i < query.n; i++)
		if (query.at[i] <= ' ' || query.at[i] == '#')
			complaint = "wanted a URL without spaces and #";
	if (complaint)
		report_at(c, y, "heartbeat: %s", complaint);
	c->policy.heartbeat_url = arena_str(&c->arena, y->text);
}

void settings_read(struct config *c, const char *file)
{
	static const char *const keys[] = { "listen",     "database",  "socket",    "ca_file",
					    "proxy",      "slack",     "sources",   "people",
					    "analysts",   "pager",     "playbooks", "mac_key",
					    "connectors", "audit_key", "heartbeat", NULL };
	struct fail fail;
	struct str text;
	const struct yaml *root = NULL;
	if (file_read(&c->arena, file, &text, &fail) != RC_OK ||
	    !(root = yaml_parse(text, arena_z(&c->arena, file), &c->arena, &fail))) {
		report_fail(c, &fail);
		return;
	}
	check_keys(c, root, keys);
	read_place(c, root);
	c->playbooks_folder = in_folder(c, text_or(c, root, "playbooks", "playbooks"));
	c->connectors_folder = in_folder(c, text_or(c, root, "connectors", "connectors"));
	read_secret(c, root, "mac_key", "MAC_KEY", &c->policy.mac_key);
	if (c->needs_secrets && c->policy.mac_key.n && c->policy.mac_key.n < MAC_KEY_MIN)
		report_at(c, spot(root, "mac_key"),
			  "mac_key: wanted %d characters or more (openssl rand -hex 32)",
			  MAC_KEY_MIN);
	read_slack(c, want(c, root, "slack", YAML_MAP));
	sources_read(c, want(c, root, "sources", YAML_MAP));
	read_people(c, may(c, root, "people", YAML_MAP));
	read_analysts(c, may(c, root, "analysts", YAML_LIST));
	pagers_read(c, root);
	read_secret(c, root, "audit_key", "AUDIT_KEY", &c->policy.audit_key);
	if (c->needs_secrets && c->policy.audit_key.n && c->policy.audit_key.n < MAC_KEY_MIN)
		report_at(c, spot(root, "audit_key"),
			  "audit_key: wanted %d characters or more (openssl rand -hex 32)",
			  MAC_KEY_MIN);
	c->policy.heartbeat_url = "";
	read_heartbeat(c, root);
}
