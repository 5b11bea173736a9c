/*
 * A VMCB: one page with the guest's state from offset 400h on (AMD APM vol. 2, VMCB Layout,
 * State Save Area). Of the control area it has the interrupt shadow. GPRs other than RSP and
 * RAX are the VMM's to save.
 */
#include "exchange_rows.h"

#define EFER_SVME 0x1000u

/* clang-format off */
#define SEGMENT(SREG, name, at) \
	PLAIN(name ".selector", (at), 2, PART(SREG, SEL)), \
	PACKED(name ".attrib", (at) + 2, 2, RIGHTS_SVM, PART(SREG, ATTR)), \
	PLAIN(name ".limit", (at) + 4, 4, PART(SREG, LIMIT)), \
	PLAIN(name ".base", (at) + 8, 8, PART(SREG, BASE))

static const struct descry_exchange_row rows[] = {
	PACKED("interrupt_shadow", 0x068, 8, SHADOW_SVM, DESCRY_STATE_SHADOW),
	SEGMENT(ES,   "es",   0x400),
	SEGMENT(CS,   "cs",   0x410),
	SEGMENT(SS,   "ss",   0x420),
	SEGMENT(DS,   "ds",   0x430),
	SEGMENT(FS,   "fs",   0x440),
	SEGMENT(GS,   "gs",   0x450),
	PLAIN("gdtr.limit",   0x464, 4, DESCRY_STATE_GDTR_LIMIT),
	PLAIN("gdtr.base",    0x468, 8, DESCRY_STATE_GDTR_BASE),
	SEGMENT(LDTR, "ldtr", 0x470),
	PLAIN("idtr.limit",   0x484, 4, DESCRY_STATE_IDTR_LIMIT),
	PLAIN("idtr.base",    0x488, 8, DESCRY_STATE_IDTR_BASE),
	SEGMENT(TR,   "tr",   0x490),
	SIGN("efer",          0x4d0, 8, EFER_SVME, EXCHANGE_EFER_LONG, EXCHANGE_NO_LONG_MODE),
	PLAIN("cr4",          0x548, 8, DESCRY_STATE_CR4),
	PLAIN("cr3",          0x550, 8, DESCRY_STATE_CR3),
	PLAIN("cr0",          0x558, 8, DESCRY_STATE_CR0),
	PLAIN("dr7",          0x560, 8, DESCRY_STATE_DR7),
	PLAIN("dr6",          0x568, 8, DESCRY_STATE_DR6),
	PACKED("rflags",      0x570, 8, FLAGS, DESCRY_STATE_EFLAGS),
	PLAIN("rip",          0x578, 8, DESCRY_STATE_EIP),
	PLAIN("rsp",          0x5d8, 8, GPR(SP)),
	PLAIN("rax",          0x5f8, 8, GPR(AX)),
	PLAIN("sysenter_cs",  0x628, 8, DESCRY_STATE_SYSENTER_CS),
	PLAIN("sysenter_esp", 0x630, 8, DESCRY_STATE_SYSENTER_ESP),
	PLAIN("sysenter_eip", 0x638, 8, DESCRY_STATE_SYSENTER_EIP),
	PLAIN("cr2",          0x640, 8, DESCRY_STATE_CR2),
	PACKED("cpl",         0x4cb, 1, CPL, PART(SS, ATTR)), /* last: it has a word in SS.DPL */
};
/* clang-format on */

const struct descry_exchange_format exchange_vmcb = {
	.name = "vmcb",
	.help = "the state-save area of a VMCB, a page of bytes (SVM)",
	.form = DESCRY_FORM_BYTES,
	.size = 0x1000,
	.row_count = ROW_COUNT(rows),
	.rows = rows,
};
