/* command_mine: the newest questions to whoever asks, and what became of them. Called by command's
 * table only; nobody else's are ever looked up. */
#include "handlers/command.h"

struct decision command_mine(const struct asked *q) { return command_sheet(q, "mine"); }
