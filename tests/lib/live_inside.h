/* live_inside: what live.c and live_world.c share. Nobody else includes it. */
#ifndef TESTS_LIVE_INSIDE_H
#define TESTS_LIVE_INSIDE_H
#include <sys/types.h>

#include "base/arena.h"
#include "lib/live.h"

struct live {
	struct arena memory;
	char *folder;
	const char *build, *program; /* where the programs are; the bot */
	const char *env[24];         /* of the children, NULL at the end */
	const char *under[16];       /* the words of UNDER, NULL at the end */
	bool has_found;              /* it did */
	pid_t sandbox, bot;          /* 0 = does not run */
	int bot_fd;                  /* pidfd, -1 = none */
	unsigned files;              /* that the bot may have open, 0 = as we */
	int sandbox_port, bot_port;
	int runs; /* of live_run */
	bool has_passed;
	struct buf log;
	size_t log_from; /* where the log of this life begins */
	void *curl;
	struct cJSON *state, *ledger;
};

bool live_world_open(struct live *l);
void live_world_close(struct live *l);
#endif
