/*
 * What holds of the state after every instruction, whatever the guest does. A check of the
 * model on itself: on in the builds dev and asan, and with `-k check.invariants=on`; then the
 * run is stepwise. Private to vcpu.
 *
 * A debugger, a world switch or a back door of the CPU (LOADALL, RSM) may put anything into
 * the state. So a rule about a state is broken only by an instruction that finds it whole,
 * or that has itself loaded, by the ordinary rules, the register the rule is about.
 */
#ifndef DESCRY_INVARIANT_H
#define DESCRY_INVARIANT_H

#include <descry/profile.h>
#include <descry/provenance.h>
#include <descry/state.h>

#include <stdbool.h>
#include <stddef.h>

/* One instruction, with the delivery that it may have ended in. */
struct invariant_step {
	const struct descry_state *before, *after; /* rflags exact in both */
	const struct descry_profile *profile;
	unsigned loaded;                  /* 1 << sreg: by this instruction */
	uint8_t cause[DESCRY_SREG_COUNT]; /* enum descry_cause, of those loaded */
	uint8_t mode[DESCRY_SREG_COUNT];  /* enum descry_mode, the same */
};

struct invariant_verdict {
	const char *rule; /* a sentence that does not hold; NULL: all do */
	const char *name; /* of what breaks it */
	uint64_t before, after;
	int sreg; /* enum descry_sreg: the values are its; -1: they are before and after */
};

/* The first rule that does not hold behind the instruction. */
struct invariant_verdict invariant_check(const struct invariant_step *step);

/*
 * The first register that an instruction has changed before it raised a fault: until delivery
 * there may be none (SDM vol. 3, Faults: the state from before the instruction is restored).
 */
struct invariant_verdict invariant_check_fault(const struct invariant_step *step);

void invariant_text(const struct invariant_verdict *verdict, const struct invariant_step *step,
		    char *text, size_t size);

/* --- in a run ------------------------------------------------------------------------- */

struct cpu;

/* Does this run check? */
bool invariants_wanted(const struct descry_profile *profile);

/* Around one instruction. On false c->exit says what was found. */
void invariants_before(struct cpu *c);
bool invariants_at_fault(struct cpu *c);
bool invariants_after(struct cpu *c);

/* An instruction has ended, and something of its own is about to follow it. */
bool invariants_between(struct cpu *c);

#endif
