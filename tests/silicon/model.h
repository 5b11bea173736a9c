/*
 * The other side of the comparison: a vcpu of descry, set up as the host's system sets up
 * the CPU for a 32-bit program, with the same arena at the same linear address.
 */
#ifndef SILICON_MODEL_H
#define SILICON_MODEL_H

#include "snippet.h"

struct model;

/* Whether the model has a result, or why the case is nothing to compare. */
enum model_outcome {
	MODEL_ENDED,        /* by an exception: struct test_result holds it */
	MODEL_OUTSIDE,      /* an access left the arena */
	MODEL_SYSTEM_TABLE, /* a selector named an entry of the system's global table */
	MODEL_ASTRAY,       /* a jump went between the bytes of an instruction */
	MODEL_ENDLESS,      /* still running after its budget */
	MODEL_NOT_MODELLED, /* .text of the exit says what */
	MODEL_BROKEN,       /* the exception could not be delivered: a defect of the model */
	MODEL_OUTCOME_COUNT
};

/* With or without a fault when an access wraps at 4 GiB. NULL when there is no memory. */
struct model *model_create(bool wrap_faults);
void model_destroy(struct model *model);

/* A new batch: the table and the noise in the arena. */
void model_begin(struct model *model, const struct batch *batch);

/* Notes in the snippet what of its result is left to the CPU. */
enum model_outcome model_run(struct model *model, struct snippet *snippet,
			     struct test_result *result);

/* After MODEL_NOT_MODELLED and MODEL_BROKEN. */
const char *model_text(const struct model *model);

#endif
