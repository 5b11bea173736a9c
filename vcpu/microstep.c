#include "microstep.h"

#include "eflags.h"
#include "mem.h"

/* --- names ---------------------------------------------------------------------------- */

static const struct row {
	const char *name;
	const char *text;
	bool moves; /* the instruction pointer goes to c->target here */
} rows[DESCRY_MICRO_COUNT] = {
	/* clang-format off */
	[DESCRY_MICRO_I1]   = { "I1",   "the instruction", false },

	[DESCRY_MICRO_RM1]  = { "RM1",  "the vector within the limit of the IDT", false },
	[DESCRY_MICRO_RM2]  = { "RM2",  "room for FLAGS, CS and IP on the stack", false },
	[DESCRY_MICRO_RM3]  = { "RM3",  "IP and CS of the handler from the vector table", false },
	[DESCRY_MICRO_RM4]  = { "RM4",  "the new IP within the limit of CS", false },
	[DESCRY_MICRO_RM5]  = { "RM5",  "FLAGS, CS and IP on the stack; CS:IP of the handler", true },
	[DESCRY_MICRO_RM6]  = { "RM6",  "IF and TF cleared", false },
	[DESCRY_MICRO_RR1]  = { "RR1",  "IP, CS and FLAGS from the stack", false },
	[DESCRY_MICRO_RR2]  = { "RR2",  "CS:IP of the interrupted code", true },
	[DESCRY_MICRO_RR3]  = { "RR3",  "FLAGS and the stack pointer", false },

	[DESCRY_MICRO_PM1]  = { "PM1",  "the gate in the IDT", false },
	[DESCRY_MICRO_PM2]  = { "PM2",  "the gate may be called from here", false },
	[DESCRY_MICRO_PM3]  = { "PM3",  "the gate is present", false },
	[DESCRY_MICRO_PM4]  = { "PM4",  "a task gate: to its task", false },
	[DESCRY_MICRO_PM5]  = { "PM5",  "the descriptor of the handler's CS", false },
	[DESCRY_MICRO_PM6]  = { "PM6",  "it is code, privileged enough and present", false },
	[DESCRY_MICRO_PM7]  = { "PM7",  "out of V86: it is code of ring 0, not conforming, and present", false },
	[DESCRY_MICRO_PM8]  = { "PM8",  "the stack of the inner ring from the TSS", false },
	[DESCRY_MICRO_PM9]  = { "PM9",  "its SS is a present, writable stack of that ring", false },
	[DESCRY_MICRO_PM10] = { "PM10", "room on the stack, EIP within the new CS", false },
	[DESCRY_MICRO_PM11] = { "PM11", "what comes back later, on the stack", false },
	[DESCRY_MICRO_PM12] = { "PM12", "ESP, and SS of an inner ring", false },
	[DESCRY_MICRO_PM13] = { "PM13", "CS:EIP of the handler", true },
	[DESCRY_MICRO_PM14] = { "PM14", "out of V86: GS, FS, DS and ES emptied", false },
	[DESCRY_MICRO_PM15] = { "PM15", "TF, NT, RF and VM cleared, and IF by an interrupt gate", false },

	[DESCRY_MICRO_PI1]  = { "PI1",  "NT set: back to the task that was interrupted", false },
	[DESCRY_MICRO_PI2]  = { "PI2",  "EIP, CS and EFLAGS from the stack", false },
	[DESCRY_MICRO_PI3]  = { "PI3",  "the descriptor of CS as the table has it now", false },
	[DESCRY_MICRO_PI4]  = { "PI4",  "to an outer ring: its ESP and SS, and the descriptor", false },
	[DESCRY_MICRO_PI5]  = { "PI5",  "CS:EIP, and SS:ESP of an outer ring, from the tables", true },
	[DESCRY_MICRO_PI6]  = { "PI6",  "to an outer ring: data segments it may not use emptied", false },
	[DESCRY_MICRO_PI7]  = { "PI7",  "EFLAGS as far as this ring may write it", false },

	[DESCRY_MICRO_VR1]  = { "VR1",  "ESP, SS, ES, DS, FS and GS from the stack", false },
	[DESCRY_MICRO_VR2]  = { "VR2",  "EFLAGS, with VM", false },
	[DESCRY_MICRO_VR3]  = { "VR3",  "CS:IP, SS:ESP and the rest: selector * 16, FFFFh, ring 3", true },

	[DESCRY_MICRO_VM1]  = { "VM1",  "the bit of the vector in the redirection bitmap", false },
	[DESCRY_MICRO_VM2]  = { "VM2",  "room for FLAGS, CS and IP on the stack of V86", false },
	[DESCRY_MICRO_VM3]  = { "VM3",  "IP and CS of the handler from the vector table at 0", false },
	[DESCRY_MICRO_VM4]  = { "VM4",  "the new IP within the limit of CS", false },
	[DESCRY_MICRO_VM5]  = { "VM5",  "FLAGS, CS and IP on the stack; CS:IP of the handler", true },
	[DESCRY_MICRO_VM6]  = { "VM6",  "TF cleared, and IF, or VIF where IOPL is below 3", false },

	[DESCRY_MICRO_FT1]  = { "FT1",  "the descriptor that the selector names", false },
	[DESCRY_MICRO_FT2]  = { "FT2",  "code that this ring may enter, or else a gate or a TSS", false },
	[DESCRY_MICRO_FT3]  = { "FT3",  "CALL: CS and EIP on the stack", false },
	[DESCRY_MICRO_FT4]  = { "FT4",  "CS:EIP of the target", true },

	[DESCRY_MICRO_FR1]  = { "FR1",  "EIP and CS from the stack", false },
	[DESCRY_MICRO_FR2]  = { "FR2",  "the descriptor of CS as the table has it now", false },
	[DESCRY_MICRO_FR3]  = { "FR3",  "to an outer ring: its ESP and SS, and the descriptor", false },
	[DESCRY_MICRO_FR4]  = { "FR4",  "CS:EIP, and SS:ESP", true },
	[DESCRY_MICRO_FR5]  = { "FR5",  "to an outer ring: data segments it may not use emptied", false },

	[DESCRY_MICRO_CG1]  = { "CG1",  "the gate or the TSS may be used from here, and is present", false },
	[DESCRY_MICRO_CG2]  = { "CG2",  "the descriptor of the CS that the gate names", false },
	[DESCRY_MICRO_CG3]  = { "CG3",  "it is code, privileged enough and present", false },
	[DESCRY_MICRO_CG4]  = { "CG4",  "the stack of the inner ring from the TSS", false },
	[DESCRY_MICRO_CG5]  = { "CG5",  "its SS is a present, writable stack of that ring", false },
	[DESCRY_MICRO_CG6]  = { "CG6",  "room on the stack, EIP within the new CS", false },
	[DESCRY_MICRO_CG7]  = { "CG7",  "SS and ESP, the parameters, CS and EIP on the stack", false },
	[DESCRY_MICRO_CG8]  = { "CG8",  "SS:ESP of the inner ring", false },
	[DESCRY_MICRO_CG9]  = { "CG9",  "CS:EIP of the gate", true },

	[DESCRY_MICRO_TS1]  = { "TS1",  "the descriptor of the new task's TSS", false },
	[DESCRY_MICRO_TS2]  = { "TS2",  "both TSS are large enough, and what can fault is touched", false },
	[DESCRY_MICRO_TS3]  = { "TS3",  "busy bit, registers and back link of the old task", false },
	[DESCRY_MICRO_TS4]  = { "TS4",  "the new TSS", false },
	[DESCRY_MICRO_TS5]  = { "TS5",  "TR, its busy bit, CR0.TS: from here on it is the new task", false },
	[DESCRY_MICRO_TS6]  = { "TS6",  "EIP, the registers and EFLAGS of the new TSS", true },
	[DESCRY_MICRO_TS7]  = { "TS7",  "all selectors, with caches that hold nothing yet", false },
	[DESCRY_MICRO_TS8]  = { "TS8",  "LDTR from the GDT", false },
	[DESCRY_MICRO_TS9]  = { "TS9",  "SS from its table", false },
	[DESCRY_MICRO_TS10] = { "TS10", "DS, ES, FS and GS from their tables", false },
	[DESCRY_MICRO_TS11] = { "TS11", "CS from its table", false },
	[DESCRY_MICRO_TS12] = { "TS12", "EIP within CS; the error code; the trap bit", false },

	[DESCRY_MICRO_SM1]  = { "SM1",  "the whole state, caches and all, to SMRAM", false },
	[DESCRY_MICRO_SM2]  = { "SM2",  "CR0, CR4, DR7 and EFLAGS of system management", false },
	[DESCRY_MICRO_SM3]  = { "SM3",  "all six segments: fixed, 4 GiB; EIP 8000h", true },
	[DESCRY_MICRO_SR1]  = { "SR1",  "the state as SMRAM has it now", false },
	[DESCRY_MICRO_SR2]  = { "SR2",  "all registers and caches from it, no table read", true },
	/* clang-format on */
};

