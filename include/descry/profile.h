/*
 * A profile is a CPU generation as data: one value for each knob. The rules ask the
 * knob and never the generation. Knob names, values and sources: vcpu/profile.c, the
 * table that `-c help` prints and `-k KNOB=VALUE` changes. Owned by vcpu.
 */
#ifndef DESCRY_PROFILE_H
#define DESCRY_PROFILE_H

#include <descry/status.h>

#include <stdint.h>

enum descry_knob {
	/* what there is */
	DESCRY_KNOB_INSN_SET,       /* enum descry_insn_set: compare with >= */
	DESCRY_KNOB_ADDRESS_LINES,  /* 20, 24, 32, 36 */
	DESCRY_KNOB_EFLAGS_BITS,    /* mask: flags that exist; bits 12..15: DESCRY_KNOB_FLAGS_TOP */
	DESCRY_KNOB_CR0_BITS,       /* mask: bits of CR0 that can be written */
	DESCRY_KNOB_CR4_BITS,       /* the same; 0: there is no CR4 */
	DESCRY_KNOB_CPU_SIGNATURE,  /* family, model, stepping: DX after reset, CPUID leaf 1 EAX */
	DESCRY_KNOB_CPUID_FEATURES, /* CPUID leaf 1 EDX; 0: there is no CPUID */
	DESCRY_KNOB_X87,            /* enum descry_x87 */
	DESCRY_KNOB_LOADALL,        /* enum descry_loadall */
	DESCRY_KNOB_LOADALL386_AR,  /* enum descry_loadall386_ar */
	DESCRY_KNOB_SMM_MAP,        /* enum descry_smm_map */

	/* segments */
	DESCRY_KNOB_SEG_LIMITS,       /* 0: there are no limits and no types, offsets wrap (8086) */
	DESCRY_KNOB_DESCRIPTOR_BYTES, /* 6: no 386 flags, base and limit bits, gates and TSS; 8 */
	DESCRY_KNOB_REAL_CS_LOAD,     /* enum descry_real_cs_load */
	DESCRY_KNOB_REAL_DATA_LOAD,   /* enum descry_real_data_load */
	DESCRY_KNOB_REAL_FORCE_P_S,   /* 0, 1 */
	DESCRY_KNOB_REAL_CS_WRITE,    /* 1: write protection of CS is enforced with PE=0 */
	DESCRY_KNOB_NULL_LOAD,        /* enum descry_null_load */
	DESCRY_KNOB_IRET_NULL_RULE,   /* enum descry_iret_null_rule */
	DESCRY_KNOB_IRET_NULL_BASE,   /* 1: what a return makes null keeps its base and limit */
	DESCRY_KNOB_LIMIT_WRAP4G,     /* 1: an access that wraps past FFFFFFFFh faults */
	DESCRY_KNOB_PE_WINDOW,        /* 1: loads follow CR0.PE only after a jump */
	DESCRY_KNOB_ACCESSED_FORCED,  /* 1: a cached attr has A set, whatever the table keeps */

	/* interrupts and faults */
	DESCRY_KNOB_RM_INT_LIMIT,    /* enum descry_rm_int_limit */
	DESCRY_KNOB_RM_IDT_LIMIT,    /* the vector: 8 or 13; 0: there is no IDTR */
	DESCRY_KNOB_RM_STACK_VECTOR, /* the vector: 12 or 13 */
	DESCRY_KNOB_DIVIDE_IP,       /* enum descry_divide_ip */
	DESCRY_KNOB_STRING_FAULT,    /* enum descry_string_fault */
	DESCRY_KNOB_V86_IRET_EIP,    /* 1: bits 31:16 of EIP popped by an IRET to V86 raise #GP */

	/* instructions */
	DESCRY_KNOB_INSN_LENGTH, /* bytes, prefixes included; more raise #GP */
	DESCRY_KNOB_LOCK_RULE,   /* enum descry_lock_rule */
	DESCRY_KNOB_PUSH_SP,     /* enum descry_push_sp */
	DESCRY_KNOB_SHIFT_COUNT, /* mask of the count: 1Fh or FFh */
	DESCRY_KNOB_IDIV_MIN,    /* 1: the most negative quotient raises #DE */
	DESCRY_KNOB_FLAGS_TOP,   /* enum descry_flags_top */
	DESCRY_KNOB_SHADOW_SREG, /* 1: a load of any segment register casts a shadow, not SS alone
				  */

