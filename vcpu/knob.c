/*
 * The knobs: what each is called, which values it takes, and who says so. What a
 * generation has is in profile.c.
 */
#include <descry/profile.h>

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KNOB_VALUES 6u
#define HEX "a hex number" /* in place of a list of values */

struct knob_value {
	const char *text;
	uint32_t value;
};

struct knob {
	struct descry_knob_info info;
	struct knob_value values[KNOB_VALUES]; /* ends early at a NULL text; none: HEX */
};

/* clang-format off */
static const struct knob knobs[DESCRY_KNOB_COUNT] = {
	[DESCRY_KNOB_INSN_SET] = {
		{ "insn.set", "8086, 286, 386, 486, pentium, p6",
		  "the instructions, prefixes and registers that exist; the opcode maps of the "
		  "manuals of each" },
		{ { "8086", DESCRY_INSN_8086 }, { "286", DESCRY_INSN_286 },
		  { "386", DESCRY_INSN_386 }, { "486", DESCRY_INSN_486 },
		  { "pentium", DESCRY_INSN_PENTIUM }, { "p6", DESCRY_INSN_P6 } } },
	[DESCRY_KNOB_ADDRESS_LINES] = {
		{ "address.lines", "20, 24, 32, 36",
		  "physical addresses wrap here; data sheets: A19, A23, A31, A35 is the last pin" },
		{ { "20", 20 }, { "24", 24 }, { "32", 32 }, { "36", 36 } } },
	[DESCRY_KNOB_EFLAGS_BITS] = {
		{ "eflags.bits", HEX,
		  "flags that exist; SDM vol. 3, Architecture Compatibility, New Flags in the EFLAGS "
		  "Register: AC from the 486, ID VIF VIP from the Pentium" },
		{ { NULL, 0 } } },
	[DESCRY_KNOB_CR0_BITS] = {
		{ "cr0.bits", HEX,
		  "bits of CR0 that can be written; 286: the four of MSW; 386: ET can be changed; SDM "
		  "vol. 3, Architecture Compatibility: CD NW AM WP NE from the 486" },
		{ { NULL, 0 } } },
	[DESCRY_KNOB_CR4_BITS] = {
		{ "cr4.bits", HEX,
		  "bits of CR4, 0: there is no CR4; SDM vol. 3, Architecture Compatibility: VME PVI "
		  "TSD DE PSE MCE from the Pentium, PAE PGE PCE from the P6" },
		{ { NULL, 0 } } },
	[DESCRY_KNOB_CPU_SIGNATURE] = {
		{ "cpu.signature", HEX,
		  "DX after reset and CPUID leaf 1 EAX: family, model, stepping; AP-485: 0308 386, "
		  "0423 486SX, 0525 Pentium, 0633 Pentium II" },
		{ { NULL, 0 } } },
	[DESCRY_KNOB_CPUID_FEATURES] = {
		{ "cpuid.features", HEX,
		  "CPUID leaf 1 EDX, 0: there is no CPUID; AP-485, without what is not modelled (FPU, "
		  "APIC, MTRR, MCA, MMX)" },
		{ { NULL, 0 } } },
	[DESCRY_KNOB_X87] = {
		{ "x87", "ignored, ports, none",
		  "ESC without a coprocessor; 8086: ignored; 286: told to ports F8h and FCh "
		  "(SingleStepTests); 386 on: none, as the manuals say for CR0.EM and TS" },
		{ { "ignored", DESCRY_X87_IGNORED }, { "ports", DESCRY_X87_PORTS },
		  { "none", DESCRY_X87_NONE } } },
	[DESCRY_KNOB_LOADALL] = {
		{ "loadall", "none, 286, 386",
		  "0F 05 with its table at 800h, or 0F 07 with its table at ES:EDI; RBIL, 86Box" },
		{ { "none", DESCRY_LOADALL_NONE }, { "286", DESCRY_LOADALL_286 },
		  { "386", DESCRY_LOADALL_386 } } },
	[DESCRY_KNOB_LOADALL386_AR] = {
		{ "loadall386.ar", "collins, hi-dword",
		  "attributes in the table of 0F 07: as Collins found them with an ICE, or as the high "
		  "half of a descriptor, as 86Box has them" },
		{ { "collins", DESCRY_LOADALL386_COLLINS },
		  { "hi-dword", DESCRY_LOADALL386_HIGH_DWORD } } },
	[DESCRY_KNOB_SMM_MAP] = {
		{ "smm.map", "none, p5, p6, amd64",
		  "where an SMI saves the segment caches; sandpile, Bochs, 86Box" },
		{ { "none", DESCRY_SMM_NONE }, { "p5", DESCRY_SMM_P5 }, { "p6", DESCRY_SMM_P6 },
		  { "amd64", DESCRY_SMM_AMD64 } } },

	[DESCRY_KNOB_SEG_LIMITS] = {
		{ "seg.limits", "off, on",
		  "off: a segment is its base, offsets wrap at 64 KiB; 8086 User's Manual" },
		{ { "off", 0 }, { "on", 1 } } },
	[DESCRY_KNOB_DESCRIPTOR_BYTES] = {
		{ "descriptor.bytes", "6, 8",
		  "6: of a descriptor the last word is not read and system types 9 to F do not exist; "
		  "80286 Programmer's Reference Manual, Descriptors; 386 manual: 8" },
		{ { "6", 6 }, { "8", 8 } } },
	[DESCRY_KNOB_REAL_CS_LOAD] = {
		{ "real.cs_load", "fixed, keep, partial",
		  "limit and attributes of CS after a load with PE=0; Collins 1995, 1998: fixed up to "
		  "the 486, kept since; c't 1/1990: partial, the limit and G of a 386 stay" },
		{ { "fixed", DESCRY_REAL_CS_FIXED }, { "keep", DESCRY_REAL_CS_KEEP },
		  { "partial", DESCRY_REAL_CS_PARTIAL } } },
	[DESCRY_KNOB_REAL_DATA_LOAD] = {
		{ "real.data_load", "base, base+limit",
		  "what a load of a data segment with PE=0 writes; 386 data sheet: base" },
		{ { "base", DESCRY_REAL_DATA_BASE }, { "base+limit", DESCRY_REAL_DATA_BASE_LIMIT } } },
	[DESCRY_KNOB_REAL_FORCE_P_S] = {
		{ "real.force_p_s", "off, on",
		  "a load with PE=0 sets P and S and makes usable; Bochs does, Collins 1995 says kept" },
		{ { "off", 0 }, { "on", 1 } } },
	[DESCRY_KNOB_REAL_CS_WRITE] = {
		{ "real.cs_write", "ignored, enforced",
		  "the type of CS on data accesses with PE=0; Collins 1998: ignored" },
		{ { "ignored", 0 }, { "enforced", 1 } } },
	[DESCRY_KNOB_NULL_LOAD] = {
		{ "null.load", "intel, keep-all, amd-old, zero",
		  "the cache after a null load with PE=1; XSA-191: intel, amd-old; 80286 manual: "
		  "keep-all; AMD Zen 2 and later: zero" },
		{ { "intel", DESCRY_NULL_INTEL }, { "keep-all", DESCRY_NULL_KEEP },
		  { "amd-old", DESCRY_NULL_AMD_OLD }, { "zero", DESCRY_NULL_ZERO } } },
	[DESCRY_KNOB_IRET_NULL_RULE] = {
		{ "iret.null_rule", "cached, table",
		  "whose DPL decides which data segments a return to an outer ring makes null; "
		  "Bochs, AMD: cached; older SDM pseudo-code: table" },
		{ { "cached", DESCRY_IRET_NULL_CACHED }, { "table", DESCRY_IRET_NULL_TABLE } } },
	[DESCRY_KNOB_IRET_NULL_BASE] = {
		{ "iret.null_keeps_base", "off, on",
		  "what a return to an outer ring makes null keeps base and limit, as a MOV of null "
		  "does not; Bochs, kvm-unit-tests test_iret" },
		{ { "off", 0 }, { "on", 1 } } },
	[DESCRY_KNOB_LIMIT_WRAP4G] = {
		{ "limit.wrap4g", "off, on",
		  "an access that wraps past FFFFFFFFh faults even with limit FFFFFFFFh; SDM vol. 3, "
		  "Limit Checking: up to the implementation" },
		{ { "off", 0 }, { "on", 1 } } },
	[DESCRY_KNOB_PE_WINDOW] = {
		{ "pe_window.load_needs_jump", "no, yes",
		  "between a change of CR0.PE and the next load of CS, data segments still load as "
		  "before it; boot loaders that failed on some 386 machines (TLVC, ELKS)" },
		{ { "no", 0 }, { "yes", 1 } } },
	[DESCRY_KNOB_ACCESSED_FORCED] = {
		{ "ring.accessed_forced", "no, yes",
		  "the cached accessed bit is 1 even when the table does not keep it; KVM, openvmm" },
		{ { "no", 0 }, { "yes", 1 } } },

	[DESCRY_KNOB_RM_INT_LIMIT] = {
		{ "rm.int_limit", "old, new",
		  "the CS limit that an interrupt with PE=0 checks the new IP against; Bochs: old" },
		{ { "old", DESCRY_RM_INT_OLD_CS }, { "new", DESCRY_RM_INT_NEW_CS } } },
	[DESCRY_KNOB_RM_IDT_LIMIT] = {
		{ "rm.idt_limit", "none, 8, 13",
		  "what a vector beyond IDTR.limit raises with PE=0; 286, 386, 486 manuals, Real-Mode "
		  "Exceptions: 8, interrupt table limit too small; SDM vol. 2, INT n: 13" },
		{ { "none", 0 }, { "8", 8 }, { "13", 13 } } },
	[DESCRY_KNOB_RM_STACK_VECTOR] = {
		{ "rm.stack_vector", "12, 13",
		  "what an access beyond the limit of SS raises with PE=0; SingleStepTests: 13 on a "
		  "286; 386 manual: 12" },
		{ { "12", 12 }, { "13", 13 } } },
	[DESCRY_KNOB_DIVIDE_IP] = {
		{ "divide.ip", "this, next",
		  "the IP that a divide error pushes; SDM vol. 3, Architecture Compatibility: next on "
		  "an 8086" },
		{ { "this", DESCRY_DIVIDE_IP_THIS }, { "next", DESCRY_DIVIDE_IP_NEXT } } },
	[DESCRY_KNOB_STRING_FAULT] = {
		{ "string.fault", "restored, stepped",
		  "SI, DI and CX after a string instruction that faults; SingleStepTests: stepped on a "
		  "286" },
		{ { "restored", DESCRY_STRING_RESTORED }, { "stepped", DESCRY_STRING_STEPPED } } },
	[DESCRY_KNOB_V86_IRET_EIP] = {
		{ "v86.iret_eip_high", "ignored, gp",
		  "bits 31:16 of the EIP that an IRET to V86 pops; Bochs, on tests of hardware: ignored" },
		{ { "ignored", 0 }, { "gp", 1 } } },

	[DESCRY_KNOB_INSN_LENGTH] = {
		{ "insn.length", "10, 15",
		  "longest instruction in bytes; 80286 manual: 10, 386 manual: 15" },
		{ { "10", 10 }, { "15", 15 } } },
	[DESCRY_KNOB_LOCK_RULE] = {
		{ "insn.lock", "checked, any",
		  "LOCK before something that cannot be locked; SDM vol. 2, LOCK: #UD; 286 and before: "
		  "accepted (SingleStepTests)" },
		{ { "checked", DESCRY_LOCK_CHECKED }, { "any", DESCRY_LOCK_ANY } } },
	[DESCRY_KNOB_PUSH_SP] = {
		{ "push.sp", "old, new",
		  "what PUSH SP stores; SDM vol. 3, Architecture Compatibility: the new value on an "
		  "8086" },
		{ { "old", DESCRY_PUSH_SP_OLD }, { "new", DESCRY_PUSH_SP_NEW } } },
	[DESCRY_KNOB_SHIFT_COUNT] = {
		{ "shift.count", "1F, FF",
		  "mask of a shift count; SDM vol. 3, Architecture Compatibility: none on an 8086" },
		{ { "1F", 0x1f }, { "FF", 0xff } } },
	[DESCRY_KNOB_IDIV_MIN] = {
		{ "idiv.min", "allowed, fault",
		  "a quotient of 80h or 8000h; SDM vol. 3, Architecture Compatibility: fault on an 8086" },
		{ { "allowed", 0 }, { "fault", 1 } } },
	[DESCRY_KNOB_FLAGS_TOP] = {
		{ "flags.top", "bits, zeros, ones",
		  "FLAGS bits 15:12 with PE=0; AP-485, CPU detection: ones on an 8086, zeros on a 286" },
		{ { "bits", DESCRY_FLAGS_TOP_BITS }, { "zeros", DESCRY_FLAGS_TOP_ZEROS },
		  { "ones", DESCRY_FLAGS_TOP_ONES } } },
	[DESCRY_KNOB_SHADOW_SREG] = {
		{ "shadow.sreg", "ss, any",
		  "loads that hold interrupts off for one instruction; 8086 User's Manual: any segment "
		  "register; later ones: SS" },
		{ { "ss", 0 }, { "any", 1 } } },

	[DESCRY_KNOB_RESET_ENTRY] = {
		{ "reset.entry", "FFFF0000, F000FFF0",
		  "CS and IP after reset; 8086 User's Manual: FFFF:0000, later ones F000:FFF0" },
		{ { "FFFF0000", 0xffff0000 }, { "F000FFF0", 0xf000fff0 } } },
	[DESCRY_KNOB_RESET_CR0] = {
		{ "reset.cr0", HEX,
		  "CR0 after reset; 286: MSW FFF0; 386: ET; SDM vol. 3, Processor State After Reset: CD "
		  "NW ET" },
		{ { NULL, 0 } } },
	[DESCRY_KNOB_RESET_TR_ATTR] = {
		{ "reset.tr_ar", "8B, 82",
		  "TR attributes after reset; VMX needs a busy TSS, SDM vol. 3 says present, "
		  "read/write" },
		{ { "8B", 0x8b }, { "82", 0x82 } } },
	[DESCRY_KNOB_RESET_IDT_LIMIT] = {
		{ "reset.idt_limit", "3FF, FFFF",
		  "IDTR limit after reset; 386 and 486 manuals: 3FF, later ones FFFF" },
		{ { "3FF", 0x3ff }, { "FFFF", 0xffff } } },
	[DESCRY_KNOB_RESET_CS_ATTR] = {
		{ "reset.cs_ar", "93, 9B",
		  "CS attributes after reset; sandpile: 93, KVM has used both" },
		{ { "93", 0x93 }, { "9B", 0x9b } } },
	[DESCRY_KNOB_DEBUG_BIT12] = {
		{ "debug.bit12", "settable, zero",
		  "bit 12 of DR6 and DR7; SDM vol. 3, Debug Facilities (compatibility): settable up to "
		  "the 486; 86Box, dosemu: reset sets it in DR6" },
		{ { "settable", 1 }, { "zero", 0 } } },
	[DESCRY_KNOB_DEBUG_KEEP_B] = {
		{ "debug.dr6_b", "kept, cleared",
		  "B0 to B3 of DR6 from earlier debug exceptions; 80386 data sheet: never cleared; "
		  "SDM vol. 3: some do; kvm-unit-tests debug.c: cleared" },
		{ { "kept", 1 }, { "cleared", 0 } } },
	[DESCRY_KNOB_DEBUG_BREAK_RF] = {
		{ "debug.break_rf", "set, clear",
		  "RF in what an instruction breakpoint pushes; 80386 manual: set, as for any fault; "
		  "SDM vol. 3: the handler has to set it" },
		{ { "set", 1 }, { "clear", 0 } } },
	[DESCRY_KNOB_CHECK_INVARIANTS] = {
		{ "check.invariants", "build, on, off",
		  "stop when the model breaks a rule of its own, looked at after every instruction; "
		  "build: the option DESCRY_CHECK_INVARIANTS of the build" },
		{ { "build", DESCRY_CHECK_BUILD }, { "on", DESCRY_CHECK_ON },
		  { "off", DESCRY_CHECK_OFF } } },
};
/* clang-format on */

