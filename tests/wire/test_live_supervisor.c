/* Whoever started the real program (systemd, by NOTIFY_SOCKET and WATCHDOG_USEC) hears that it is
 * ready, that it lives while nothing happens, and that it ends. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/live.h"

struct scene {
	struct live *live;
	int fd;
};

/* An abstract name that is free, as systemd would give one. */
static int listen_anywhere(char name[64])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(at);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at.sun_family)), 0); /* autobind */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	(void)snprintf(name, 64, "@%.*s", (int)(n - sizeof(at.sun_family) - 1), at.sun_path + 1);
	return fd;
}

static int set_up(void **state)
{
	static struct scene s;
	static char socket_env[96], name[64];
	static const char *env[] = { socket_env, "WATCHDOG_USEC=300000", NULL };
	s.fd = listen_anywhere(name);
	(void)snprintf(socket_env, sizeof(socket_env), "NOTIFY_SOCKET=%s", name);
	s.live = live_open(&(struct live_options){ .env = env });
	*state = &s;
	return s.live ? 0 : -1;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	(void)close(s->fd);
	live_close(s->live);
	return 0;
}

/* The next word, "" if none comes. */
static const char *hears(struct scene *s, int patience_ms)
{
	static char word[64];
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	const int wait_ms = patience_ms * (int)live_slow();
	ssize_t n = poll(&p, 1, wait_ms) == 1 ? recv(s->fd, word, sizeof(word) - 1, 0) : 0;
	word[n > 0 ? n : 0] = '\0';
	return word;
}

static void test_it_says_ready_alive_and_goodbye(void **state)
{
	struct scene *s = *state;
	const char *word;
	live_playbook(s->live, "process", NULL, 0);
	live_bot_start(s->live);
	assert_string_equal(hears(s, LIVE_PATIENCE), "READY=1");
	assert_true(live_bot_listens(s->live));
	for (int i = 0; i < 5; i++) /* nothing happens, and still */
		assert_string_equal(hears(s, LIVE_PATIENCE), "WATCHDOG=1");
	assert_int_equal(live_bot_stop(s->live), 0);
	while (strcmp(word = hears(s, LIVE_PATIENCE), "WATCHDOG=1") == 0)
		;
	assert_string_equal(word, "STOPPING=1");
	live_passed(s->live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_says_ready_alive_and_goodbye, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
