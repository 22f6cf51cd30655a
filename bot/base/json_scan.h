/* json_scan: the strict reading of RFC 8259 that cJSON does not do. Called by base/json.c only; it
 * builds nothing. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H
#include "base/fail.h"
#include "base/text.h"

#define JSON_NUMBER_BYTES_MAX 63 /* cJSON 1.7.15 reads no further */

/* One pass over the text, in linear time but for the sorting of each object's keys: RC_OK if it is
 * one value by the rules of json_parse(), else RC_MALFORMED with "byte N: what is wrong". */
MUST_CHECK enum rc json_scan(struct str text, struct fail *fail);
#endif