const char *
descry_micro_name(enum descry_micro id)
{
	return rows[id].name;
}

const char *
descry_micro_text(enum descry_micro id)
{
	return rows[id].text;
}

/* --- recording ------------------------------------------------------------------------ */

static struct descry_micro_step *
newest(struct descry_micro_log *log)
{
	return &log->step[log->count - 1];
}

static void
take_state(const struct cpu *c, struct descry_state *out)
{
	*out = c->state;
	out->rflags = eflags_read(c);
	out->rip = c->micro->ip;
}

static void
close_step(struct cpu *c)
{
	struct descry_micro_log *log = c->micro;

	if (!log->is_open)
		return;
	log->is_open = false;
	if (rows[newest(log)->id].moves && newest(log)->fault.vector == DESCRY_VEC_NONE)
		log->ip = c->target;
	take_state(c, &newest(log)->state);
}

/* I1 stands for what no other step says. */
static void
drop_empty_instruction(struct descry_micro_log *log)
{
	const struct descry_micro_step *step = newest(log);

	if (step->id == DESCRY_MICRO_I1 && step->access_count == 0 &&
	    step->fault.vector == DESCRY_VEC_NONE &&
	    memcmp(&step->state, &log->before, sizeof(log->before)) == 0)
		log->count--;
}