#define LIST_TEXT 256u

/* --- finding -------------------------------------------------------------------------- */

const struct descry_knob_info *
descry_knob_info(enum descry_knob knob)
{
	return (unsigned)knob < DESCRY_KNOB_COUNT ? &knobs[knob].info : NULL;
}

static const struct knob *
find_knob(const char *name, size_t length)
{
	for (size_t i = 0; i < DESCRY_KNOB_COUNT; i++) {
		const char *candidate = knobs[i].info.name;

		if (strlen(candidate) == length && strncasecmp(candidate, name, length) == 0)
			return &knobs[i];
	}
	return NULL;
}

static bool
takes_hex(const struct knob *knob)
{
	return knob->values[0].text == NULL;
}

static bool
parse_hex(const char *text, uint32_t *out)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 16);

	if (end == text || *end != '\0' || strchr("+- \t", *text) || value > UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool
parse_value(const struct knob *knob, const char *text, uint32_t *out)
{
	if (takes_hex(knob))
		return parse_hex(text, out);
	for (size_t i = 0; i < KNOB_VALUES && knob->values[i].text != NULL; i++) {
		if (strcasecmp(knob->values[i].text, text) == 0) {
			*out = knob->values[i].value;
			return true;
		}
	}
	return false;
}

/* --- setting -------------------------------------------------------------------------- */

static size_t
group_length(const char *name)
{
	return strcspn(name, ".=");
}

/* Every knob of the group that the name begins with, "real." say; of an unknown group, all. */
static void
list_alike(const char *name, char list[LIST_TEXT])
{
	const size_t length = group_length(name);
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < DESCRY_KNOB_COUNT && used < LIST_TEXT; i++) {
		const char *candidate = knobs[i].info.name;

		if (group_length(candidate) == length && strncasecmp(candidate, name, length) == 0)
			used += (size_t)snprintf(list + used, LIST_TEXT - used, "%s%s",
						 used > 0 ? ", " : "", candidate);
	}
}

