#include "world/compare.h"
#include "world/follow.h"
#include "world/judge.h"

#include <stdio.h>
#include <string.h>

/* --- which instruction? --------------------------------------------------------------- */

static enum descry_status
same_at(struct follow *f, uint64_t retired, bool *same)
{
	enum descry_status status = follow_go_to(f, FOLLOW_SWITCHED, retired);
	uint64_t digest;

	*same = false;
	if (status != DESCRY_OK)
		return status;
	digest = log_digest(f->probe->vcpu);
	status = follow_go_to(f, FOLLOW_TRUTH, retired);
	*same = status == DESCRY_OK && digest == log_digest(f->probe->vcpu);
	return status;
}

/*
 * Between two entries of the logs a register may have become another one, and the rest follows
 * from that: the instruction is the one before which both were alike, and behind which not.
 */
static enum descry_status
locate(struct follow *f, uint64_t part, uint64_t *at)
{
	uint64_t alike = f->agree, unlike = part;
	bool same;
	enum descry_status status = same_at(f, part, &same);

	*at = part;
	if (same)
		return status;
	while (status == DESCRY_OK && unlike - alike > 1) {
		const uint64_t middle = alike + (unlike - alike) / 2;

		status = same_at(f, middle, &same);
		if (same)
			alike = middle;
		else
			unlike = middle;
	}
	*at = alike;
	return status;
}

/* --- what does it do, on either side? ------------------------------------------------- */

struct deed {
	struct descry_world_access fetch;
	struct log log; /* of that one instruction */
	uint32_t gpr[DESCRY_DI + 1];
	uint32_t flags;
	uint64_t ip; /* linear */
	uint16_t cs; /* and as it is written */
	uint64_t rip;
	char symbol[40];
};

static enum descry_status
do_one(struct follow *f, enum follow_which which, uint64_t at, struct deed *deed)
{
	const struct descry_vcpu *vcpu = f->probe->vcpu;
	const struct descry_state *state = descry_vcpu_state(vcpu);
	enum descry_status status = follow_go_to(f, which, at);

	if (status != DESCRY_OK)
		return status;
	if (which == FOLLOW_SWITCHED)
		follow_name_place(f->probe, &f->out->at);
	probe_fetch(vcpu, &deed->fetch);
	if (!log_run(f->probe, PROBE_DATA_SREGS, at + 1, &deed->log))
		return DESCRY_NO_MEMORY;
	for (unsigned i = 0; i <= DESCRY_DI; i++)
		deed->gpr[i] = (uint32_t)state->gpr[i];
	deed->flags = (uint32_t)state->rflags & LOG_FLAGS;
	deed->ip = descry_vcpu_linear_ip(vcpu);
	deed->cs = state->seg[DESCRY_CS].sel;
	deed->rip = state->rip;
	if (!descry_monitor_symbolize(f->probe->monitor, deed->ip, deed->symbol,
				      sizeof(deed->symbol)))
		deed->symbol[0] = '\0';
	return DESCRY_OK;
}

/* --- in words ------------------------------------------------------------------------- */

static void
access_of(const struct log_entry *entry, const struct descry_world_place *at,
	  struct descry_world_access *out)
{
	*out = (struct descry_world_access){
		.happened = true,
		.sreg = entry->sreg,
		.access = entry->access,
		.size = entry->size,
		.offset = entry->offset,
		.linear = entry->linear,
		.fault.vector = entry->vector,
		.retired = at->retired,
		.ip = at->ip,
		.cs = at->cs,
	};
	memcpy(out->symbol, at->symbol, sizeof(out->symbol));
}

/* The rule that refuses it, asked before the instruction. */
static enum descry_status
find_why(struct follow *f, const struct descry_world_access *access, const char **why)
{
	const enum descry_status status = follow_go_to(f, FOLLOW_SWITCHED, f->out->at.retired);

	*why = NULL;
	if (status == DESCRY_OK && access->fault.vector != DESCRY_VEC_NONE)
		*why = descry_vcpu_check_access(f->probe->vcpu, access->sreg, access->offset,
						access->size, access->access)
			       .why;
	return status;
}

static enum descry_status
show_access(struct follow *f)
{
	struct descry_follow *out = f->out;
	const char *why;
	const enum descry_status status = find_why(f, &out->access, &why);

	out->manifest = judge_access(&out->access, &out->truth) == DESCRY_OUTCOME_FAULT
				? DESCRY_MANIFEST_FAULT
				: DESCRY_MANIFEST_ADDRESS;
	compare_describe_difference(&out->access, &out->truth, why, out->what, sizeof(out->what));
	return status;
}

