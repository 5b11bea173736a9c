/*
 * The state of a guest in the shapes that others keep it in: VMCS, VMCB, the structs of KVM,
 * save maps of SMM, tables of LOADALL. A format is a table of rows: where a word lies, how
 * wide it is, which field of the state it holds and how that is packed. Whoever packs or
 * unpacks one (SMI and RSM, LOADALL, a world switch, `export` and `import`) goes through these
 * rows. Owned by vcpu.
 */
#ifndef DESCRY_EXCHANGE_H
#define DESCRY_EXCHANGE_H

#include <descry/vcpu.h>

/* --- the fields of the state ---------------------------------------------------------- */

/* Parts of a segment, counted from DESCRY_STATE_SEGMENT + 4 * sreg. */
enum descry_state_part {
	DESCRY_PART_SEL,
	DESCRY_PART_BASE,
	DESCRY_PART_LIMIT,
	DESCRY_PART_ATTR,
	DESCRY_PART_COUNT
};

/* Everything in struct descry_state but time, the TLB and the PDPTEs. */
enum descry_state_field {
	DESCRY_STATE_GPR, /* + enum descry_gpr */
	DESCRY_STATE_EIP = DESCRY_STATE_GPR + 8,
	DESCRY_STATE_EFLAGS,
	DESCRY_STATE_CR0,
	DESCRY_STATE_CR2,
	DESCRY_STATE_CR3,
	DESCRY_STATE_CR4,
	DESCRY_STATE_DR0,
	DESCRY_STATE_DR1,
	DESCRY_STATE_DR2,
	DESCRY_STATE_DR3,
	DESCRY_STATE_DR6,
	DESCRY_STATE_DR7,
	DESCRY_STATE_SEGMENT, /* + DESCRY_PART_COUNT * sreg + part */
	DESCRY_STATE_GDTR_BASE = DESCRY_STATE_SEGMENT + DESCRY_PART_COUNT * DESCRY_SREG_COUNT,
	DESCRY_STATE_GDTR_LIMIT,
	DESCRY_STATE_IDTR_BASE,
	DESCRY_STATE_IDTR_LIMIT,
	DESCRY_STATE_SMBASE,
	DESCRY_STATE_TSC_OFFSET,
	DESCRY_STATE_SYSENTER_CS,
	DESCRY_STATE_SYSENTER_ESP,
	DESCRY_STATE_SYSENTER_EIP,
	DESCRY_STATE_A20_MASKED,
	DESCRY_STATE_PENDING,
	DESCRY_STATE_INTERRUPT,
	DESCRY_STATE_SHADOW,
	DESCRY_STATE_HALTED,
	DESCRY_STATE_SHUT_DOWN,
	DESCRY_STATE_NMI_BLOCKED,
	DESCRY_STATE_IN_REP,
	DESCRY_STATE_PENDING_DB,
	DESCRY_STATE_PE_WINDOW,
	DESCRY_STATE_IN_SMM,
	DESCRY_STATE_FIELD_COUNT
};

/* What an import makes of a field that its format does not have. */
enum descry_absent {
	DESCRY_ABSENT_STAYS,   /* as the machine has it */
	DESCRY_ABSENT_CLEARED, /* it belongs to an instruction or event that the import ends */
};

struct descry_state_field_info {
	const char *name; /* as expressions say it: "fs.base" */
	uint16_t at;      /* in struct descry_state */
	uint8_t bytes;    /* that it has there ... */
	uint8_t bits;     /* ... and how many of its bits this model can hold */
	uint8_t absent;   /* enum descry_absent */
};

const struct descry_state_field_info *descry_state_field(enum descry_state_field field);
uint64_t descry_state_get(const struct descry_state *state, enum descry_state_field field);
void descry_state_set(struct descry_state *state, enum descry_state_field field, uint64_t value);

