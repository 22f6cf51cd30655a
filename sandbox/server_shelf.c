/* server_shelf: the alerts that lie ready as files, and sending one to the bot. libcurl's multi
 * interface, driven by a timer of the loop while something is on its way, so that a slow bot never
 * holds up the workspace. Called by server_http.c. A shelf file is
 * {"title":…,"source":…,"body":{…}};
 * "{{uuid}}", "{{now}}" and "{{subject}}" in the body's strings become a fresh id, the time, and
 * whom the alert is about. */
#include "base/arena.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/when.h"
#include "sandbox/server.h"
#include <curl/curl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_MAX = 256 << 10,
	FILES_MAX = 200,
	ANSWER_MAX = 256 << 10,
	POLL_MS = 3,
	SEND_MS = 10000
};

struct sending {
	struct sending *next;
	struct request *rq; /* NULL: nobody waits any more */
	CURL *curl;
	struct curl_slist *headers;
	struct buf body, answer;
	char error[CURL_ERROR_SIZE];
};
struct shelf {
	struct server *server;
	CURLM *multi;
	struct sending *first;
	lws_sorted_usec_list_t poll;
};

struct shelf *shelf_new(struct server *s)
{
	struct shelf *sh = mem_new(sizeof *sh);
	sh->server = s;
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	sh->multi = curl_multi_init();
	return sh;
}

static void sending_free(struct shelf *sh, struct sending *x)
{
	for (struct sending **at = &sh->first; *at; at = &(*at)->next)
		if (*at == x) {
			*at = x->next;
			break;
		}
	if (x->curl) {
		(void)curl_multi_remove_handle(sh->multi, x->curl);
		curl_easy_cleanup(x->curl);
	}
	curl_slist_free_all(x->headers);
	buf_free(&x->body);
	buf_free(&x->answer);
	free(x);
}

void shelf_free(struct shelf *sh)
{
	while (sh->first)
		sending_free(sh, sh->first);
	(void)curl_multi_cleanup(sh->multi);
	curl_global_cleanup();
	free(sh);
}

void shelf_forget(struct shelf *sh, const struct request *rq)
{
	for (struct sending *x = sh->first; x; x = x->next)
		if (x->rq == rq)
			x->rq = NULL;
}

static void say_no(struct request *rq, const char *error)
{
	struct cJSON *j = json_object();
	json_put_bool(j, "ok", false);
	json_put_text(j, "error", error);
	request_json(rq, 200, j);
}

static bool file_read(const char *path, size_t most, struct buf *out)
{
	char piece[8192];
	FILE *f = fopen(path, "rbe");
	if (!f)
		return false;
	*out = BUF(most);
	for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
		buf_add(out, (struct str){ piece, n });
	bool fine = !ferror(f) && !out->broken;
	(void)fclose(f);
	return fine;
}

/* A plain file name that ends in .json: no way out of the folder. */
static bool name_is_fine(const char *name)
{
	size_t n = strlen(name);
	return n > 5 && n < 128 && name[0] != '.' && strcmp(name + n - 5, ".json") == 0 &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       n;
}

static struct cJSON *shelf_file(const struct shelf *sh, const char *name)
{
	struct buf text = BUF(FILE_MAX);
	struct cJSON *j = NULL;
	if (!sh->server->o.shelf || !name_is_fine(name))
		return NULL;
	char *path = mem_new(strlen(sh->server->o.shelf) + strlen(name) + 2);
	(void)lws_snprintf(path, strlen(sh->server->o.shelf) + strlen(name) + 2, "%s/%s",
			   sh->server->o.shelf, name);
	if (file_read(path, FILE_MAX, &text))
		j = json_parse(buf_str(&text), NULL);
	free(path);
	buf_free(&text);
	if (j && json_is_object(json_key(j, "body")))
		return j;
	json_free(j);
	return NULL;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}
static int is_json(const struct dirent *d) { return name_is_fine(d->d_name); }

void shelf_list(struct shelf *sh, struct request *rq)
{
	struct dirent **found = NULL;
	int n = sh->server->o.shelf ? scandir(sh->server->o.shelf, &found, is_json, by_name) : 0;
	struct cJSON *all = json_array(), *out = json_object();
	for (int i = 0; i < n; i++) {
		struct cJSON *file = i < FILES_MAX ? shelf_file(sh, found[i]->d_name) : NULL,
			     *j = file ? json_object() : NULL;
		if (j) {
			json_put_text(j, "name", found[i]->d_name);
			json_put_text(j, "title", json_text_at(file, "title"));
			json_put_text(j, "source", json_text_at(file, "source"));
			json_push(all, j);
		}
		json_free(file);
		free(found[i]);
	}
	free(found);
	json_put_bool(out, "ok", true);
	json_put_bool(out, "can_send", sh->server->o.bot_url != NULL);
	json_put(out, "files", all);
	request_json(rq, 200, out);
}