static enum descry_status
no_such_knob(const char *name, size_t length, struct descry_error *err)
{
	const int shown = (int)(length < 40 ? length : 40);
	char list[LIST_TEXT];

	list_alike(name, list);
	if (list[0] == '\0')
		return descry_fail(err, DESCRY_NOT_FOUND, "no knob '%.*s'; -c help lists them",
				   shown, name);
	return descry_fail(err, DESCRY_NOT_FOUND, "no knob '%.*s'; there are: %s", shown, name,
			   list);
}

static const char *
one_of(const struct knob *knob)
{
	return takes_hex(knob) ? "" : "one of ";
}

enum descry_status
descry_profile_set(struct descry_profile *profile, const char *assignment, struct descry_error *err)
{
	const char *equals = strchr(assignment, '=');
	const size_t length = equals != NULL ? (size_t)(equals - assignment) : strlen(assignment);
	const struct knob *knob = find_knob(assignment, length);
	uint32_t value;

	if (knob == NULL)
		return no_such_knob(assignment, length, err);
	if (equals == NULL)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "'%s' needs a value: %s=%s%s",
				   knob->info.name, knob->info.name, one_of(knob),
				   knob->info.values);
	if (!parse_value(knob, equals + 1, &value))
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "'%.40s' is no value of %s: %s%s",
				   equals + 1, knob->info.name, one_of(knob), knob->info.values);

	profile->knob[knob - knobs] = value;
	return DESCRY_OK;
}

const char *
descry_knob_value_text(enum descry_knob knob, uint32_t value, char *buffer, unsigned size)
{
	assert((unsigned)knob < DESCRY_KNOB_COUNT);

	for (size_t i = 0; i < KNOB_VALUES && knobs[knob].values[i].text != NULL; i++) {
		if (knobs[knob].values[i].value == value) {
			snprintf(buffer, size, "%s", knobs[knob].values[i].text);
			return buffer;
		}
	}
	snprintf(buffer, size, "%X", (unsigned)value);
	return buffer;
}
