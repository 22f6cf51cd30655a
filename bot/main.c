/* main: the command line and the wiring. The only file that knows all rooms; it decides nothing.
 * Exit codes are sysexits(3); data goes to standard output, log lines to standard error. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "check.h"
#include "config/config.h"
#include "door/door.h"
#include "io/io.h"
#include "lang/jq.h"
#include "main_parts.h"
#include "store/store.h"
#include "turn.h"

#define VERSION "0.1.0"

enum { REPLY_BYTES_MAX = 64 * 1024, PATH_BYTES_MAX = 4096 };
static_assert((int)IO_BODY_BYTES_MAX == (int)DOOR_BODY_MAX, "one ceiling for a body");

static const char usage[] =
	"Usage: securitybot COMMAND [OPTION]...\n"
	"\n"
	"  run                        the bot, until SIGTERM\n"
	"  check                      read everything that is configured, run the tests of "
	"playbooks\n"
	"                             and connectors, render every message with hostile words\n"
	"  check --limits             print every ceiling and what happens at it\n"
	"  alert FILE --source NAME   hand one alert (JSON; - for standard input) to the running "
	"bot\n"
	"  audit verify               hold the record against its chain and name what was altered\n"
	"  audit accept-restore       yes, the database is an older one, and that was meant\n"
	"  audit case SB-7            all that is on record about one case; --json: an object a "
	"line\n"
	"  backup FILE                a copy of the database, whole and checked; --force replaces "
	"FILE\n"
	"\n"
	"  --config FILE   default securitybot.yaml\n"
	"  --socket PATH   the bot's local socket, instead of the one in the configuration\n"
	"  --db FILE       audit: this copy, instead of the bot's database\n"
	"  --anchor SEQ:DIGEST   audit: as an audit.anchor line of the log had it\n"
	"  --help, --version\n"
	"\n"
	"Exit codes: 0 done, 64 usage, 65 refused or a failed test, 66 no such file, 69 bot not\n"
	"running, 71 the system refuses, 73 can't write there, 75 try again, 78 configuration.\n";

/* --- configuration --- */

static void say_on_stdout(void *self, const char *line)
{
	(void)self;
	(void)puts(line);
}

static void say_in_log(void *self, const char *line)
{
	(void)self;
	log_line(LOG_LEVEL_ERROR, "config.error", "text=\"%s\"", line);
}

/* --- check --- */

static int print_limits(void)
{
	static const struct {
		const char *what, *at_it;
		long value;
	} limits[] = {
		{ "HTTP body, bytes", "413", IO_BODY_BYTES_MAX },
		{ "HTTP headers of a request, bytes", "the connection is dropped",
		  IO_HEADER_BYTES_MAX },
		{ "HTTP bodies being received, bytes in sum", "503", IO_BODIES_BYTES_MAX },
		{ "HTTP connections", "the connection is dropped", IO_CONNECTIONS_MAX },
		{ "HTTP request, ms", "408", IO_REQUEST_MS },
		{ "JSON depth", "400", JSON_DEPTH_MAX },
		{ "alerts in one body", "413", DOOR_EACH_MAX },
		{ "arrivals a turn", "503; Slack waits for its acknowledgement", TURN_BATCH_MAX },
		{ "requests claimed a turn", "the next turn", TURN_CLAIMS_MAX },
		{ "due rows a turn, of a kind", "the next turn", TURN_DUE_MAX },
		{ "pages of a backup a turn", "the next turn", BACKUP_PAGES },
		{ "ballast beside the database, bytes", "given back on a full disk",
		  STORE_BALLAST_BYTES },
		{ "free on the database's disk, percent, if under", "503 to sources with can_wait",
		  STORE_LOW_PERCENT },
		{ "  as well as bytes", "a trouble, one page", STORE_LOW_BYTES },
		{ "WebSocket message, bytes", "closed with 1009", IO_FRAME_BYTES_MAX },
		{ "WebSockets", "the dial fails", IO_SOCKETS_MAX },
		{ "WebSocket until it is up, ms", "the dial fails", IO_DIAL_MS },
		{ "WebSocket from Close to the end, ms", "the connection is dropped",
		  IO_HANG_UP_MS },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)printf("%-46s %9ld  %s\n", limits[i].what, limits[i].value, limits[i].at_it);
	return EX_OK;
}