static void uuid_add(const struct shelf *sh, struct buf *b)
{
	uint8_t x[16];
	sh->server->o.chance(x);
	x[6] = (uint8_t)((x[6] & 0x0f) | 0x40);
	x[8] = (uint8_t)((x[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof x; i++)
		buf_addf(b, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", x[i]);
}

/* The body as text, its marks replaced. What is put in is JSON-safe: hex, a date, and a printed
 * JSON string. */
static void body_fill(const struct shelf *sh, const struct cJSON *body, const char *subject,
		      struct buf *out)
{
	struct buf text = BUF(FILE_MAX), quoted = BUF(1024);
	struct cJSON *s = json_string(subject);
	json_print(body, &text);
	json_print(s, &quoted);
	json_free(s);
	for (const char *at = buf_z(&text); *at;) {
		if (strncmp(at, "{{uuid}}", 8) == 0) {
			uuid_add(sh, out);
			at += 8;
		} else if (strncmp(at, "{{now}}", 7) == 0) {
			buf_addz(out, when_rfc3339(server_now_ms(sh->server)).text);
			at += 7;
		} else if (strncmp(at, "{{subject}}", 11) == 0 && quoted.n >= 2) {
			buf_add(out, (struct str){ quoted.at + 1, quoted.n - 2 });
			at += 11;
		} else {
			buf_add(out, (struct str){ at++, 1 });
		}
	}
	buf_free(&text);
	buf_free(&quoted);
}

static size_t on_answer(const char *at, size_t size, size_t n, void *self)
{
	struct sending *x = self;
	buf_add(&x->answer, (struct str){ at, size * n });
	return x->answer.broken ? 0 : size * n;
}

static void finished(struct sending *x, CURLcode result)
{
	if (!x->rq)
		return;
	struct cJSON *j = json_object();
	long status = 0;
	(void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	json_put_bool(j, "ok", result == CURLE_OK);
	json_put_num(j, "status", (double)status);
	if (result != CURLE_OK)
		json_put_text(j, "error", *x->error ? x->error : curl_easy_strerror(result));
	struct cJSON *body = json_parse(buf_str(&x->answer), NULL);
	json_put(j, "body", body ? body : json_string_s(buf_str(&x->answer)));
	struct request *rq = x->rq;
	x->rq = NULL;
	request_json(rq, 200, j);
}

static void drive(lws_sorted_usec_list_t *sul)
{
	struct shelf *sh = lws_container_of(sul, struct shelf, poll);
	int running, left;
	(void)curl_multi_perform(sh->multi, &running);
	for (const CURLMsg *m; (m = curl_multi_info_read(sh->multi, &left));) {
		CURLcode result = m->data.result;
		struct sending *x = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		finished(x, result);
		sending_free(sh, x);
	}
	if (sh->first)
		lws_sul_schedule(sh->server->lws, 0, &sh->poll, drive, POLL_MS * 1000);
}

static bool authorize(const struct shelf *sh, struct sending *x)
{
	struct buf text = BUF(SECRET_MAX);
	if (!sh->server->o.bot_token_file)
		return true;
	if (!file_read(sh->server->o.bot_token_file, SECRET_MAX, &text)) {
		buf_free(&text);
		return false;
	}
	struct buf line = BUF(SECRET_MAX + 32);
	buf_addz(&line, "Authorization: Bearer ");
	buf_add(&line, str_trim(buf_str(&text)));
	x->headers = curl_slist_append(x->headers, buf_z(&line));
	explicit_bzero(line.at, line.n);
	explicit_bzero(text.at, text.n);
	buf_free(&line);
	buf_free(&text);
	return true;
}

static void start(struct shelf *sh, struct sending *x, const char *source)
{
	struct buf url = BUF(2048);
	struct str base = str_z(sh->server->o.bot_url);
	if (base.n && base.at[base.n - 1] == '/')
		base.n--;
	buf_add(&url, base);
	buf_addz(&url, "/v1/alerts/");
	buf_add_url(&url, str_z(source));
	x->curl = curl_easy_init();
	x->headers = curl_slist_append(x->headers, "Content-Type: application/json");
	x->headers = curl_slist_append(x->headers, "Expect:");
	(void)curl_easy_setopt(x->curl, CURLOPT_URL, buf_z(&url));
	(void)curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(x->curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(x->curl, CURLOPT_TIMEOUT_MS, (long)SEND_MS);
	(void)curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
	(void)curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE, (long)x->body.n);
	(void)curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, buf_z(&x->body));
	(void)curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_answer);
	(void)curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
	(void)curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->error);
	(void)curl_easy_setopt(x->curl, CURLOPT_PRIVATE, x);
	buf_free(&url);
	(void)curl_multi_add_handle(sh->multi, x->curl);
	lws_set_timeout(x->rq->wsi, NO_PENDING_TIMEOUT, 0);
	lws_sul_schedule(sh->server->lws, 0, &sh->poll, drive, 1);
}

void shelf_send(struct shelf *sh, struct request *rq, const struct cJSON *args)
{
	const char *name = json_text_at(args, "name"), *source = json_text_at(args, "source");
	const char *subject = json_text_at(args, "subject");
	struct cJSON *file = *name ? shelf_file(sh, name) : NULL;
	const struct cJSON *body =
		json_key(args, "body") ? json_key(args, "body") : json_key(file, "body");
	if (!*source)
		source = json_text_at(file, "source");
	if (!*subject)
		subject = *json_text_at(file, "subject") ? json_text_at(file, "subject")
							 : "alice@duff.example";
	struct sending *x = mem_new(sizeof *x);
	x->rq = rq;
	x->body = BUF(FILE_MAX * 2);
	x->answer = BUF(ANSWER_MAX);
	const char *error = NULL;
	if (!sh->server->o.bot_url)
		error = "the sandbox was started without --bot";
	else if (!body)
		error = "no such file on the shelf, and no body";
	else if (!*source)
		error = "source is missing";
	else if (!authorize(sh, x))
		error = "the bot's token file cannot be read";
	if (body)
		body_fill(sh, body, subject, &x->body);
	if (!error && x->body.broken)
		error = "the body is over 256 KiB";
	if (error) {
		say_no(rq, error);
		sending_free(sh, x);
	} else {
		x->next = sh->first;
		sh->first = x;
		start(sh, x, source);
	}
	json_free(file);
}
