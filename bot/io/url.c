/* url: reads the addresses that ws_out dials. Pure; called by ws_out.c and loop.c. */
#include <stdio.h>
#include <string.h>

#include "io/inside.h"

/* HOST, HOST:PORT, [V6], [V6]:PORT. */
static bool read_authority(struct str s, int default_port, char host[HOST_BYTES_MAX + 1], int *port)
{
	struct str name, tail;
	int64_t number = default_port;
	bool has_port;

	if (str_starts(s, STR("["))) {
		if (!str_cut((struct str){ s.at + 1, s.n - 1 }, ']', &name, &tail))
			return false;
		has_port = tail.n > 0;
		if (has_port && tail.at[0] != ':')
			return false;
		if (has_port)
			tail = (struct str){ tail.at + 1, tail.n - 1 };
	} else {
		has_port = str_cut(s, ':', &name, &tail);
	}
	if (has_port && !str_int(tail, &number))
		return false;
	if (number < 1 || number > 65535 || name.n == 0 || name.n > HOST_BYTES_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		const char c = name.at[i];
		if (c <= ' ' || c >= 0x7f || strchr("@[]/\\", c) != NULL)
			return false;
	}
	memcpy(host, name.at, name.n);
	host[name.n] = '\0';
	*port = (int)number;
	return true;
}

bool ws_url_read(struct str url, struct ws_url *out)
{
	struct str rest;
	size_t n = 0;

	out->is_tls = str_starts(url, STR("wss://"));
	if (!out->is_tls && !str_starts(url, STR("ws://")))
		return false;
	const size_t scheme_n = out->is_tls ? 6 : 5;
	rest = (struct str){ url.at + scheme_n, url.n - scheme_n };
	while (n < rest.n && rest.at[n] != '/' && rest.at[n] != '?' && rest.at[n] != '#')
		n++;
	const int default_port = out->is_tls ? 443 : 80;
	if (!read_authority((struct str){ rest.at, n }, default_port, out->host, &out->port))
		return false;
	rest = (struct str){ rest.at + n, rest.n - n };
	for (size_t i = 0; i < rest.n; i++) {
		if (rest.at[i] <= ' ' || rest.at[i] >= 0x7f || rest.at[i] == '#')
			return false;
	}
	if (rest.n + 1 > PATH_BYTES_MAX)
		return false;
	(void)snprintf(out->path, sizeof(out->path), "%s%.*s",
		       str_starts(rest, STR("/")) ? "" : "/", STR_ARG(rest));
	/* libwebsockets takes the certificate's name from here, up to the first colon: of a v6
	 * address nothing would be left, and nothing would be checked. */
	const bool is_v6 = strchr(out->host, ':') != NULL;
	if (is_v6 && out->is_tls)
		return false;
	if (out->port == default_port || is_v6)
		(void)snprintf(out->authority, sizeof(out->authority), "%s", out->host);
	else
		(void)snprintf(out->authority, sizeof(out->authority), "%s:%d", out->host,
			       out->port);
	return true;
}

bool proxy_read(const char *text, struct proxy *out)
{
	struct str rest = str_z(text);
	const char *at = strrchr(text, '@');

	if (rest.n > PROXY_BYTES_MAX)
		return false;
	if (str_starts(rest, STR("http://")))
		rest = (struct str){ rest.at + 7, rest.n - 7 };
	out->before = (struct str){ rest.at, at != NULL ? (size_t)(at + 1 - rest.at) : 0 };
	rest = (struct str){ rest.at + out->before.n, rest.n - out->before.n };
	if (str_has(rest, '/') && rest.at[rest.n - 1] == '/')
		rest.n--;
	return read_authority(rest, 3128, out->host, &out->port);
}