static int run_check(const struct command_line *line)
{
	struct config_report report = { .say = say_on_stdout };
	size_t run = 0;

	if (line->wants_limits)
		return print_limits();
	struct config *c = config_load(line->config, false, &report);
	if (c == NULL) {
		(void)printf("%zu errors\n", report.errors);
		return EX_CONFIG;
	}
	const size_t failed = check_all(c, &report, &run);
	config_free(c);
	(void)printf("%s: %s\n%zu passed, %zu failed\n", line->config,
		     failed == 0 ? "ok" : "not as it should be", run - failed, failed);
	return failed == 0 ? EX_OK : EX_DATAERR;
}

/* --- alert --- */

static int read_file(const char *path, struct buf *out)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	char piece[4096];
	size_t n;

	if (f == NULL) {
		(void)fprintf(stderr, "securitybot: %s: %s\n", path, strerror(errno));
		return EX_NOINPUT;
	}
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, (struct str){ piece, n });
	const bool is_bad = ferror(f) != 0;
	if (!is_stdin)
		(void)fclose(f);
	if (is_bad) {
		(void)fprintf(stderr, "securitybot: %s: can't be read\n", path);
		return EX_NOINPUT;
	}
	if (out->broken) {
		(void)fprintf(stderr, "securitybot: %s: over %zu bytes\n", path, out->limit);
		return EX_DATAERR;
	}
	return EX_OK;
}

static int exit_of(int status)
{
	if (status >= 200 && status < 300)
		return EX_OK;
	return status == 429 || status >= 500 ? EX_TEMPFAIL : EX_DATAERR;
}

static int post_alert(const struct command_line *line, const char *socket, struct str body)
{
	struct buf path CLEANUP(buf_free) = BUF(512),
			reply CLEANUP(buf_free) = BUF(REPLY_BYTES_MAX);
	struct fail fail = { 0 };
	int status = 0;

	buf_addz(&path, "/v1/alerts/");
	buf_add_url(&path, str_z(line->source));
	if (path.broken) {
		(void)fprintf(stderr, "securitybot: the source's name is too long\n");
		return EX_USAGE;
	}
	const struct local_call call = { .socket_path = socket,
					 .path = buf_z(&path),
					 .content_type = "application/json",
					 .body = body };
	const enum rc rc = local_post(&call, &status, &reply, &fail);
	if (rc != RC_OK) {
		(void)fprintf(stderr, "securitybot: %s\n", fail.why);
		return rc == RC_ABSENT ? EX_UNAVAILABLE : EX_TEMPFAIL;
	}
	(void)printf("%s\n", buf_z(&reply));
	return exit_of(status);
}

static int run_alert(const struct command_line *line)
{
	struct buf body CLEANUP(buf_free) = BUF(DOOR_BODY_MAX);
	struct config_report report = { .say = say_in_log };
	struct config *c = NULL;

	if (line->file == NULL || line->source == NULL) {
		(void)fputs("securitybot: alert needs FILE and --source NAME\n", stderr);
		return EX_USAGE;
	}
	int code = read_file(line->file, &body);
	if (code != EX_OK)
		return code;
	if (line->socket == NULL) {
		c = config_load(line->config, false, &report);
		if (c == NULL)
			return EX_CONFIG;
	}
	code = post_alert(line, c != NULL ? config_place(c).socket : line->socket, buf_str(&body));
	config_free(c);
	return code;
}

/* --- run --- */

struct bot {
	struct config *config;
	struct store *store;
	struct io *io;
	struct turn *turn;
	char *crumb;
	struct anchor anchor;
	const char *headers[DOOR_HEADERS_MAX]; /* that io copies for the door */
};

enum { FILES_MIN = 1024, ALIVE_MS = 10 * 1000, SLOW_MS = 1000 };

/* Connections at the door, requests and sockets together stay below; a shell may give us less. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= FILES_MIN)
		return;
	files.rlim_cur = files.rlim_max < FILES_MIN ? files.rlim_max : FILES_MIN;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < FILES_MIN)
		log_line(LOG_LEVEL_WARN, "files.few", "limit=%lld wanted=%d",
			 (long long)files.rlim_cur, FILES_MIN);
}

/* Tokens and raw alerts are in our memory: no core file, no debugger of the same user. */
static void harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(077);    /* the database, too */
#ifndef __SANITIZE_ADDRESS__ /* whose leak check is a debugger */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static bool take(void *self, const struct arrival *a)
{
	return turn_take(((struct bot *)self)->turn, a);
}

static struct clocks clocks(void)
{
	struct io_clocks now;
	struct clocks c;

	static_assert(sizeof(c.chance.bytes) == sizeof(now.chance), "32 bytes of chance");
	io_clocks(&now);
	c.wall_ms = now.wall_ms;
	c.boot_ms = now.boot_ms;
	c.is_wall_unsure = now.is_wall_unsure;
	memcpy(c.chance.bytes, now.chance, sizeof(now.chance));
	return c;
}

