/* jq_values: cJSON to jv and back, without text in between. Called by lang/jq.c only. */
#ifndef LANG_JQ_VALUES_H
#define LANG_JQ_VALUES_H
#include "base/fail.h"
#include "base/text.h"
#include <jv.h>
struct cJSON;

/* A copy for jq (NULL: null); strings and names over JQ_STRING_BYTES_MAX are cut between two code
 * points. */
jv jq_from_json(const struct cJSON *j);
/* Consumes value. RC_TOO_BIG over JQ_RESULT_BYTES_MAX or deeper than JSON_DEPTH_MAX; nan becomes
 * null, the infinities the largest numbers, as jq prints them. *out: json_free() it. */
MUST_CHECK enum rc jq_to_json(jv value, struct cJSON **out, struct fail *fail);
#endif
