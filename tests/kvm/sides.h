/*
 * The two sides of the comparison, /dev/kvm and the model: each runs a case in its own copy of
 * guest memory and says what it ended in.
 */
#ifndef KVM_SIDES_H
#define KVM_SIDES_H

#include "generate.h"

#include <descry/vcpu.h>

#include <linux/kvm.h>

enum { PAGES = MEMORY_SIZE / DESCRY_PAGE_SIZE };

struct oracle {
	int vm, vcpu;
	struct kvm_run *run;
	uint8_t *memory;
	struct kvm_sregs reset;
};

struct model {
	struct descry_vcpu *vcpu;
	uint8_t *memory;
	bool written[PAGES];
	bool outside; /* no memory is there, or it is no data */
};

/* What either side ends in; text says how a case ends that compares nothing. */
struct outcome {
	const char *text;
	uint32_t gpr[8];
	uint32_t eip, eflags;
	struct descry_segment seg[DESCRY_DATA_SREG_COUNT];
};

/* False: no memory. */
bool model_open(struct model *model);
void model_close(struct model *model);
struct outcome model_run(struct model *model, const struct kvm_case *test);

/* False: *why says what is missing, with errno. */
bool oracle_open(struct oracle *oracle, const char **why);
struct outcome oracle_run(struct oracle *oracle, const struct kvm_case *test);

/* Which module it is, whether it emulates, and what it is never asked. */
void oracle_log(void);

#endif
