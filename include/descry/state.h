/*
 * The whole architectural state of one CPU: plain data, no pointers, fit for memcpy,
 * memcmp, snapshots and fixed offsets. rip and rflags are exact whenever the CPU is not
 * inside descry_vcpu_run(). Owned by vcpu.
 */
#ifndef DESCRY_STATE_H
#define DESCRY_STATE_H

#include <descry/segment.h>

enum descry_gpr {
	DESCRY_AX,
	DESCRY_CX,
	DESCRY_DX,
	DESCRY_BX,
	DESCRY_SP,
	DESCRY_BP,
	DESCRY_SI,
	DESCRY_DI,
};

#define DESCRY_FLAG_CF 0x00000001u
#define DESCRY_FLAG_ONE 0x00000002u
#define DESCRY_FLAG_PF 0x00000004u
#define DESCRY_FLAG_AF 0x00000010u
#define DESCRY_FLAG_ZF 0x00000040u
#define DESCRY_FLAG_SF 0x00000080u
#define DESCRY_FLAG_TF 0x00000100u
#define DESCRY_FLAG_IF 0x00000200u
#define DESCRY_FLAG_DF 0x00000400u
#define DESCRY_FLAG_OF 0x00000800u
#define DESCRY_FLAG_IOPL 0x00003000u
#define DESCRY_FLAG_IOPL_SHIFT 12
#define DESCRY_FLAG_NT 0x00004000u
#define DESCRY_FLAG_RF 0x00010000u
#define DESCRY_FLAG_VM 0x00020000u
#define DESCRY_FLAG_AC 0x00040000u
#define DESCRY_FLAG_VIF 0x00080000u
#define DESCRY_FLAG_VIP 0x00100000u
#define DESCRY_FLAG_ID 0x00200000u

#define DESCRY_CR0_PE 0x00000001u
#define DESCRY_CR0_MP 0x00000002u
#define DESCRY_CR0_EM 0x00000004u
#define DESCRY_CR0_TS 0x00000008u
#define DESCRY_CR0_ET 0x00000010u
#define DESCRY_CR0_NE 0x00000020u
#define DESCRY_CR0_WP 0x00010000u
#define DESCRY_CR0_AM 0x00040000u
#define DESCRY_CR0_NW 0x20000000u
#define DESCRY_CR0_CD 0x40000000u
#define DESCRY_CR0_PG 0x80000000u

#define DESCRY_CR4_TSD 0x00000004u
#define DESCRY_CR4_DE 0x00000008u
#define DESCRY_CR4_PCE 0x00000100u

#define DESCRY_CR4_VME 0x00000001u
#define DESCRY_CR4_PVI 0x00000002u
#define DESCRY_CR4_PSE 0x00000010u
#define DESCRY_CR4_PAE 0x00000020u
#define DESCRY_CR4_PGE 0x00000080u

/* Interrupt shadows, as VMX shows them (SDM vol. 3, Guest Non-Register State). */
#define DESCRY_SHADOW_STI 0x01u
#define DESCRY_SHADOW_MOV_SS 0x02u

/* What waits for a boundary at which it may be taken. */
#define DESCRY_PENDING_NMI 0x01u
#define DESCRY_PENDING_INTERRUPT 0x02u /* from outside, with the vector in .interrupt */
#define DESCRY_PENDING_SMI 0x04u
#define DESCRY_PENDING_INIT 0x08u

/* Two reasons for which NMIs may be held back. */
#define DESCRY_NMI_BLOCKED_BY_NMI 0x01u
#define DESCRY_NMI_BLOCKED_BY_SMI 0x02u

struct descry_table {
	uint64_t base;
	uint32_t limit;
	uint32_t reserved; /* zero */
};

/*
 * A translation that the CPU keeps until it is told to forget it, whatever the tables say by
 * then. tag: the linear page in bits 31:12, and what all levels of the tables allow together, at
 * the places that the bits have in a page-table entry: P (the slot is in use) R/W U/S D PS G.
 */
struct descry_tlb_entry {
	uint32_t tag;
	uint32_t frame; /* physical page number */
};

/* Direct-mapped: linear page number modulo the count. Fetches fill and use the second alone. */
#define DESCRY_TLB_DATA 512u
#define DESCRY_TLB_CODE 64u

struct descry_state {
	uint64_t gpr[16];
	uint64_t zero; /* always 0: what an absent base or index register reads as */
	uint64_t rip;  /* the offset in CS, not a linear address */
	uint64_t rflags;
	uint64_t cr0, cr2, cr3, cr4;
	uint64_t dr[8];
	struct descry_segment seg[DESCRY_SREG_COUNT];
	struct descry_table gdtr, idtr;

	/*
	 * Time: instructions that have ended, by retiring or by faulting. A REP iteration
	 * is one. (docs/decisions: time-counts-faults)
	 */
	uint64_t retired;

	uint8_t shadow;      /* DESCRY_SHADOW_*; lasts for one instruction */
	uint8_t halted;      /* HLT has executed and nothing has woken the CPU */
	uint8_t shut_down;   /* triple fault */
	uint8_t nmi_blocked; /* DESCRY_NMI_BLOCKED_* */
	uint8_t a20_masked;  /* address bit 20 is forced to 0 */
	uint8_t in_rep;      /* in the middle of a repeat: an interrupt here pushes RF set */
	uint16_t pending_db; /* debug traps, as bits of DR6, that wait for their boundary */
	uint8_t pending;     /* DESCRY_PENDING_* */
	uint8_t interrupt;   /* its vector; 0 when none is pending */
	uint8_t pe_window;   /* loads go by the CR0.PE before: knob pe_window.load_needs_jump */
	uint8_t in_smm;      /* between an SMI and RSM */
	uint32_t smbase;

	/* Model-specific registers. */
	uint64_t tsc_offset; /* the time stamp counter is retired plus this */
	uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint32_t reserved_msr; /* zero */

	uint64_t pdpte[4]; /* with CR4.PAE: the page directories, read when CR3 is written */
	struct descry_tlb_entry tlb_data[DESCRY_TLB_DATA];
	struct descry_tlb_entry tlb_code[DESCRY_TLB_CODE];
};

/* Where the current privilege level lives (SDM vol. 3, Guest Register State: SS.DPL). */
static inline unsigned
descry_cpl(const struct descry_state *state)
{
	if (!(state->cr0 & DESCRY_CR0_PE))
		return 0;
	if (state->rflags & DESCRY_FLAG_VM)
		return 3;
	return descry_segment_dpl(&state->seg[DESCRY_SS]);
}

#endif