static inline enum descry_state_field
descry_state_segment(enum descry_sreg sreg, enum descry_state_part part)
{
	return (enum descry_state_field)(DESCRY_STATE_SEGMENT + DESCRY_PART_COUNT * (unsigned)sreg +
					 (unsigned)part);
}

/* --- formats -------------------------------------------------------------------------- */

enum descry_packing {
	DESCRY_PACK_PLAIN, /* the number itself */
	DESCRY_PACK_BITS,  /* .bits bits of the field, from .shift on */
	DESCRY_PACK_FLAGS, /* EFLAGS: in the middle of a repeat with RF set, as an interrupt has it
			    */
	DESCRY_PACK_MSW,   /* PE MP EM TS of CR0, and no PG */
	DESCRY_PACK_CPL,   /* SS.DPL, and what the mode makes of it */
	DESCRY_PACK_RIGHTS_VMX,      /* unusable is bit 16 */
	DESCRY_PACK_RIGHTS_SVM,      /* G D L AVL in bits 11:8, and unusable is P=0 */
	DESCRY_PACK_RIGHTS_P5,       /* attr from bit 8 on */
	DESCRY_PACK_RIGHTS_286,      /* the access byte; unusable is P=0 */
	DESCRY_PACK_RIGHTS_386,      /* access byte in bits 23:16, D in bit 14; G is in the limit */
	DESCRY_PACK_RIGHTS_386_HIGH, /* as in the high dword of a descriptor, without G */
	DESCRY_PACK_INTERRUPTIBILITY,
	DESCRY_PACK_ACTIVITY,
	DESCRY_PACK_PENDING_DEBUG,
	DESCRY_PACK_SHADOW_SVM, /* one bit for both shadows */
	DESCRY_PACK_COPY,  /* of the field, for who reads a dump: an import does not look at it */
	DESCRY_PACK_FIXED, /* .fixed, whatever the state is */
	DESCRY_PACK_COUNT
};

struct descry_exchange_row {
	const char *name; /* "GUEST_FS_LIMIT", "sregs.fs.limit" */
	uint32_t at;      /* offset, or VMCS encoding */
	uint8_t bytes;
	uint8_t packing; /* enum descry_packing */
	uint8_t field;   /* enum descry_state_field; of PACK_FIXED: nothing */
	uint8_t shift, bits;
	uint64_t fixed;
	uint64_t must;        /* PACK_FIXED: these bits of a word that is imported must be so ... */
	const char *must_why; /* ... or this sentence says what is wrong with it */
};

enum descry_exchange_form {
	DESCRY_FORM_BYTES, /* an image: each word at its offset */
	DESCRY_FORM_WORDS, /* numbered words: a VMCS */
};

struct descry_exchange_format {
	const char *name; /* "vmcb" */
	const char *help; /* a phrase */
	const char *note; /* a sentence about what an import does not change; or NULL */
	bool nested;      /* JSON: numbers in nested objects, by the dots of the names, as in the C
			   * structs; else each word is an object with its place */
	enum descry_exchange_form form;
	uint32_t first; /* FORM_BYTES: the offset of the first byte of the image ... */
	uint32_t size;  /* ... and how many there are */
	size_t row_count;
	const struct descry_exchange_row *rows;
};

enum descry_exchange {
	DESCRY_EXCHANGE_VMCS,
	DESCRY_EXCHANGE_VMCB,
	DESCRY_EXCHANGE_KVM,
	DESCRY_EXCHANGE_SMRAM_P5,
	DESCRY_EXCHANGE_SMRAM_P6,
	DESCRY_EXCHANGE_SMRAM_AMD64,
	DESCRY_EXCHANGE_LOADALL_286,
	DESCRY_EXCHANGE_LOADALL_386,
	DESCRY_EXCHANGE_LOADALL_386_HIGH,
	DESCRY_EXCHANGE_COUNT
};

/* NULL past the end. */
const struct descry_exchange_format *descry_exchange_format_at(size_t which);

