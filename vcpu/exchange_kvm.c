/*
 * struct kvm_sregs with struct kvm_regs behind it (Linux, arch/x86/include/uapi/asm/kvm.h):
 * what KVM_GET_SREGS and KVM_GET_REGS fill. Names are those of the members.
 */
#include "exchange_rows.h"

#define REGS 312u /* sizeof(struct kvm_sregs) */

/* clang-format off */
#define ATTRIBUTES(SREG, name, at) \
	BITS(name ".type",     (at) + 14, 1, PART(SREG, ATTR), 0, 4), \
	BITS(name ".present",  (at) + 15, 1, PART(SREG, ATTR), 7, 1), \
	BITS(name ".dpl",      (at) + 16, 1, PART(SREG, ATTR), 5, 2), \
	BITS(name ".db",       (at) + 17, 1, PART(SREG, ATTR), 14, 1), \
	BITS(name ".s",        (at) + 18, 1, PART(SREG, ATTR), 4, 1), \
	BITS(name ".l",        (at) + 19, 1, PART(SREG, ATTR), 13, 1), \
	BITS(name ".g",        (at) + 20, 1, PART(SREG, ATTR), 15, 1), \
	BITS(name ".avl",      (at) + 21, 1, PART(SREG, ATTR), 12, 1), \
	BITS(name ".unusable", (at) + 22, 1, PART(SREG, ATTR), 8, 1)

#define SEGMENT(SREG, name, at) \
	PLAIN(name ".base",     (at), 8, PART(SREG, BASE)), \
	PLAIN(name ".limit",    (at) + 8, 4, PART(SREG, LIMIT)), \
	PLAIN(name ".selector", (at) + 12, 2, PART(SREG, SEL)), \
	ATTRIBUTES(SREG, name, at)

static const struct descry_exchange_row rows[] = {
	SEGMENT(CS,   "sregs.cs",  0),
	SEGMENT(DS,   "sregs.ds",  24),
	SEGMENT(ES,   "sregs.es",  48),
	SEGMENT(FS,   "sregs.fs",  72),
	SEGMENT(GS,   "sregs.gs",  96),
	SEGMENT(SS,   "sregs.ss",  120),
	SEGMENT(TR,   "sregs.tr",  144),
	SEGMENT(LDTR, "sregs.ldt", 168),
	PLAIN("sregs.gdt.base",    192, 8, DESCRY_STATE_GDTR_BASE),
	PLAIN("sregs.gdt.limit",   200, 2, DESCRY_STATE_GDTR_LIMIT),
	PLAIN("sregs.idt.base",    208, 8, DESCRY_STATE_IDTR_BASE),
	PLAIN("sregs.idt.limit",   216, 2, DESCRY_STATE_IDTR_LIMIT),
	PLAIN("sregs.cr0",         224, 8, DESCRY_STATE_CR0),
	PLAIN("sregs.cr2",         232, 8, DESCRY_STATE_CR2),
	PLAIN("sregs.cr3",         240, 8, DESCRY_STATE_CR3),
	PLAIN("sregs.cr4",         248, 8, DESCRY_STATE_CR4),
	FIXED("sregs.cr8",         256, 8, 0),
	SIGN("sregs.efer",         264, 8, 0, EXCHANGE_EFER_LONG, EXCHANGE_NO_LONG_MODE),
	FIXED("sregs.apic_base",   272, 8, 0),
	FIXED("sregs.interrupt_bitmap.0", 280, 8, 0),
	FIXED("sregs.interrupt_bitmap.1", 288, 8, 0),
	FIXED("sregs.interrupt_bitmap.2", 296, 8, 0),
	FIXED("sregs.interrupt_bitmap.3", 304, 8, 0),
	PLAIN("regs.rax",     REGS + 0, 8, GPR(AX)),
	PLAIN("regs.rbx",     REGS + 8, 8, GPR(BX)),
	PLAIN("regs.rcx",     REGS + 16, 8, GPR(CX)),
	PLAIN("regs.rdx",     REGS + 24, 8, GPR(DX)),
	PLAIN("regs.rsi",     REGS + 32, 8, GPR(SI)),
	PLAIN("regs.rdi",     REGS + 40, 8, GPR(DI)),
	PLAIN("regs.rsp",     REGS + 48, 8, GPR(SP)),
	PLAIN("regs.rbp",     REGS + 56, 8, GPR(BP)),
	FIXED("regs.r8",      REGS + 64, 8, 0),
	FIXED("regs.r9",      REGS + 72, 8, 0),
	FIXED("regs.r10",     REGS + 80, 8, 0),
	FIXED("regs.r11",     REGS + 88, 8, 0),
	FIXED("regs.r12",     REGS + 96, 8, 0),
	FIXED("regs.r13",     REGS + 104, 8, 0),
	FIXED("regs.r14",     REGS + 112, 8, 0),
	FIXED("regs.r15",     REGS + 120, 8, 0),
	PLAIN("regs.rip",     REGS + 128, 8, DESCRY_STATE_EIP),
	PACKED("regs.rflags", REGS + 136, 8, FLAGS, DESCRY_STATE_EFLAGS),
};
/* clang-format on */
_Static_assert(ROW_COUNT(rows) <= DESCRY_EXCHANGE_ROWS, "the words of a format");

const struct descry_exchange_format exchange_kvm = {
	.name = "kvm",
	.help = "struct kvm_sregs and struct kvm_regs (KVM_GET_SREGS, KVM_GET_REGS)",
	.nested = true,
	.form = DESCRY_FORM_BYTES,
	.size = REGS + 144,
	.row_count = ROW_COUNT(rows),
	.rows = rows,
};
