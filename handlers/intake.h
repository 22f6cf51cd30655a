/* intake: alerts, from stored to planned. Called through handlers.h only. */
#ifndef HANDLERS_INTAKE_H
#define HANDLERS_INTAKE_H
#include "handlers/handlers.h"

/* FACT_ALERT: stores it as RECEIVED, or counts it. No expression sees it here. */
struct decision intake_alert(const struct act *a, const struct fact *f);
#endif
