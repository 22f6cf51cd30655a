/* server_http: HTTP over libwebsockets: gathers one request, asks the model, writes the answer in
 * pieces, and holds or drops it when a fault says so. Called by server.c's callback only. The traps
 * of 4.1.6 it steps round: HTTP_BODY with NULL, no COMPLETION without Content-Length, chunked
 * bodies that are not decoded, arguments joined by commas. */
#include "base/arena.h"
#include "base/json.h"
#include "sandbox/page_files.h"
#include "sandbox/server.h"
#include "sandbox/world.h"
#include <stdlib.h>
#include <string.h>

static void header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
	out[0] = 0;
	if (lws_hdr_total_length(wsi, token) < (int)size)
		(void)lws_hdr_copy(wsi, out, (int)size, token);
}

static void query_read(struct lws *wsi, struct buf *out)
{
	char part[4096];
	for (int i = 0, n;
	     (n = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
	     i++) {
		struct str name, value; /* decoded by lws: encode again */
		bool has_value = str_cut((struct str){ part, (size_t)n }, '=', &name, &value);
		buf_addz(out, i ? "&" : "");
		buf_add_url(out, name);
		buf_addz(out, has_value ? "=" : "");
		buf_add_url(out, value);
	}
}

static const char *method_name(struct lws *wsi)
{
	static const struct {
		enum lws_token_indexes token;
		const char *name;
	} methods[] = { { WSI_TOKEN_POST_URI, "POST" },       { WSI_TOKEN_GET_URI, "GET" },
			{ WSI_TOKEN_PUT_URI, "PUT" },         { WSI_TOKEN_DELETE_URI, "DELETE" },
			{ WSI_TOKEN_OPTIONS_URI, "OPTIONS" }, { WSI_TOKEN_PATCH_URI, "PATCH" } };
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (lws_hdr_total_length(wsi, methods[i].token) > 0)
			return methods[i].name;
	return "GET";
}

static struct request *request_new(struct server *s, struct lws *wsi, struct str path)
{
	struct request *rq = mem_new(sizeof *rq);
	*rq = (struct request){
		.server = s, .wsi = wsi, .query = BUF(8192), .body = BUF(SERVER_BODY_MAX + 1)
	};
	rq->answer = BUF(16 << 20);
	(void)lws_snprintf(rq->method, sizeof rq->method, "%s", method_name(wsi));
	(void)lws_snprintf(rq->path, sizeof rq->path, "%.*s", STR_ARG(path));
	header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, rq->content_type, sizeof rq->content_type);
	header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, rq->authorization, sizeof rq->authorization);
	header(wsi, WSI_TOKEN_ORIGIN, rq->origin, sizeof rq->origin);
	query_read(wsi, &rq->query);
	return rq;
}

static void request_free(struct request **at)
{
	struct request *rq = *at;
	if (!rq)
		return;
	*at = NULL;
	lws_sul_cancel(&rq->hold);
	shelf_forget(rq->server->shelf, rq);
	buf_free(&rq->query);
	buf_free(&rq->body);
	buf_free(&rq->answer);
	free(rq);
}

static void ready(struct request *rq)
{
	rq->is_ready = true;
	lws_set_timeout(rq->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 10);
	lws_callback_on_writable(rq->wsi);
}

void request_answer(struct request *rq, int status, const char *type, struct str body)
{
	rq->status = status;
	rq->answer_type = type;
	buf_add(&rq->answer, body);
	ready(rq);
}

void request_json(struct request *rq, int status, struct cJSON *taken)
{
	json_print(taken, &rq->answer);
	json_free(taken);
	request_answer(rq, status, "application/json; charset=utf-8", STR(""));
}

bool is_loopback_origin(const char *origin)
{
	static const char *const ours[] = { "http://127.0.0.1", "http://localhost",
					    "http://[::1]" };
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		size_t n = strlen(ours[i]);
		if (strncmp(origin, ours[i], n) == 0 && (origin[n] == 0 || origin[n] == ':'))
			return true;
	}
	return !*origin;
}

static void hold_over(lws_sorted_usec_list_t *sul)
{
	struct request *rq = lws_container_of(sul, struct request, hold);
	ready(rq);
}

static void ask_model(struct request *rq)
{
	struct server *s = rq->server;
	struct world_request ask = { .method = str_z(rq->method),
				     .path = str_z(rq->path),
				     .query = buf_str(&rq->query),
				     .authorization = str_z(rq->authorization),
				     .content_type = str_z(rq->content_type),
				     .body = buf_str(&rq->body) };
	struct world_reply reply;
	world_http(s->world, &ask, server_now_ms(s), &reply);
	rq->status = reply.status;
	rq->answer_type = reply.content_type;
	rq->retry_after_s = reply.retry_after_s;
	rq->hang_up = reply.delay_ms < 0 || reply.status == 0;
	buf_free(&rq->answer);
	rq->answer = reply.body;
	if (reply.delay_ms > 0) {
		lws_set_timeout(rq->wsi, NO_PENDING_TIMEOUT, 0);
		lws_sul_schedule(s->lws, 0, &rq->hold, hold_over, reply.delay_ms * 1000);
	} else {
		ready(rq);
	}
	server_pump(s);
}

static void ask_control(struct request *rq)
{
	struct server *s = rq->server;
	const char *verb = rq->path + sizeof "/_control/" - 1;
	struct fail fail = { .why = "" };
	struct cJSON *args = rq->body.n ? json_parse(buf_str(&rq->body), &fail) : json_object();
	if (!args || !str_is(str_z(rq->method), "POST")) {
		struct cJSON *no = json_object();
		json_put_bool(no, "ok", false);
		json_put_text(no, "error", args ? "POST only" : fail.why);
		request_json(rq, 400, no);
	} else if (strcmp(verb, "send") == 0) {
		shelf_send(s->shelf, rq, args);
	} else {
		request_json(rq, 200, world_control(s->world, verb, args, server_now_ms(s)));
		server_pump(s);
	}
	json_free(args);
}

