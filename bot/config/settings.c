/* settings: securitybot.yaml. Unknown keys and wrong types are errors with file and line. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

static const char *text_of(struct config *c, const struct yaml *map, const char *name,
			   const char *otherwise, struct config_report *r)
{
	const struct yaml *y = NULL;
	struct fail fail;
	if (yaml_may(map, name, YAML_SCALAR, &y, &fail) != RC_OK)
		report_fail(r, &fail);
	return y ? arena_str(&c->arena, y->text) : otherwise;
}

static void check_keys(const struct yaml *map, const char *const *allowed, struct config_report *r)
{
	struct fail fail;
	if (map && yaml_check_keys(map, allowed, &fail) != RC_OK)
		report_fail(r, &fail);
}

static const struct yaml *part(const struct yaml *map, const char *name, enum yaml_kind kind,
			       bool must, struct config_report *r)
{
	const struct yaml *y = NULL;
	struct fail fail;
	enum rc rc =
		must ? yaml_want(map, name, kind, &y, &fail) : yaml_may(map, name, kind, &y, &fail);
	if (rc != RC_OK)
		report_fail(r, &fail);
	return rc == RC_OK ? y : NULL;
}

static void read_secret(struct config *c, const struct yaml *at, struct str reference,
			struct secret *out, struct config_report *r)
{
	struct fail fail;
	enum rc rc = secret_resolve(&c->arena, reference, out, &fail);
	if (rc == RC_MALFORMED || (rc != RC_OK && c->needs_secrets))
		report_at(r, at, "%s", fail.why);
}

static const char *in_folder(struct config *c, const char *path)
{
	return path[0] == '/' ? path : arena_f(&c->arena, "%s%s", c->folder, path);
}

/* --- slack: --- */

static bool is_loopback(struct str host)
{
	return str_is(host, "localhost") || str_starts(host, STR("127.")) || str_is(host, "[::1]");
}

static void read_api_url(struct config *c, const struct yaml *slack, struct config_report *r)
{
	const char *from_env = getenv("SLACK_API_URL");
	const char *url = from_env && from_env[0]
				  ? from_env
				  : text_of(c, slack, "api_url", "https://slack.com/api/", r);
	struct str u = str_z(url), host, port, rest;
	bool plain = str_starts(u, STR("http://"));
	if (!plain && !str_starts(u, STR("https://"))) {
		report_at(r, slack,
			  "slack.api_url must begin with https:// (or http:// for a loopback "
			  "emulator)");
		return;
	}
	str_cut((struct str){ u.at + (plain ? 7 : 8), u.n - (plain ? 7 : 8) }, '/', &host, &rest);
	if (host.n && host.at[0] != '[')
		str_cut(host, ':', &host, &port);
	else if (str_starts(host, STR("[::1]")))
		host.n = 5;
	if (plain && !is_loopback(host))
		report_at(r, slack, "slack.api_url: plain http:// is for loopback addresses only");
	c->policy.api_url = u.n && u.at[u.n - 1] == '/' ? url : arena_f(&c->arena, "%s/", url);
	const char *pacing = text_of(c, slack, "pacing", "on", r);
	c->policy.pacing = strcmp(pacing, "off") != 0;
	if (strcmp(pacing, "on") != 0 && strcmp(pacing, "off") != 0)
		report_at(r, slack, "slack.pacing: wanted on or off");
	if (!c->policy.pacing && !is_loopback(host))
		report_at(r, slack, "slack.pacing: off is for a loopback api_url only");
}

static void read_slack(struct config *c, const struct yaml *slack, struct config_report *r)
{
	static const char *const keys[] = { "channel",   "api_url",   "pacing",
					    "app_token", "bot_token", NULL };
	check_keys(slack, keys, r);
	const char *channel = text_of(c, slack, "channel", "", r);
	if ((channel[0] != 'C' && channel[0] != 'G') || strlen(channel) < 9)
		report_at(r, slack,
			  "slack.channel: wanted the id of the analysts' channel, such as "
			  "C0123456789 "
			  "(channel details, at the bottom)");
	c->policy.channel = channel;
	read_api_url(c, slack, r);
	read_secret(c, slack, str_z(text_of(c, slack, "app_token", "${secret:SLACK_APP_TOKEN}", r)),
		    &c->policy.app_token, r);
	read_secret(c, slack, str_z(text_of(c, slack, "bot_token", "${secret:SLACK_BOT_TOKEN}", r)),
		    &c->policy.bot_token, r);
	if (c->needs_secrets && c->policy.app_token.n &&
	    !str_starts(secret_str(&c->policy.app_token), STR("xapp-")))
		report_at(r, slack, "slack.app_token: an app-level token begins with xapp-");
	if (c->needs_secrets && c->policy.bot_token.n &&
	    !str_starts(secret_str(&c->policy.bot_token), STR("xoxb-")))
		report_at(r, slack, "slack.bot_token: a bot token begins with xoxb-");
}

/* --- lists --- */

static void read_sources(struct config *c, const struct yaml *sources, struct config_report *r)
{
	static const char *const keys[] = { "bearer", NULL };
	struct source *list = arena_many(&c->arena, struct source, SOURCES_MAX);
	size_t n = 0;
	for (const struct yaml *s = sources ? sources->first : NULL; s; s = s->next) {
		const char *reference = text_of(c, s, "bearer", "", r);
		check_keys(s, keys, r);
		size_t len = strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-");
		if (s->name[len] || len < 1 || len > 40)
			report_at(r, s, "sources: %s: a name has 1 to 40 of a-z, 0-9 and -",
				  s->name);
		if (n == SOURCES_MAX) {
			report_at(r, s, "sources: more than %d", SOURCES_MAX);
			break;
		}
		if (!reference[0])
			report_at(r, s, "sources.%s: wanted bearer: ${secret:NAME}", s->name);
		else
			read_secret(c, s, str_z(reference), &list[n].bearer, r);
		list[n++].name = s->name;
	}
	c->policy.sources = list;
	c->policy.sources_n = n;
}

