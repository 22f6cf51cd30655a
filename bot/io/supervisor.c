/* supervisor: tells whoever started us that we are ready and alive (sd_notify(3), the protocol of
 * systemd's NOTIFY_SOCKET). Called by main only; nothing waits for it and nothing depends on it. */
#include "io/io.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void supervisor_tell(const char *socket_path, const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t n = strlen(socket_path);

	if (n < 2 || n >= sizeof(to.sun_path) || (socket_path[0] != '/' && socket_path[0] != '@'))
		return;
	memcpy(to.sun_path, socket_path, n);
	if (socket_path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)close(fd);
}