static void
show_fault(struct descry_follow *out, const struct log_entry *does, const struct log_entry *should)
{
	char end[40] = "it should not fault";

	if (should && should->vector != DESCRY_VEC_NONE)
		snprintf(end, sizeof(end), "it should fault with %s",
			 descry_vector_text(should->vector));
	out->manifest = DESCRY_MANIFEST_FAULT;
	snprintf(out->what, sizeof(out->what), "faults with %s (%u), %s",
		 descry_vector_text(does->vector), does->vector, end);
}

static const char *
place_text(const struct deed *deed, char text[64])
{
	char far[DESCRY_FAR_TEXT];

	descry_far_text(deed->cs, deed->rip, far);
	if (deed->symbol[0])
		snprintf(text, 64, "%s (%s)", deed->symbol, far);
	else
		snprintf(text, 64, "%s", far);
	return text;
}

static void
show_path(struct descry_follow *out, const struct deed *does, const struct deed *should)
{
	char here[64], there[64];

	out->manifest = DESCRY_MANIFEST_PATH;
	snprintf(out->what, sizeof(out->what), "goes on at %s, it should go on at %s",
		 place_text(does, here), place_text(should, there));
}

static void
show_value(struct descry_follow *out, const struct deed *does, const struct deed *should)
{
	static const char *const names[DESCRY_DI + 1] = { "eax", "ecx", "edx", "ebx",
							  "esp", "ebp", "esi", "edi" };
	unsigned i = 0;

	out->manifest = DESCRY_MANIFEST_VALUE;
	while (i <= DESCRY_DI && does->gpr[i] == should->gpr[i])
		i++;
	if (i <= DESCRY_DI)
		snprintf(out->what, sizeof(out->what), "%s gets %08x, it should get %08x", names[i],
			 does->gpr[i], should->gpr[i]);
	else
		snprintf(out->what, sizeof(out->what),
			 "the flags become %04x, they should become %04x", does->flags,
			 should->flags);
}

/* --- the first difference ------------------------------------------------------------- */

/* False: both do the same accesses and have the same faults. */
static bool
effects_differ(struct follow *f, const struct deed *deed, const struct log_entry **does,
	       const struct log_entry **should)
{
	const uint64_t at = f->out->at.retired;
	size_t a = 0, b = 0;

	do {
		*does = log_effect(&deed[FOLLOW_SWITCHED].log, at, &a);
		*should = log_effect(&deed[FOLLOW_TRUTH].log, at, &b);
		if (!log_same_effect(*does, *should))
			return true;
	} while (*does);
	return false;
}

static bool
is_access(const struct log_entry *entry)
{
	return entry && entry->kind == LOG_ACCESS;
}

static enum descry_status
describe(struct follow *f, const struct deed *deed)
{
	const struct deed *switched = &deed[FOLLOW_SWITCHED], *truth = &deed[FOLLOW_TRUTH];
	struct descry_follow *out = f->out;
	const struct log_entry *does, *should;

	if (judge_access(&switched->fetch, &truth->fetch) != DESCRY_OUTCOME_SAME) {
		out->access = switched->fetch;
		out->truth = truth->fetch;
		return show_access(f);
	}
	if (effects_differ(f, deed, &does, &should)) {
		if (is_access(does) && is_access(should)) {
			access_of(does, &out->at, &out->access);
			access_of(should, &out->at, &out->truth);
			return show_access(f);
		}
		if (does && does->kind != LOG_END && does->vector != DESCRY_VEC_NONE) {
			show_fault(out, does, should);
			return DESCRY_OK;
		}
	}
	if (switched->ip != truth->ip)
		show_path(out, switched, truth);
	else
		show_value(out, switched, truth);
	return DESCRY_OK;
}

enum descry_status
follow_part(struct follow *f, uint64_t part)
{
	struct deed deed[FOLLOW_SIDES] = { 0 };
	uint64_t at;
	enum descry_status status = locate(f, part, &at);

	for (unsigned which = 0; which < FOLLOW_SIDES && status == DESCRY_OK; which++)
		status = do_one(f, which, at, &deed[which]);
	if (status == DESCRY_OK)
		status = describe(f, deed);
	log_free(&deed[FOLLOW_SWITCHED].log);
	log_free(&deed[FOLLOW_TRUTH].log);
	return status;
}
