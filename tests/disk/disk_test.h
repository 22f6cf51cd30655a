/* disk_test: what the files of the disk test share. */
#ifndef TESTS_DISK_TEST_H
#define TESTS_DISK_TEST_H
#include "lib/disk.h"
#include "lib/lab.h"

/* How much of each scenario is looked at. */
struct effort {
	bool is_whole;        /* every crash point; else a part, drawn from the seed: */
	uint64_t seed, share; /* about so many of each scenario, were all of its points brinks */
};
struct tally {
	size_t labs, commits, releases, points, seen, images, opened, failed;
};
extern struct effort effort;
extern struct tally tally;

/* watch.c: becomes the watcher of all labs; a scenario fails at its end if an image is not as it
 * must be. */
void watch_all(void);

/* judge.c */
/* All rows of all tables, as one number; of a connection in no transaction of its own. */
uint64_t judge_print(struct store *s);
/* Opens what a power cut left, as a start does. "" = it is a sound database, and *print its rows;
 * else what is wrong. */
const char *judge_image(const char *path, uint64_t *print);
#endif