static const char *type_of(const char *name)
{
	static const char *const types[][2] = { { ".html", "text/html; charset=utf-8" },
						{ ".js", "text/javascript; charset=utf-8" },
						{ ".css", "text/css; charset=utf-8" },
						{ ".svg", "image/svg+xml" },
						{ ".png", "image/png" },
						{ ".ico", "image/x-icon" },
						{ ".json", "application/json" } };
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i][0], dot) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static void ask_page(struct request *rq)
{
	const char *name = rq->path[1] ? rq->path + 1 : "index.html";
	for (size_t i = 0; i < page_files_n; i++)
		if (strcmp(page_files[i].name, name) == 0) {
			request_answer(
				rq, 200, type_of(name),
				(struct str){ (const char *)page_files[i].at, page_files[i].n });
			return;
		}
	request_answer(rq, 404, "text/plain; charset=utf-8", STR("There is no such file.\n"));
}

static void ask(struct request *rq)
{
	rq->is_asked = true;
	struct str path = str_z(rq->path);
	bool is_control = str_starts(path, STR("/_control/")), is_shelf = str_is(path, "/_shelf");
	if ((is_control || is_shelf) &&
	    !is_loopback_origin(rq->origin)) /* another site's page must not steer us */
		request_answer(rq, 403, "text/plain; charset=utf-8",
			       STR("Not for pages from elsewhere.\n"));
	else if (is_control)
		ask_control(rq);
	else if (is_shelf)
		shelf_list(rq->server->shelf, rq);
	else if (str_starts(path, STR("/api/")) || str_starts(path, STR("/response/")) ||
		 str_starts(path, STR("/pagerduty")))
		ask_model(rq);
	else
		ask_page(rq);
}

static int begin(struct server *s, struct lws *wsi, struct request **at, struct str path)
{
	char length[32];
	struct request *rq = *at = request_new(s, wsi, path);
	int64_t n = 0;
	bool has_length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		request_answer(rq, 411, "text/plain; charset=utf-8",
			       STR("Chunked bodies are not taken.\n"));
	else if (has_length && (!str_int(str_z(length), &n) || n < 0))
		request_answer(rq, 400, "text/plain; charset=utf-8",
			       STR("Content-Length is not a number.\n"));
	else if (n > SERVER_BODY_MAX)
		request_answer(rq, 413, "text/plain; charset=utf-8",
			       STR("The body is over 2 MiB.\n"));
	else if (!has_length || rq->method[0] == 'G')
		ask(rq); /* with a length the body's COMPLETION asks */
	return 0;
}

static int write_head(struct request *rq)
{
	unsigned char head[LWS_PRE + 1024], *at = head + LWS_PRE, *end = head + sizeof head;
	if (lws_add_http_common_headers(rq->wsi, (unsigned)rq->status, rq->answer_type,
					rq->answer.n, &at, end))
		return -1;
	if (rq->retry_after_s) {
		char z[24];
		int n = lws_snprintf(z, sizeof z, "%lld", (long long)rq->retry_after_s);
		if (lws_add_http_header_by_name(rq->wsi, (const unsigned char *)"retry-after:",
						(const unsigned char *)z, n, &at, end))
			return -1;
	}
	static const unsigned char cache[] = "no-store";
	if (lws_add_http_header_by_name(rq->wsi, (const unsigned char *)"cache-control:", cache,
					sizeof cache - 1, &at, end) ||
	    lws_finalize_write_http_header(rq->wsi, head + LWS_PRE, &at, end))
		return -1;
	rq->is_head_sent = true;
	return 0;
}

static int finish(struct request **at)
{
	struct lws *wsi = (*at)->wsi;
	request_free(at);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int write_piece(struct request **at)
{
	struct request *rq = *at;
	unsigned char piece[LWS_PRE + SERVER_PIECE];
	size_t left = rq->answer.n - rq->sent, n = left < SERVER_PIECE ? left : SERVER_PIECE;
	if (n)
		memcpy(piece + LWS_PRE, rq->answer.at + rq->sent, n);
	rq->sent += n;
	bool is_last = rq->sent == rq->answer.n;
	if (lws_write(rq->wsi, piece + LWS_PRE, n,
		      is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	if (!is_last) {
		lws_callback_on_writable(rq->wsi);
		return 0;
	}
	return finish(at);
}

static int write_some(struct request **rq)
{
	if ((*rq)->hang_up)
		return -1;
	if ((*rq)->is_head_sent)
		return write_piece(rq);
	if (write_head(*rq))
		return -1;
	if (!(*rq)->answer.n) /* that was all: the next request may come at once */
		return finish(rq);
	lws_callback_on_writable((*rq)->wsi);
	return 0;
}

int server_http(struct server *s, struct lws *wsi, struct request **rq,
		enum lws_callback_reasons why, struct str in)
{
	switch (why) {
	case LWS_CALLBACK_HTTP: return begin(s, wsi, rq, in);
	case LWS_CALLBACK_HTTP_BODY:
		if (*rq && in.at && !(*rq)->is_ready)
			buf_add(&(*rq)->body, in);
		return 0;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		if (*rq && (*rq)->is_asked)
			return -1; /* bytes behind the body: lws would tell of its end for ever */
		if (*rq && !(*rq)->is_ready && (*rq)->method[0] != 'G')
			ask(*rq);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE: return *rq && (*rq)->is_ready ? write_some(rq) : 0;
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL: request_free(rq); return 0;
	default: return 0;
	}
}
