/* server: the context, the one callback, the loop and the end of the sandbox's server. Called by
 * main.c. */
#include "sandbox/server.h"
#include "base/json.h"
#include "base/log.h"
#include "sandbox/world.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>

struct session { /* libwebsockets' memory of one connection */
	struct request *rq;
	struct peer *peer;
};

int64_t server_now_ms(const struct server *s) { return s->o.clock_ms(); }

static int on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in,
		    size_t len)
{
	struct session *session = user;
	struct server *s = lws_context_user(lws_get_context(wsi));
	struct str text = { in, len };
	switch (why) {
	case LWS_CALLBACK_HTTP:
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
	case LWS_CALLBACK_HTTP_WRITEABLE:
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		return session ? server_http(s, wsi, &session->rq, why, text) : 0;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return server_ws_admit(s, wsi);
	case LWS_CALLBACK_RAW_RX_FILE: s->is_stopping = true; return -1;
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_CLOSED: return session ? server_ws(s, wsi, &session->peer, why, text) : 0;
	default: return lws_callback_http_dummy(wsi, why, user, in, len);
	}
}

static const struct lws_protocols protocols[] = { { .name = "sandbox",
						    .callback = on_event,
						    .per_session_data_size = sizeof(struct session),
						    .rx_buffer_size = 65536 },
						  { .name = NULL } };

static void lws_said(int level, const char *line)
{
	(void)level;
	log_line(LOG_LEVEL_WARN, "sandbox.lws", "text=\"%.*s\"", (int)strcspn(line, "\n"), line);
}

static struct lws_vhost *listen_at(struct server *s)
{
	static const lws_retry_bo_t never_idle = {
		.retry_ms_table = NULL
	}; /* Slack's pings are the model's business */
	struct lws_context_creation_info info = { .port = CONTEXT_PORT_NO_LISTEN };
	lws_set_log_level(LLL_ERR, lws_said);
	info.user = s;
	info.fd_limit_per_thread = SERVER_FDS_MAX;
	info.pt_serv_buf_size = 65536;
	info.max_http_header_data = 8192;
	info.timeout_secs = 15;
	info.retry_and_idle_policy = &never_idle;
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	s->lws = lws_create_context(&info);
	if (!s->lws)
		return NULL;
	info.port = s->o.port;
	info.iface = s->o.address;
	info.protocols = protocols;
	info.keepalive_timeout = 120;
	return lws_create_vhost(s->lws, &info);
}

/* The loop hears of SIGTERM and SIGINT as of any other file. */
static bool signals_watch(struct lws_vhost *vhost)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return false;
	lws_sock_file_fd_type fd = { .filefd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) };
	return fd.filefd >= 0 &&
	       lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "sandbox", NULL);
}

static void refusals_print(struct server *s)
{
	struct cJSON *ledger = world_control(s->world, "ledger", NULL, server_now_ms(s));
	struct buf text = BUF(1 << 16);
	json_print(json_get(ledger, "refusals"), &text);
	(void)fprintf(stderr, "sandbox refusals %s\n", buf_z(&text));
	buf_free(&text);
	json_free(ledger);
}

static void wake(lws_sorted_usec_list_t *sul) { (void)sul; }

static void loop(struct server *s)
{
	int64_t end_ms = 0;
	while (lws_service(s->lws, 0) >= 0) {
		server_pump(s);
		if (s->is_stopping && !end_ms) {
			end_ms = server_now_ms(s) + CLOSING_MS;
			server_hang_up(s);
			lws_sul_schedule(s->lws, 0, &s->end, wake, CLOSING_MS * 1000);
		}
		if (end_ms && (!s->peers || server_now_ms(s) >= end_ms))
			return;
	}
}

int server_run(const struct server_options *o)
{
	struct server s = { .o = *o };
	char base[80];
	(void)unsetenv("http_proxy"); /* lws would send its connections there */
	struct lws_vhost *vhost = listen_at(&s);
	if (!vhost || !signals_watch(vhost)) {
		(void)fprintf(stderr, "sandbox: cannot listen on %s port %d\n", o->address,
			      o->port);
		if (s.lws)
			lws_context_destroy(s.lws);
		return EX_UNAVAILABLE;
	}
	bool is_six = strchr(o->address, ':') != NULL;
	(void)snprintf(base, sizeof base, "//%s%.48s%s:%d", is_six ? "[" : "", o->address,
		       is_six ? "]" : "", lws_get_vhost_listen_port(vhost));
	char ws_base[96];
	(void)snprintf(ws_base, sizeof ws_base, "ws:%s", base);
	struct world_options options = { .slack_limits = o->slack_limits,
					 .seed = o->seed,
					 .ws_base = ws_base };
	s.world = world_new(&options);
	s.shelf = shelf_new(&s);
	(void)printf("sandbox http:%s/\n", base);
	(void)fflush(stdout);
	loop(&s);
	refusals_print(&s);
	lws_context_destroy(s.lws);
	shelf_free(s.shelf);
	world_free(s.world);
	return EX_OK;
}