static bool is_slack_id(struct str s) { return s.n >= 8 && (s.at[0] == 'U' || s.at[0] == 'W'); }

static void read_people(struct config *c, const struct yaml *people, struct config_report *r)
{
	struct known_person *list =
		arena_many(&c->arena, struct known_person, people ? people->n + 1 : 1);
	size_t n = 0;
	c->policy.people_domain = "";
	if (people && people->n > PEOPLE_MAX)
		report_at(r, people, "people: more than %d", PEOPLE_MAX);
	for (const struct yaml *p = people ? people->first : NULL; p; p = p->next) {
		if (p->kind != YAML_SCALAR || !p->text.n) {
			report_at(r, p, "people.%s: wanted an e-mail address or a Slack id",
				  p->name);
			continue;
		}
		const char *value = arena_str(&c->arena, p->text);
		if (strcmp(p->name, "domain") == 0)
			c->policy.people_domain = value;
		else if (str_has(p->text, '@'))
			list[n++] = (struct known_person){ p->name, value, "" };
		else if (is_slack_id(p->text))
			list[n++] = (struct known_person){ p->name, "", value };
		else
			report_at(r, p, "people.%s: %s is neither an e-mail address nor a Slack id",
				  p->name, value);
	}
	c->policy.people = list;
	c->policy.people_n = n;
}

static void read_analysts(struct config *c, const struct yaml *analysts, struct config_report *r)
{
	const char **list = arena_many(&c->arena, const char *, analysts ? analysts->n + 1 : 1);
	size_t n = 0;
	for (const struct yaml *a = analysts ? analysts->first : NULL; a; a = a->next) {
		if (a->kind != YAML_SCALAR || !is_slack_id(a->text))
			report_at(r, a, "analysts: wanted Slack ids such as U0123456789");
		else
			list[n++] = arena_str(&c->arena, a->text);
	}
	c->policy.analysts = list;
	c->policy.analysts_n = n;
}

static void read_pager(struct config *c, const struct yaml *pager, struct config_report *r)
{
	c->pager = text_of(c, pager, "connector", "", r);
	if (pager && !c->pager[0])
		report_at(r, pager,
			  "pager.connector: wanted the name of a file in the connectors folder, "
			  "such as pagerduty");
	c->pager_config = pager ? yaml_to_json(pager) : json_object();
	json_drop(c->pager_config, "connector");
	c->policy.pager_config = c->pager_config;
}

static void read_listen(struct config *c, const struct yaml *root, struct config_report *r)
{
	const struct yaml *at = yaml_key(root, "listen");
	struct str host, port;
	int64_t n = 0;
	if (!str_cut(str_z(text_of(c, root, "listen", "127.0.0.1:8080", r)), ':', &host, &port) ||
	    !host.n || !str_int(port, &n) || n < 0 || n > 65535) {
		report_at(r, at ? at : root, "listen: wanted ADDRESS:PORT such as 127.0.0.1:8080");
		return;
	}
	c->place.listen_host = arena_str(&c->arena, host);
	c->place.listen_port = (int)n;
}

void settings_read(struct config *c, const char *file, struct config_report *r)
{
	static const char *const keys[] = { "listen",   "database", "socket",    "ca_file",
					    "proxy",    "slack",    "sources",   "people",
					    "analysts", "pager",    "playbooks", "connectors",
					    "mac_key",  NULL };
	struct fail fail;
	struct str text;
	const struct yaml *root = NULL;
	if (file_read(&c->arena, file, &text, &fail) != RC_OK ||
	    !(root = yaml_parse(text, arena_z(&c->arena, file), &c->arena, &fail))) {
		report_fail(r, &fail);
		return;
	}
	check_keys(root, keys, r);
	read_listen(c, root, r);
	c->place.database = in_folder(c, text_of(c, root, "database", "securitybot.db", r));
	c->place.socket = in_folder(c, text_of(c, root, "socket", "securitybot.sock", r));
	c->place.ca_file = text_of(c, root, "ca_file", "", r);
	c->place.proxy = text_of(c, root, "proxy", "", r);
	c->playbooks_folder = in_folder(c, text_of(c, root, "playbooks", "playbooks", r));
	c->connectors_folder = in_folder(c, text_of(c, root, "connectors", "connectors", r));
	read_secret(c, root, str_z(text_of(c, root, "mac_key", "${secret:MAC_KEY}", r)),
		    &c->policy.mac_key, r);
	if (c->needs_secrets && c->policy.mac_key.n && c->policy.mac_key.n < 32)
		report_at(r, root, "mac_key: wanted 32 characters or more (openssl rand -hex 32)");
	const struct yaml *slack = part(root, "slack", YAML_MAP, true, r);
	if (slack)
		read_slack(c, slack, r);
	read_sources(c, part(root, "sources", YAML_MAP, true, r), r);
	read_people(c, part(root, "people", YAML_MAP, false, r), r);
	read_analysts(c, part(root, "analysts", YAML_LIST, false, r), r);
	read_pager(c, part(root, "pager", YAML_MAP, true, r), r);
}
