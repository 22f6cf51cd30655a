/* book: what is known to have happened: facts by key, the last committed moment, and how often an
 * item has killed the process. Called by turn only. */
#include "base/when.h"
#include "store/inside.h"

enum rc store_fact(struct store *s, const struct fact *f, int64_t now_ms, bool *is_new,
		   struct fail *fail)
{
	const enum rc rc =
		run(s, SQL_FACT_NEW, WITH(TXT(f->key), NUM(f->kind), NUM(now_ms)), NULL, fail);

	if (rc == RC_OK)
		*is_new = s->changed == 1;
	return rc;
}

static void row_oldest(struct store *s, sqlite3_stmt *st, void *into)
{
	struct store_oldest *o = into;

	(void)s;
	o->alert_ms = sqlite3_column_int64(st, 0);
	o->page_ms = sqlite3_column_int64(st, 1);
}

enum rc store_oldest(struct store *s, struct store_oldest *out, struct fail *fail)
{
	*out = (struct store_oldest){ NEVER_MS, NEVER_MS };
	return run(s, SQL_OLDEST, NULL, &(struct rows){ row_oldest, out }, fail);
}

enum rc store_now(struct store *s, int64_t *now_ms, struct fail *fail)
{
	int64_t at = 0;
	const enum rc rc =
		run(s, SQL_META_GET, WITH(TXT("now_ms")), &(struct rows){ row_number, &at }, fail);

	if (rc == RC_OK)
		*now_ms = at;
	return rc;
}

enum rc store_set_now(struct store *s, int64_t now_ms, struct fail *fail)
{
	return run(s, SQL_META_SET, WITH(TXT("now_ms"), NUM(now_ms)), NULL, fail);
}

enum rc store_death_count(struct store *s, const char *key, int64_t now_ms, struct fail *fail)
{
	return run(s, SQL_CRUMB_COUNT, WITH(TXT(key), NUM(now_ms)), NULL, fail);
}

enum rc store_deaths(struct store *s, const char *key, int64_t *n, struct fail *fail)
{
	int64_t deaths = 0;
	const enum rc rc = run(s, SQL_CRUMB_DEATHS, WITH(TXT(key)),
			       &(struct rows){ row_number, &deaths }, fail);

	if (rc == RC_OK)
		*n = deaths;
	return rc;
}

enum rc store_any_deaths(struct store *s, bool *any, struct fail *fail)
{
	int64_t one = 0;
	const enum rc rc = run(s, SQL_CRUMB_ANY, NULL, &(struct rows){ row_number, &one }, fail);

	if (rc == RC_OK)
		*any = one == 1;
	return rc;
}

enum rc store_forget(struct store *s, int64_t before_ms, size_t limit, size_t *n, struct fail *fail)
{
	static const enum sql all[] = { SQL_FACT_FORGET, SQL_CRUMB_FORGET, SQL_DELIVERY_FORGET };
	int64_t left = (int64_t)limit;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof all / sizeof all[0]; i++) {
		rc = run(s, all[i], WITH(NUM(before_ms), NUM(left)), NULL, fail);
		left -= s->changed;
	}
	*n = limit - (size_t)left;
	return rc;
}