static const char restored[] = "The database is older than the anchor beside it: a backup was put "
			       "in its place, or somebody "
			       "took records away. What was done since is not known to the bot. If "
			       "it was you: securitybot "
			       "audit accept-restore.";

/* The order matters: the database's lock says that we are the only one, so that the sockets may be
 * taken over; the turn is made last and begins with what the last life left. */
static int bot_open(struct bot *b, const struct config_place *place, struct fail *fail)
{
	char crumb_path[PATH_BYTES_MAX];
	const struct io_options o = { .listen_host = place->listen_host,
				      .listen_port = place->listen_port,
				      .socket_path = place->socket,
				      .headers = b->headers,
				      .ca_file = place->ca_file,
				      .proxy = place->proxy,
				      .take = take,
				      .self = b };

	door_headers(config_policy(b->config), b->headers);
	if (store_open(place->database, NULL, &b->store, fail) != RC_OK)
		return fail->rc == RC_REFUSED     ? EX_CONFIG
		       : fail->rc == RC_MALFORMED ? EX_DATAERR
						  : EX_TEMPFAIL;
	store_measure(b->store, NULL);
	(void)snprintf(crumb_path, sizeof(crumb_path), "%s.crumb", place->database);
	b->crumb = crumb_map(crumb_path, CRUMB_BYTES, fail);
	if (b->crumb == NULL || io_open(&o, &b->io, fail) != RC_OK)
		return EX_OSERR;
	const struct turn_options t = { .policy = config_policy(b->config),
					.store = b->store,
					.net = io_net(b->io),
					.crumb = b->crumb };
	const struct clocks now = clocks();
	b->turn = turn_new(&t, &now, fail);
	if (b->turn == NULL)
		return EX_TEMPFAIL;
	char doubt[256];
	anchor_open(&b->anchor, place->database, &t.policy->audit_key);
	anchor_check(&b->anchor, b->store, doubt, sizeof(doubt));
	if (b->anchor.is_restored)
		turn_restored(b->turn, restored);
	else if (doubt[0] != '\0')
		turn_doubt(b->turn, doubt);
	return EX_OK;
}

static void bot_close(struct bot *b)
{
	io_close(b->io);
	turn_free(b->turn);
	crumb_unmap(b->crumb, CRUMB_BYTES);
	store_close(b->store);
}

static void say_listening(const struct bot *b, const struct config_place *place)
{
	const bool is_v6 = strchr(place->listen_host, ':') != NULL;

	if (io_port(b->io) > 0)
		log_line(LOG_LEVEL_NOTICE, "door.listening", "port=%d url=\"http://%s%s%s:%d\"",
			 io_port(b->io), is_v6 ? "[" : "", place->listen_host, is_v6 ? "]" : "",
			 io_port(b->io));
	log_line(LOG_LEVEL_NOTICE, "bot.running", "version=%s database=%s socket=%s", VERSION,
		 place->database, place->socket);
}

/* Said after a turn that finished: a loop that hangs in the disk is ended by whoever listens. */
static int64_t say_alive(const struct config_place *place, const struct clocks *now,
			 int64_t *next_boot_ms)
{
	const int64_t every_ms = place->watchdog_ms > 0 ? place->watchdog_ms / 3 + 1 : ALIVE_MS;

	if (place->supervisor[0] == '\0')
		return NEVER_MS;
	if (now->boot_ms >= *next_boot_ms) {
		supervisor_tell(place->supervisor, *next_boot_ms ? "WATCHDOG=1" : "READY=1");
		*next_boot_ms = now->boot_ms + every_ms;
	}
	return now->wall_ms + (*next_boot_ms - now->boot_ms);
}

/* Mostly a disk that takes its time to sync: nothing is lost by it, but Slack waits three seconds.
 */
static void say_slow(int64_t from_boot_ms, int64_t to_boot_ms)
{
	static uint64_t slow;

	if (to_boot_ms - from_boot_ms < SLOW_MS)
		return;
	slow++;
	log_line(LOG_LEVEL_WARN, "turn.slow", "ms=%lld so_far=%llu",
		 (long long)(to_boot_ms - from_boot_ms), (unsigned long long)slow);
}

