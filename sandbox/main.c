/* main: the sandbox's command line. It alone reads the clock and the kernel's chance; the model
 * gets the time and a seed as values. */
#include "base/log.h"
#include "base/text.h"
#include "sandbox/server.h"
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

static int64_t clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void chance(uint8_t out[16])
{
	if (getrandom(out, 16, 0) != 16)
		abort(); /* the kernel gives 16 bytes at once or is broken */
}

static const char usage[] =
	"usage: sandbox [--listen ADDRESS:PORT] [--limits=slack|fast] [--seed N]\n"
	"               [--bot URL --bot-token-file FILE] [--shelf DIR]\n"
	"\n"
	"A Slack workspace and a pager on your own machine, to try SecurityBot in.\n"
	"  --listen ADDRESS:PORT   a loopback address; port 0 takes any (default 127.0.0.1:4780)\n"
	"  --limits=slack|fast     pace like Slack (429), or never (default slack)\n"
	"  --seed N                ids, tickets and the choice of the socket (default 1)\n"
	"  --bot URL               where the bot takes alerts, for the page's shelf\n"
	"  --bot-token-file FILE   its bearer token\n"
	"  --shelf DIR             alerts that lie ready, one JSON file each\n";

/* "127.0.0.1:4780", "[::1]:0", "localhost:0": false unless it is loopback. */
static bool listen_read(const char *z, char *address, size_t size, int *port)
{
	const char *colon = strrchr(z, ':');
	int64_t n;
	if (!colon || !str_int(str_z(colon + 1), &n) || n < 0 || n > 65535)
		return false;
	struct str host = { z, (size_t)(colon - z) };
	if (str_is(host, "localhost"))
		host = STR("127.0.0.1");
	else if (str_is(host, "[::1]"))
		host = STR("::1");
	else if (!str_starts(host, STR("127.")) || strspn(z, "0123456789.") != host.n)
		return false;
	(void)snprintf(address, size, "%.*s", STR_ARG(host));
	*port = (int)n;
	return true;
}

static int refuse(const char *why)
{
	(void)fprintf(stderr, "sandbox: %s\n%s", why, usage);
	return EX_USAGE;
}

/* -1: go on; else the exit code. */
static int options_read(int argc, char **argv, struct server_options *o, char address[64])
{
	static const struct option flags[] = { { "listen", required_argument, NULL, 'l' },
					       { "limits", required_argument, NULL, 'm' },
					       { "seed", required_argument, NULL, 's' },
					       { "bot", required_argument, NULL, 'b' },
					       { "bot-token-file", required_argument, NULL, 't' },
					       { "shelf", required_argument, NULL, 'd' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	int64_t seed;
	for (int c; (c = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
		switch (c) {
		case 'l':
			if (!listen_read(optarg, address, 64, &o->port))
				return refuse("--listen wants a loopback address and a port, such "
					      "as 127.0.0.1:4780");
			break;
		case 'm':
			if (strcmp(optarg, "slack") != 0 && strcmp(optarg, "fast") != 0)
				return refuse("--limits is slack or fast");
			o->slack_limits = optarg[0] == 's';
			break;
		case 's':
			if (!str_int(str_z(optarg), &seed))
				return refuse("--seed wants a number");
			o->seed = (uint64_t)seed;
			break;
		case 'b': o->bot_url = optarg; break;
		case 't': o->bot_token_file = optarg; break;
		case 'd': o->shelf = optarg; break;
		case 'h': (void)fputs(usage, stdout); return EX_OK;
		default: return refuse("unknown option");
		}
	}
	return optind < argc ? refuse("no arguments are wanted") : -1;
}

int main(int argc, char **argv)
{
	char address[64] = "127.0.0.1";
	struct server_options o = { .port = 4780,
				    .slack_limits = true,
				    .seed = 1,
				    .clock_ms = clock_ms,
				    .chance = chance };
	int code = options_read(argc, argv, &o, address);
	if (code >= 0)
		return code;
	o.address = address;
	log_clock(clock_ms);
	(void)signal(SIGPIPE, SIG_IGN);
	return server_run(&o);
}
