/* limits: judges what is about to be sent by Slack's published limits (Block Kit reference) and by
 * ours: what we will recognise later is a token and nothing else. Used inside view/ (and by
 * `securitybot check`). Pure; it repairs nothing. Lengths are code points. */
#ifndef VIEW_LIMITS_H
#define VIEW_LIMITS_H
#include "base/fail.h"
#include "base/text.h"
struct cJSON;

/* {"text","blocks"}. RC_TOO_BIG or RC_MALFORMED; *fail says where ("blocks: 3: elements: 0: value")
 * and what. */
MUST_CHECK enum rc limits_message(const struct cJSON *content, struct fail *fail);
/* A modal or home tab. */
MUST_CHECK enum rc limits_view(const struct cJSON *view, struct fail *fail);
#endif