/* The first turn is the recovery: what is due, what was under way. */
static int bot_live(struct bot *b, const struct config_place *place)
{
	for (int64_t alive_boot_ms = 0;;) {
		const struct clocks now = clocks();
		const int64_t due_ms = turn_run(b->turn, &now);
		say_slow(now.boot_ms, clocks().boot_ms);
		if (due_ms == TURN_BROKEN)
			return EX_TEMPFAIL; /* the supervisor starts us again; nothing is lost */
		b->anchor.is_restored = turn_is_restored(b->turn);
		const int64_t anchor_ms =
			now.wall_ms +
			anchor_keep(&b->anchor, b->store, now.boot_ms, due_ms == TURN_STOPPED);
		if (due_ms == TURN_STOPPED)
			return EX_OK;
		mem_give_back(now.boot_ms);
		const int64_t alive_ms = say_alive(place, &now, &alive_boot_ms);
		if (!io_wait(b->io, when_earlier(due_ms, when_earlier(anchor_ms, alive_ms))))
			return EX_TEMPFAIL;
	}
}

static int run_run(const struct command_line *line)
{
	struct config_report report = { .say = say_in_log };
	struct bot b = { 0 };
	struct fail fail = { 0 };

	mem_settle();
	harden();
	raise_file_limit();
	log_clock(io_wall_ms);
	b.config = config_load(line->config, true, &report);
	if (b.config == NULL)
		return EX_CONFIG;
	const struct config_place place = config_place(b.config);
	int code = bot_open(&b, &place, &fail);
	const bool is_open = code == EX_OK;
	if (is_open) {
		say_listening(&b, &place);
		code = bot_live(&b, &place);
		supervisor_tell(place.supervisor, "STOPPING=1");
		log_line(LOG_LEVEL_NOTICE, "bot.stopped", "code=%d", code);
	} else {
		log_line(LOG_LEVEL_ERROR, "bot.failed", "why=\"%s\"", fail.why);
	}
	bot_close(&b);
	if (!is_open && (code == EX_DATAERR || code == EX_TEMPFAIL)) /* the database's codes */
		page_unusable(b.config, fail.why);
	config_free(b.config);
	return code;
}

/* --- the command line --- */

static const struct {
	const char *name;
	int (*run)(const struct command_line *line);
} commands[] = {
	{ "run", run_run },     { "check", run_check },   { "alert", run_alert },
	{ "audit", run_audit }, { "backup", run_backup },
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct command_line *line)
{
	enum { CONFIG = 1, SOURCE, SOCKET, DB, ANCHOR, FORCE, JSON, LIMITS, HELP, VERSION_ };
	static const struct option options[] = {
		{ "config", required_argument, NULL, CONFIG },
		{ "source", required_argument, NULL, SOURCE },
		{ "socket", required_argument, NULL, SOCKET },
		{ "db", required_argument, NULL, DB },
		{ "anchor", required_argument, NULL, ANCHOR },
		{ "force", no_argument, NULL, FORCE },
		{ "json", no_argument, NULL, JSON },
		{ "limits", no_argument, NULL, LIMITS },
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERSION_ },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case CONFIG: line->config = optarg; break;
		case SOURCE: line->source = optarg; break;
		case SOCKET: line->socket = optarg; break;
		case DB: line->db = optarg; break;
		case ANCHOR: line->anchor = optarg; break;
		case FORCE: line->may_replace = true; break;
		case JSON: line->wants_json = true; break;
		case LIMITS: line->wants_limits = true; break;
		case HELP: (void)fputs(usage, stdout); return EX_OK;
		case VERSION_: (void)puts("securitybot " VERSION); return EX_OK;
		default: (void)fputs(usage, stderr); return EX_USAGE;
		}
	}
	return -1;
}

/* getopt_long has moved what is no option to the end: COMMAND, and the words behind it. */
static int run_command(int argc, char **argv, struct command_line *line)
{
	const char *name = optind < argc ? argv[optind] : "";
	const int rest = argc - optind - 1;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const bool takes_word = commands[i].run != run_run && commands[i].run != run_check;
		const int most = commands[i].run == run_audit ? 2 : takes_word ? 1 : 0;
		if (strcmp(name, commands[i].name) != 0 || rest > most)
			continue;
		line->file = rest >= 1 ? argv[optind + 1] : NULL;
		line->subject = rest == 2 ? argv[optind + 2] : NULL;
		return commands[i].run(line);
	}
	(void)fputs(usage, stderr);
	return EX_USAGE;
}

int main(int argc, char **argv)
{
	struct command_line line = { .config = "securitybot.yaml" };
	const int code = read_options(argc, argv, &line);

	jq_forget_home(); /* before any thread exists */
	return code >= 0 ? code : run_command(argc, argv, &line);
}
