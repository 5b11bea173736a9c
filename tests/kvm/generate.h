/*
 * A snippet for /dev/kvm and the model: registers, segment caches, code and the top of the
 * stack. The rows of encodings and of undefined flags are those of tests/silicon.
 */
#ifndef KVM_GENERATE_H
#define KVM_GENERATE_H

#include "random.h"

#include <descry/state.h>

#include <stdbool.h>
#include <stddef.h>

/* Guest memory: all that real mode reaches. Below FIRST_DATA nothing may be written. */
enum {
	MEMORY_SIZE = 0x110000,
	HANDLERS = 0x500, /* of vector n: a HLT at 0050:n */
	HANDLER_CS = HANDLERS >> 4,
	CODE = 0x1000, /* 0100:0, HLT as far as no snippet lies there */
	CODE_SIZE = 0x1000,
	FIRST_DATA = 0x2000,
	GDT = 0x2000,
	GDT_ENTRIES = 8,
};

enum { KVM_CODE_MAX = 96, KVM_STACK_MAX = 12 };

struct kvm_case {
	bool protected_mode;
	uint32_t gpr[8];
	uint32_t eflags;
	struct descry_segment seg[DESCRY_DATA_SREG_COUNT];
	uint64_t gdt[GDT_ENTRIES];
	uint8_t code[KVM_CODE_MAX];
	unsigned code_size;
	uint8_t stack[KVM_STACK_MAX]; /* what lies at SS:SP */
	unsigned undefined;           /* flags, afterwards */
	const char *names[6];         /* of the rows it is made of */
	unsigned name_count;
};

void kvm_generate(struct kvm_case *test, struct random *random);

/* What is never tried, and why: NULL past the end. */
struct left_out {
	const char *name; /* of rows */
	const char *why;
};
const struct left_out *kvm_left_out(size_t index);

#endif
