/* command_status: am I there, and what is open: an analyst reads how many cases wait for what, an
 * employee how many questions of his own. Called by command's table only; it counts nothing
 * itself: view reads the state of the moment. */
#include "handlers/command.h"

struct decision command_status(const struct asked *q) { return command_sheet(q, "status"); }
