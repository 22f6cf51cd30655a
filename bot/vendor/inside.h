/* inside: what engine.c shares with the runner of embedded tests. */
#ifndef VENDOR_INSIDE_H
#define VENDOR_INSIDE_H
#include "vendor/engine.h"

const struct cJSON *engine_operation(const struct connector *c, const char *op); /* NULL = none */
/* Outcome of an answer with a status, and the operation's output (json_free() it; NULL unless done
 * or already). */
struct cJSON *engine_read(const struct connector *c, const char *op, const struct cJSON *input,
			  const struct engine_reply *reply, enum outcome *outcome);
/* revert.input evaluated over {input, output}, as {op, input}; NULL = the operation has none. */
struct cJSON *engine_revert(const struct connector *c, const char *op, const struct cJSON *input,
			    const struct cJSON *output);
#endif