/* By name; err lists the names when it returns NULL. */
const struct descry_exchange_format *descry_exchange_find(const char *name,
							  struct descry_error *err);

/* The row of a format that holds this field, other than a copy; NULL: the format lacks it. */
const struct descry_exchange_row *descry_exchange_row_of(
	const struct descry_exchange_format *format, enum descry_state_field field);

/* The tables of LOADALL, in bytes; and the one of this CPU, NULL if it has none. */
#define DESCRY_LOADALL_286_BYTES 102u
#define DESCRY_LOADALL_386_BYTES 204u
const struct descry_exchange_format *descry_loadall_format(const struct descry_profile *profile);

/* The save map of this CPU's SMM; NULL if it has none. */
const struct descry_exchange_format *descry_smram_format(const struct descry_profile *profile);

/* --- one word: no judgement ----------------------------------------------------------- */

/* A value with more bits than .bytes has says that the row cannot hold the field. */
uint64_t descry_exchange_pack(const struct descry_exchange_row *row,
			      const struct descry_state *state);

/* As a CPU takes it: bits that the state does not have are dropped. */
void descry_exchange_unpack(const struct descry_exchange_row *row, uint64_t value,
			    struct descry_state *state);

/* --- one image: no judgement ---------------------------------------------------------- */

/* Of .size bytes, FORM_BYTES; what no row names stays as it is. */
void descry_exchange_pack_bytes(const struct descry_exchange_format *format,
				const struct descry_state *state, uint8_t *bytes);
void descry_exchange_unpack_bytes(const struct descry_exchange_format *format, const uint8_t *bytes,
				  struct descry_state *state);

uint64_t descry_exchange_word(const struct descry_exchange_format *format,
			      const struct descry_exchange_row *row, const uint8_t *bytes);
void descry_exchange_put_word(const struct descry_exchange_format *format,
			      const struct descry_exchange_row *row, uint64_t value,
			      uint8_t *bytes);

/* --- export and import ---------------------------------------------------------------- */

#define DESCRY_EXCHANGE_ROWS 160u

/* The words of a format in the order of its rows. */
struct descry_exchange_words {
	uint64_t word[DESCRY_EXCHANGE_ROWS];
};

/* One thing that is not the same behind an export and an import: a normalisation. */
struct descry_exchange_change {
	const char *name; /* of the field, or of the row */
	uint64_t before, after;
	const char *why;
};

struct descry_exchange_report {
	const struct descry_exchange_format *format;
	size_t change_count;
	struct descry_exchange_change change[DESCRY_EXCHANGE_ROWS + DESCRY_STATE_FIELD_COUNT];
	size_t absent_count; /* fields that the format lacks and an import leaves alone */
	uint8_t absent[DESCRY_STATE_FIELD_COUNT];
};

/*
 * Refuses a state that is wider than the format, by the name of the field. The report says
 * what an import of the words gives instead of the state.
 */
enum descry_status descry_exchange_export(const struct descry_exchange_format *format,
					  const struct descry_state *state,
					  struct descry_exchange_words *words,
					  struct descry_exchange_report *report,
					  struct descry_error *err);

/*
 * Puts words over a state; the report says which of them count as something else. A word that
 * the model cannot hold is refused by the name of its row, and the state is untouched.
 */
enum descry_status descry_exchange_import(const struct descry_exchange_format *format,
					  const struct descry_exchange_words *words,
					  struct descry_state *state,
					  struct descry_exchange_report *report,
					  struct descry_error *err);

/*
 * Makes a state that of the CPU, with provenance DESCRY_CAUSE_IMPORT. Time and the pages of the
 * PDPTEs stay, the TLB is emptied, the PDPTEs are read through CR3. What this CPU lacks of it
 * (bits of CR0, CR4, EFLAGS, DR6, DR7) goes into the report.
 */
void descry_exchange_apply(struct descry_vcpu *vcpu, const struct descry_state *state,
			   struct descry_exchange_report *report);

#endif