	/* reset */
	DESCRY_KNOB_RESET_ENTRY,     /* CS << 16 | IP: F000FFF0h or FFFF0000h */
	DESCRY_KNOB_RESET_CR0,       /* with the bits that nothing can change afterwards */
	DESCRY_KNOB_RESET_TR_ATTR,   /* the attr itself: 82h or 8Bh */
	DESCRY_KNOB_RESET_IDT_LIMIT, /* 3FFh or FFFFh */
	DESCRY_KNOB_RESET_CS_ATTR,   /* 93h or 9Bh */
	DESCRY_KNOB_DEBUG_BIT12,     /* 1: bit 12 of DR6 and DR7 can be set */
	DESCRY_KNOB_DEBUG_KEEP_B,    /* 1: a debug exception never clears B0 to B3 of DR6 */
	DESCRY_KNOB_DEBUG_BREAK_RF,  /* 1: an instruction breakpoint pushes RF set */

	/* the model, not a CPU */
	DESCRY_KNOB_CHECK_INVARIANTS, /* enum descry_check */
	DESCRY_KNOB_COUNT
};

/* Which instructions exist: those of a generation and of all before it. */
enum descry_insn_set {
	DESCRY_INSN_8086,
	DESCRY_INSN_286, /* the 80186's too */
	DESCRY_INSN_386,
	DESCRY_INSN_486,
	DESCRY_INSN_PENTIUM,
	DESCRY_INSN_P6,
};
enum descry_x87 {
	DESCRY_X87_IGNORED, /* 8086: ESC forms its address and does nothing more */
	DESCRY_X87_PORTS,   /* 286: it tells ports F8h and FCh, where nobody answers */
	DESCRY_X87_NONE,    /* ESC raises #NM when CR0.EM or CR0.TS is set */
};
enum descry_loadall { DESCRY_LOADALL_NONE, DESCRY_LOADALL_286, DESCRY_LOADALL_386 };
enum descry_loadall386_ar { DESCRY_LOADALL386_COLLINS, DESCRY_LOADALL386_HIGH_DWORD };
enum descry_smm_map { DESCRY_SMM_NONE, DESCRY_SMM_P5, DESCRY_SMM_P6, DESCRY_SMM_AMD64 };
enum descry_real_cs_load { DESCRY_REAL_CS_KEEP, DESCRY_REAL_CS_FIXED, DESCRY_REAL_CS_PARTIAL };
enum descry_real_data_load { DESCRY_REAL_DATA_BASE, DESCRY_REAL_DATA_BASE_LIMIT };
enum descry_null_load {
	DESCRY_NULL_INTEL,   /* base 0, limit FFFFFFFF, attr C100 */
	DESCRY_NULL_KEEP,    /* 286: only the valid bit goes */
	DESCRY_NULL_AMD_OLD, /* base and limit kept, attr 0 */
	DESCRY_NULL_ZERO,    /* all zero */
};
enum descry_iret_null_rule { DESCRY_IRET_NULL_CACHED, DESCRY_IRET_NULL_TABLE };
enum descry_check { DESCRY_CHECK_BUILD, DESCRY_CHECK_ON, DESCRY_CHECK_OFF };
enum descry_rm_int_limit { DESCRY_RM_INT_OLD_CS, DESCRY_RM_INT_NEW_CS };
enum descry_divide_ip { DESCRY_DIVIDE_IP_THIS, DESCRY_DIVIDE_IP_NEXT };
enum descry_string_fault { DESCRY_STRING_RESTORED, DESCRY_STRING_STEPPED };
enum descry_lock_rule {
	DESCRY_LOCK_CHECKED, /* #UD but before a read-modify-write of memory */
	DESCRY_LOCK_ANY,     /* accepted everywhere */
};
enum descry_push_sp { DESCRY_PUSH_SP_OLD, DESCRY_PUSH_SP_NEW };
enum descry_flags_top {
	DESCRY_FLAGS_TOP_BITS,  /* IOPL and NT are what they are */
	DESCRY_FLAGS_TOP_ZEROS, /* 286: bits 15:12 are 0 with PE=0 */
	DESCRY_FLAGS_TOP_ONES,  /* 8086: bits 15:12 are 1 */
};

struct descry_profile {
	const char *name;
	uint32_t knob[DESCRY_KNOB_COUNT];
};

/* The profile called name; NULL if there is none. NULL asks for the default. */
const struct descry_profile *descry_profile_find(const char *name);

/* The same with a sentence that lists what there is: err is filled when it returns NULL. */
const struct descry_profile *descry_profile_choose(const char *name, struct descry_error *err);

/* Every profile in turn, the oldest first; NULL past the end. */
const struct descry_profile *descry_profile_at(unsigned index);

/* Applies one "real.cs_load=keep" to a copy of a profile. */
enum descry_status descry_profile_set(struct descry_profile *profile, const char *assignment,
				      struct descry_error *err);

/* A row of the knob table, for help. NULL past the end. */
struct descry_knob_info {
	const char *name;
	const char *values; /* "keep, fixed": what descry_profile_set() takes; or "a hex number" */
	const char *source;
};
const struct descry_knob_info *descry_knob_info(enum descry_knob knob);
const char *descry_knob_value_text(enum descry_knob knob, uint32_t value, char *buffer,
				   unsigned size);

#endif
