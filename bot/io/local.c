/* local: the small client by which a subcommand speaks to the running bot: one HTTP/1.1 POST over
 * its Unix socket, blocking. Never used by the loop. */
#include "io/io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { STEP_S = 10, READ_BYTES = 4096, HEAD_BYTES_MAX = 8192 };

static enum rc connect_to(const char *path, int *out, struct fail *fail)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval step = { .tv_sec = STEP_S };

	if (strlen(path) >= sizeof(at.sun_path))
		return FAIL(fail, RC_REFUSED, "%s: too long for a socket's path", path);
	memcpy(at.sun_path, path, strlen(path));
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return FAIL(fail, RC_AGAIN, "socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &step, sizeof(step));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		const int why = errno;
		(void)close(fd);
		return FAIL(fail, RC_ABSENT, "%s: %s (is securitybot running?)", path,
			    strerror(why));
	}
	*out = fd;
	return RC_OK;
}

static bool send_all(int fd, struct str s)
{
	while (s.n > 0) {
		const ssize_t n = send(fd, s.at, s.n, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		s.at += n;
		s.n -= (size_t)n;
	}
	return true;
}

/* The answer whole: the bot closes after it, for we ask it to. */
static enum rc receive(int fd, struct buf *all, struct fail *fail)
{
	char piece[READ_BYTES];

	for (;;) {
		const ssize_t n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0)
			return FAIL(fail, RC_AGAIN, "no answer: %s", strerror(errno));
		if (n == 0)
			return RC_OK;
		buf_add(all, (struct str){ piece, (size_t)n });
		if (all->broken)
			return FAIL(fail, RC_TOO_BIG, "the answer is over %zu bytes", all->limit);
	}
}

/* "HTTP/1.1 202 Accepted", headers, an empty line, the body. */
static enum rc read_answer(struct str all, int *status, struct buf *reply, struct fail *fail)
{
	int64_t code = 0;
	const char *end = all.n > 0 ? memmem(all.at, all.n, "\r\n\r\n", 4) : NULL;

	if (end == NULL || all.n < 12 || !str_starts(all, STR("HTTP/1.1 ")) ||
	    !str_int((struct str){ all.at + 9, 3 }, &code))
		return FAIL(fail, RC_AGAIN, "the answer is cut short or not HTTP");
	*status = (int)code;
	buf_add(reply, (struct str){ end + 4, all.n - (size_t)(end + 4 - all.at) });
	return reply->broken ? FAIL(fail, RC_TOO_BIG, "the answer is over %zu bytes", reply->limit)
			     : RC_OK;
}

static enum rc exchange(int fd, const struct local_call *call, struct buf *all, struct fail *fail)
{
	struct buf head CLEANUP(buf_free) = BUF(HEAD_BYTES_MAX);

	buf_addf(&head,
		 "POST %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
		 "content-type: %s\r\ncontent-length: %zu\r\n\r\n",
		 call->path, call->content_type, call->body.n);
	if (head.broken)
		return FAIL(fail, RC_REFUSED, "the path is too long");
	/* A bot that refuses answers before it has read all, so a failed send still has a reply. */
	const bool is_sent = send_all(fd, buf_str(&head)) && send_all(fd, call->body);
	const int why = errno;
	const enum rc rc = receive(fd, all, fail);
	if (rc == RC_OK && !is_sent && all->n == 0)
		return FAIL(fail, RC_AGAIN, "sending: %s", strerror(why));
	return rc;
}

enum rc local_post(const struct local_call *call, int *status, struct buf *reply, struct fail *fail)
{
	int fd = -1;
	struct buf all CLEANUP(buf_free) = BUF(reply->limit + HEAD_BYTES_MAX);
	enum rc rc = connect_to(call->socket_path, &fd, fail);

	if (rc != RC_OK)
		return rc;
	rc = exchange(fd, call, &all, fail);
	(void)close(fd);
	return rc == RC_OK ? read_answer(buf_str(&all), status, reply, fail) : rc;
}
