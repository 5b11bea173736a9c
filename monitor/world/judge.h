/*
 * What a switch did to the guest, decided from what the two runs show: values in, verdict
 * out. Nothing here knows a strategy.
 */
#ifndef DESCRY_WORLD_JUDGE_H
#define DESCRY_WORLD_JUDGE_H

#include <descry/world.h>

/*
 * The segment that a guest is about: the first whose selector does not tell its cache, FS
 * before the others; FS when there is none.
 */
enum descry_sreg judge_subject(const struct descry_vcpu *vcpu);

/* The outcome by one access: same, fault or silent. */
enum descry_outcome judge_access(const struct descry_world_access *access,
				 const struct descry_world_access *truth);

/*
 * The guest's segments under no strategy, at an operation of the trace. What a change of mode
 * has made of a field counts until the guest has loaded it again.
 */
void judge_truth(const struct descry_world_trace *trace, const struct descry_world_op *op,
		 struct descry_segment truth[DESCRY_SREG_COUNT]);

/*
 * The earliest step, over the lost fields, after which the guest's value is neither in the
 * register nor in the record. X7 if the record held it to the end. 0: nothing is lost.
 */
unsigned judge_lost_at(const struct descry_world_trace *trace, const struct descry_fields *lost);

/* The operation of that step that does it, as an index into trace->op. 0: nothing is lost. */
unsigned judge_lost_by(const struct descry_world_trace *trace, const struct descry_fields *lost);

/* Why a field that is equal at X8 is equal. */
enum descry_regained judge_regained(enum descry_field field,
				    const struct descry_segment_provenance *from);

#endif
