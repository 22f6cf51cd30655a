/* http_head: what is copied of the head of a request at our door. Called by http_in.c; it knows no
 * header's name but those it is given. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "io/inside.h"

/* Any of them may hold a secret. */
void head_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* libwebsockets keeps headers it knows under numbers, all others under their name and a colon. */
static const char *field_of(const char *name, char *at, size_t size)
{
	(void)snprintf(at, size, "%s:", name);
	return at;
}

void head_names(struct head_names *out, const char *const *names)
{
	char field[IO_HEADER_BYTES_MAX];

	*out = (struct head_names){ .at = names };
	for (; names != NULL && names[out->n] != NULL; out->n++) {
		assert(out->n < IO_HEADERS_MAX);
		int token = WSI_TOKEN_COUNT;
		field_of(names[out->n], field, sizeof(field));
		while (--token >= 0) {
			const unsigned char *known =
				lws_token_to_string((enum lws_token_indexes)token);
			if (known != NULL && strcmp((const char *)known, field) == 0)
				break;
		}
		out->tokens[out->n] = token;
	}
}

/* NULL: it did not come. */
static char *copy_header(struct lws *wsi, const char *name, int token)
{
	char field[IO_HEADER_BYTES_MAX];
	const int field_n = (int)strlen(field_of(name, field, sizeof(field)));
	const enum lws_token_indexes known = (enum lws_token_indexes)token;
	const int n = token >= 0 ? lws_hdr_total_length(wsi, known)
				 : lws_hdr_custom_length(wsi, field, field_n);

	if (n <= 0)
		return NULL;
	char *at = mem_new((size_t)n + 1);
	const int got = token >= 0 ? lws_hdr_copy(wsi, at, n + 1, known)
				   : lws_hdr_custom_copy(wsi, at, n + 1, field, field_n);
	char *value = mem_str(str_trim((struct str){ at, got > 0 ? (size_t)got : 0 }));
	head_free(at);
	return value;
}

size_t head_copy(struct lws *wsi, const struct head_names *names, struct header **out)
{
	struct header *at = mem_new((names->n + 1) * sizeof(*at));
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		const char *value = copy_header(wsi, names->at[i], names->tokens[i]);
		if (value != NULL)
			at[n++] = (struct header){ names->at[i], value };
	}
	*out = at;
	return n;
}

/* lws_hdr_copy would join the arguments with commas. */
char *head_query(struct lws *wsi)
{
	struct buf b = BUF(IO_HEADER_BYTES_MAX);
	char piece[IO_HEADER_BYTES_MAX];

	for (int i = 0;; i++) {
		const int n = lws_hdr_copy_fragment(wsi, piece, sizeof(piece),
						    WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			break;
		if (i > 0)
			buf_addz(&b, "&");
		buf_add(&b, (struct str){ piece, (size_t)n });
	}
	char *query = mem_str(buf_str(&b));
	buf_free(&b);
	return query;
}