void
microstep_open(struct cpu *c, enum descry_micro id)
{
	struct descry_micro_log *log = c->micro;

	close_step(c);
	if (log->count)
		drop_empty_instruction(log);
	log->then = DESCRY_MICRO_I1;
	if (log->count == DESCRY_MICRO_STEPS) {
		log->lost = true;
		return;
	}
	log->step[log->count++] = (struct descry_micro_step){
		.id = id,
		.vector = log->vector,
		.fault.vector = DESCRY_VEC_NONE,
		.first_access = log->access_count,
	};
	log->is_open = true;
}

void
microstep_open_pair(struct cpu *c, enum descry_micro id, enum descry_micro then)
{
	microstep_open(c, id);
	c->micro->then = then;
}

void
microstep_open_then(struct cpu *c)
{
	if (c->micro->then != DESCRY_MICRO_I1)
		microstep_open(c, c->micro->then);
}

void
microstep_note_vector(struct cpu *c, unsigned vector)
{
	c->micro->vector = (uint8_t)vector;
}

void
microstep_close_with_fault(struct cpu *c)
{
	struct descry_micro_log *log = c->micro;

	if (log->is_open)
		newest(log)->fault = (struct descry_fault){ .vector = c->fault.vector,
							    .error_code = c->fault.error_code };
	close_step(c);
}

static void
note_part(struct descry_micro_log *log, uint32_t linear, const uint8_t *data, size_t size,
	  bool write)
{
	struct descry_micro_access *access = &log->access[log->access_count];

	if (log->access_count == DESCRY_MICRO_ACCESSES) {
		log->lost = true;
		return;
	}
	*access = (struct descry_micro_access){ .linear = linear,
						.size = (uint8_t)size,
						.write = write };
	memcpy(&access->value, data, size);
	log->access_count++;
	newest(log)->access_count++;
}

/* Rules that look twice at the same bytes have read them once. */
static bool
was_just_read(const struct descry_micro_log *log, uint32_t linear, const void *data, size_t size)
{
	const struct descry_micro_access *last;

	if (!log->access_count || size > sizeof(last->value))
		return false;
	last = &log->access[log->access_count - 1];
	return !last->write && last->linear == linear && last->size == size &&
	       memcmp(&last->value, data, size) == 0;
}

/* A descriptor is one value; what is longer, as a whole TSS, is read as doublewords. */
void
microstep_note_access(struct cpu *c, uint32_t linear, const void *data, size_t size, bool write)
{
	const uint8_t *from = data;
	const size_t unit = size > 8 ? 4 : size;

	if (!c->micro->is_open || (!write && was_just_read(c->micro, linear, data, size)))
		return;
	for (size_t at = 0; at < size; at += unit)
		note_part(c->micro, linear + (uint32_t)at, from + at,
			  size - at < unit ? size - at : unit, write);
}

/* --- the run -------------------------------------------------------------------------- */

void
microstep_begin(struct cpu *c, struct descry_micro_log *log)
{
	c->micro = log;
	log->count = 0;
	log->access_count = 0;
	log->lost = false;
	log->is_open = false;
	log->then = DESCRY_MICRO_I1;
	log->vector = DESCRY_VEC_NONE;
	log->ip = (uint32_t)c->state.rip;
	take_state(c, &log->before);
	cpu_forget_pages(c);
}

/* An interrupt at the boundary may have come before it. The fetch has kept a page. */
void
microstep_instruction(struct cpu *c)
{
	close_step(c);
	c->micro->ip = (uint32_t)c->state.rip;
	c->micro->vector = DESCRY_VEC_NONE;
	cpu_forget_pages(c);
	microstep_open(c, DESCRY_MICRO_I1);
}

void
microstep_end(struct cpu *c)
{
	c->micro->ip = (uint32_t)c->state.rip;
	close_step(c);
	if (c->micro->count)
		newest(c->micro)->state = c->state;
	c->micro = NULL;
	cpu_forget_pages(c);
}
