/* Room on the disk: the ballast is there before it is needed, is really on the disk, goes when it
 * is asked for, and comes back only where there is room for it. */
#include "test_store_help.h"

struct meter {
	int64_t left, all;
};
static void read_meter(void *self, int64_t *left, int64_t *all)
{
	const struct meter *m = self;

	*left = m->left;
	*all = m->all;
}

static struct store_room room_of(struct bench *b, struct meter *m)
{
	struct store_room r;

	store_measure(b->s, &(struct store_meter){ read_meter, m });
	store_room(b->s, &r);
	return r;
}

static const char *ballast(const struct bench *b)
{
	static char path[128];

	(void)snprintf(path, sizeof path, "%s.ballast", b->path);
	return path;
}

/* A file with a hole in it would hold nothing. */
static void it_lies_on_the_disk_in_blocks(void **state)
{
	struct bench *b = *state;
	struct meter m = { INT64_C(1) << 40, INT64_C(1) << 41 };
	struct stat at;
	const struct store_room r = room_of(b, &m);

	assert_true(r.has_ballast);
	assert_int_equal(r.low, STORE_LOW_BYTES); /* a tenth of 2 TiB is nobody's worry */
	assert_int_equal(stat(ballast(b), &at), 0);
	assert_int_equal(at.st_size, STORE_BALLAST_BYTES);
	assert_true((int64_t)at.st_blocks * 512 >= STORE_BALLAST_BYTES);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_true(store_give_ballast(b->s));
	assert_int_equal(stat(ballast(b), &at), -1);
	assert_false(store_give_ballast(b->s)); /* once */
}

static void it_is_not_made_of_the_last_room(void **state)
{
	struct bench *b = *state;
	struct meter m = { 2 * (int64_t)STORE_BALLAST_BYTES - 1, 64 << 20 };
	struct stat at;
	struct store_room r = room_of(b, &m);

	assert_false(r.has_ballast);
	assert_int_equal(r.low, (64 << 20) / 100 * 10);
	assert_int_equal(stat(ballast(b), &at), -1);
	m.left++;
	r = room_of(b, &m);
	assert_true(r.has_ballast);
	assert_int_equal(r.left, STORE_BALLAST_BYTES); /* what is left behind it */
	assert_true(store_give_ballast(b->s));
}

/* A start that was cut off in the middle of making it. */
static void half_of_one_is_made_anew(void **state)
{
	struct bench *b = *state;
	struct meter m = { 64 << 20, 64 << 20 };
	FILE *f = fopen(ballast(b), "we");

	assert_non_null(f);
	(void)fputs("half", f);
	(void)fclose(f);
	store_measure(b->s, &(struct store_meter){ read_meter, &m });
	assert_false(store_give_ballast(b->s));
	assert_true(room_of(b, &m).has_ballast);
	assert_true(store_give_ballast(b->s));
}

static void nothing_is_known_until_somebody_measures(void **state)
{
	struct bench *b = *state;
	struct store_room r;
	struct stat at;

	store_room(b->s, &r);
	assert_int_equal(r.all, 0);
	assert_false(store_give_ballast(b->s));
	assert_int_equal(stat(ballast(b), &at), -1);
	store_measure(b->s, NULL); /* the real one */
	store_room(b->s, &r);
	assert_true(r.all > 0 && r.left >= 0 && r.left <= r.all);
	(void)store_give_ballast(b->s);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(it_lies_on_the_disk_in_blocks),
		STORY(it_is_not_made_of_the_last_room),
		STORY(half_of_one_is_made_anew),
		STORY(nothing_is_known_until_somebody_measures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
