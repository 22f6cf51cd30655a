/* io_ws_peer: the server's side of a WebSocket (RFC 6455), by hand, so that it can break every
 * habit. Included by tests/wire/test_io_*.c only. */
#ifndef TESTS_WIRE_IO_WS_PEER_H
#define TESTS_WIRE_IO_WS_PEER_H
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "io_bench.h"

enum {
	TEXT = 0x81,
	TEXT_BEGINS = 0x01,
	GOES_ON = 0x00,
	ENDS = 0x80,
	CLOSE = 0x88,
	PING = 0x89,
	PONG = 0x8a
};

static inline void upgrade_answer(const char *head, char *out, size_t size)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char key[128], accept[64];
	const char *at = strcasestr(head, "sec-websocket-key: ");

	(void)snprintf(key, sizeof(key), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
		       at ? at + 19 : "");
	(void)SHA1((const unsigned char *)key, strlen(key), digest);
	(void)EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
	(void)snprintf(out, size,
		       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		       accept);
}

static inline int server_up(struct peer *p)
{
	char head[4096], answer[512];
	const int fd = peer_accept(p->listener);

	if (fd < 0 || !peer_read_head(fd, head, sizeof(head)))
		return fd;
	(void)snprintf(p->seen, sizeof(p->seen), "%s", head);
	upgrade_answer(head, answer, sizeof(answer));
	peer_say(fd, answer);
	return fd;
}

static inline void say(int fd, int first, const char *at, size_t n)
{
	unsigned char head[10] = { (unsigned char)first };
	size_t m = 2;

	if (n < 126) {
		head[1] = (unsigned char)n;
	} else {
		head[1] = n < 65536 ? 126 : 127;
		for (int shift = n < 65536 ? 8 : 56; shift >= 0; shift -= 8)
			head[m++] = (unsigned char)(n >> shift);
	}
	peer_send(fd, head, m);
	peer_send(fd, at, n);
}

/* One masked frame of the client: its first byte, its payload; -1 at the end. */
static inline int hear(int fd, char *at, size_t size)
{
	unsigned char head[2], more[8] = { 0 }, mask[4];
	size_t n;

	if (!peer_read(fd, head, 2) || !(head[1] & 0x80))
		return -1;
	n = head[1] & 0x7f;
	if (n >= 126) {
		const size_t k = n == 126 ? 2 : 8;
		if (!peer_read(fd, more, k))
			return -1;
		n = 0;
		for (size_t i = 0; i < k; i++)
			n = n << 8 | more[i];
	}
	if (n >= size || !peer_read(fd, mask, 4) || !peer_read(fd, at, n))
		return -1;
	for (size_t i = 0; i < n; i++)
		at[i] = (char)(at[i] ^ (char)mask[i % 4]);
	at[n] = '\0';
	return head[0];
}

/* Reads until a Close frame; its code, 0 without one, -1 if the connection ended first. */
static inline int hear_close(int fd)
{
	static char text[64 * 1024];
	int first;

	while ((first = hear(fd, text, sizeof(text))) >= 0) {
		if (first == CLOSE)
			return (unsigned char)text[0] << 8 | (unsigned char)text[1];
	}
	return -1;
}

#endif
