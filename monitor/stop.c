#include "stop.h"

#include "handle.h"
#include "inject.h"

#include <descry/disas.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
descry_far_text(uint16_t cs, uint64_t ip, char text[DESCRY_FAR_TEXT])
{
	snprintf(text, DESCRY_FAR_TEXT, "%04x:%0*" PRIx32, cs, ip > 0xffff ? 8 : 4, (uint32_t)ip);
	return text;
}

const char *
descry_access_text(enum descry_access access)
{
	static const char *const texts[] = {
		[DESCRY_READ] = "read",
		[DESCRY_WRITE] = "store",
		[DESCRY_FETCH] = "fetch",
	};

	return texts[access];
}

const char *
descry_stop_reason_text(enum descry_stop_reason reason)
{
	static const char *const texts[DESCRY_STOP_REASON_COUNT] = {
		[DESCRY_STOP_START] = "start",
		[DESCRY_STOP_STEP] = "step",
		[DESCRY_STOP_REACHED] = "reached",
		[DESCRY_STOP_BREAKPOINT] = "breakpoint",
		[DESCRY_STOP_INTERRUPTED] = "interrupted",
		[DESCRY_STOP_ACCESS] = "access",
		[DESCRY_STOP_LOAD] = "load",
		[DESCRY_STOP_HOST_INTERRUPT] = "host interrupt",
		[DESCRY_STOP_GUEST_EXIT] = "guest exit",
		[DESCRY_STOP_HALTED] = "halted for ever",
		[DESCRY_STOP_UNHANDLED] = "unhandled",
		[DESCRY_STOP_SHUTDOWN] = "shutdown",
		[DESCRY_STOP_NOT_MODELLED] = "not modelled",
		[DESCRY_STOP_INVARIANT] = "invariant broken",
	};

	return texts[reason];
}

/* --- the line ------------------------------------------------------------------------- */

/* What is said about one instruction. */
struct place {
	uint64_t ip, linear;
	uint16_t cs;
	unsigned length;
	unsigned segments; /* 1 << sreg: those that it uses, or that keep it from being fetched */
	uint8_t bytes[DESCRY_INSN_MAX];
	char text[DESCRY_DISAS_TEXT];
};

/* Whatever does not fit is cut off. */
void
stop_append(struct descry_stop *stop, const char *format, ...)
{
	const size_t used = strlen(stop->text);
	va_list args;

	va_start(args, format);
	vsnprintf(stop->text + used, sizeof(stop->text) - used, format, args);
	va_end(args);
}

static bool
symbolize_ip(void *owner, uint64_t ip, char *buffer, size_t size)
{
	const struct descry_monitor *monitor = owner;
	const struct descry_state *state = descry_vcpu_state(monitor->vcpu);

	return descry_monitor_symbolize(monitor, (uint32_t)(state->seg[DESCRY_CS].base + ip),
					buffer, size);
}

static void
find_place(struct descry_monitor *monitor, uint16_t cs, uint64_t ip, struct place *place)
{
	const struct descry_segment *code = &descry_vcpu_state(monitor->vcpu)->seg[DESCRY_CS];
	const struct descry_disas_options options = {
		.code32 = code->attr & DESCRY_ATTR_DB,
		.profile = descry_vcpu_profile(monitor->vcpu),
		.ip = ip,
		.symbolize = symbolize_ip,
		.owner = monitor,
	};
	size_t size;

	*place = (struct place){ .cs = cs, .ip = ip, .linear = (uint32_t)(code->base + ip) };
	size = descry_vcpu_peek(monitor->vcpu, place->linear, place->bytes, sizeof(place->bytes));
	place->length = descry_disassemble(&options, place->bytes, size, place->text);
	place->segments = stop_segments_of(place->text, place->bytes, place->length);
	if (size == 0)
		snprintf(place->text, sizeof(place->text), "(no memory)");
	if (ip > code->limit)
		snprintf(place->text, sizeof(place->text), "(beyond the limit of cs)");
	if (ip + place->length > (uint64_t)code->limit + 1)
		place->segments = 1u << DESCRY_CS;
}

/* "0000:7c45 store+4" */
static void
append_address(struct descry_monitor *monitor, struct descry_stop *stop, const struct place *place)
{
	char far[DESCRY_FAR_TEXT], symbol[96];

	stop_append(stop, "%s", descry_far_text(place->cs, place->ip, far));
	if (descry_monitor_symbolize(monitor, place->linear, symbol, sizeof(symbol)))
		stop_append(stop, " %s", symbol);
}

/* "0000:7c45 store+4: mov eax, ebx" */
static void
append_place(struct descry_monitor *monitor, struct descry_stop *stop, const struct place *place)
{
	append_address(monitor, stop, place);
	stop_append(stop, ": %s", place->text);
}

static void
append_bytes(struct descry_stop *stop, const struct place *place)
{
	const unsigned count = place->length ? place->length : 4;

	stop_append(stop, " (bytes");
	for (unsigned i = 0; i < count; i++)
		stop_append(stop, " %02x", place->bytes[i]);
	stop_append(stop, ")");
}

/* "; fs 0010 base 00000100 limit 0000ffff attr 4093"; CS when the set is empty. */
static void
append_segments(struct descry_monitor *monitor, struct descry_stop *stop, unsigned set)
{
	if (set == 0)
		set = 1u << DESCRY_CS;
	for (enum descry_sreg sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++) {
		const struct descry_segment *seg = &descry_vcpu_state(monitor->vcpu)->seg[sreg];

		if (set & 1u << sreg)
			stop_append(
				stop, "; %s %04x base %08" PRIx64 " limit %08" PRIx32 " attr %04x",
				descry_sreg_name(sreg), seg->sel, seg->base, seg->limit, seg->attr);
	}
}

static void
append_fault(struct descry_stop *stop, const struct descry_fault *fault)
{
	const char *name = descry_vector_text(fault->vector);

	stop_append(stop, "%s", name);
	if (name[0] == '#')
		stop_append(stop, " (vector %u)", fault->vector);
}

/* "place; segments": how most stops end. */
static void
append_whole_place(struct descry_monitor *monitor, struct descry_stop *stop,
		   const struct place *place, unsigned also)
{
	append_place(monitor, stop, place);
	append_segments(monitor, stop, place->segments | also);
}

/* --- one function a reason that has more to say --------------------------------------- */

/* The newest event of a kind in the ring; NULL: there is none. */
static const struct descry_event *
newest_event(const struct descry_vcpu *vcpu, enum descry_event_kind kind)
{
	for (size_t i = descry_vcpu_event_count(vcpu); i > 0; i--)
		if (descry_vcpu_event(vcpu, i - 1)->kind == kind)
			return descry_vcpu_event(vcpu, i - 1);
	return NULL;
}

/* What the watched access was, and the instruction that made it. */
static void
describe_access(struct descry_monitor *monitor, struct descry_stop *stop, struct place *place)
{
	const struct descry_event *event = newest_event(monitor->vcpu, DESCRY_EVENT_ACCESS);

	if (!event) {
		append_place(monitor, stop, place);
		return;
	}
	stop_append(stop, "%s of %u bytes at %s:%08" PRIx32, descry_access_text(event->access),
		    event->size, descry_sreg_name(event->sreg), event->offset);
	if (event->fault.vector == DESCRY_VEC_NONE)
		stop_append(stop, ", linear %08" PRIx32, event->linear);
	else
		stop_append(stop, ", refused: %s", descry_vector_text(event->fault.vector));
	stop_append(stop, ", by ");
	find_place(monitor, event->cs, event->ip, place);
	append_place(monitor, stop, place);
	append_segments(monitor, stop, 1u << event->sreg);
}

/* Which segments were loaded by what the newest of these events belongs to. */
static unsigned
loaded_segments(const struct descry_vcpu *vcpu, const struct descry_event *newest)
{
	unsigned set = 0;

	for (size_t i = 0; i < descry_vcpu_event_count(vcpu); i++) {
		const struct descry_event *event = descry_vcpu_event(vcpu, i);

		if (event->kind == DESCRY_EVENT_SEGMENT_LOAD && event->retired == newest->retired)
			set |= 1u << event->sreg;
	}
	return set;
}

/* What was loaded, and by what. An instruction that has loaded CS cannot be read as CS now is. */
static void
describe_load(struct descry_monitor *monitor, struct descry_stop *stop, struct place *place)
{
	const struct descry_vcpu *vcpu = monitor->vcpu;
	const struct descry_event *event = newest_event(vcpu, DESCRY_EVENT_SEGMENT_LOAD);
	const unsigned set = loaded_segments(vcpu, event);

	stop_append(stop, "load of");
	for (enum descry_sreg sreg = 0; sreg < DESCRY_SREG_COUNT; sreg++)
		if (set & 1u << sreg)
			stop_append(stop, " %s", descry_sreg_name(sreg));
	stop_append(stop, " (%s) by ",
		    descry_cause_text(descry_vcpu_provenance(vcpu, event->sreg)->base.cause));
	if (!(set & 1u << DESCRY_CS)) {
		find_place(monitor, event->cs, event->ip, place);
		append_place(monitor, stop, place);
	} else {
		place->cs = event->cs;
		place->ip = event->ip;
		place->linear = event->linear;
		append_address(monitor, stop, place);
	}
	append_segments(monitor, stop, set);
}

/* HLT has executed, and CS:IP is after it: what stands there is of no interest. */
static void
describe_halt(struct descry_monitor *monitor, struct descry_stop *stop, struct place *place)
{
	stop_append(stop, "halted for ever at ");
	append_address(monitor, stop, place);
	stop_append(stop, ", after hlt");
	append_segments(monitor, stop, 1u << DESCRY_CS);
}

/* The faults that led here, one out of the delivery of the other: "#UD(0000), then #DF(0000)". */
static void
append_fault_chain(struct descry_monitor *monitor, struct descry_stop *stop)
{
	const struct descry_vcpu *vcpu = monitor->vcpu;
	const char *between = "";

	for (size_t i = 0; i < descry_vcpu_event_count(vcpu); i++) {
		const struct descry_event *event = descry_vcpu_event(vcpu, i);

		if (event->kind != DESCRY_EVENT_FAULT || event->retired != stop->retired)
			continue;
		stop_append(stop, "%s%s(%04x)", between, descry_vector_text(event->fault.vector),
			    event->fault.error_code);
		between = ", then ";
	}
}

/* SDM vol. 3, Interrupt 8 - Double Fault Exception. */
static const char *
leads_out(const struct descry_state *state)
{
	return state->nmi_blocked || state->in_smm ? "only a reset leads out"
						   : "nmi, smi, init or reset lead out";
}

static void
describe_shutdown(struct descry_monitor *monitor, struct descry_stop *stop,
		  const struct place *place)
{
	if (descry_vcpu_event_count(monitor->vcpu) == 0) {
		stop_append(stop, "shut down already, at ");
		append_whole_place(monitor, stop, place, 0);
		stop_append(stop, "; %s of it", leads_out(descry_vcpu_state(monitor->vcpu)));
		return;
	}
	stop_append(stop, "shutdown (triple fault): ");
	append_fault_chain(monitor, stop);
	stop_append(stop, " could not be delivered at ");
	append_whole_place(monitor, stop, place, 1u << DESCRY_CS | 1u << DESCRY_SS);
	stop_append(stop, "; idtr base %08" PRIx64 " limit %04" PRIx32,
		    descry_vcpu_state(monitor->vcpu)->idtr.base,
		    descry_vcpu_state(monitor->vcpu)->idtr.limit);
}

static void
describe_unhandled(struct descry_monitor *monitor, struct descry_stop *stop,
		   const struct place *place)
{
	stop_append(stop, "unhandled ");
	append_fault(stop, &stop->fault);
	stop_append(stop, " at ");
	append_whole_place(monitor, stop, place,
			   stop->fault.vector == DESCRY_VEC_SS ? 1u << DESCRY_SS : 0);
}

static void
describe_not_modelled(struct descry_monitor *monitor, struct descry_stop *stop,
		      const struct place *place, const char *what)
{
	stop_append(stop, "%s, at ", what);
	append_place(monitor, stop, place);
	append_bytes(stop, place);
	append_segments(monitor, stop, place->segments);
}

static void
describe_guest_exit(struct descry_monitor *monitor, struct descry_stop *stop,
		    const struct place *place)
{
	const uint32_t value = monitor->devices.state.exit_value;

	stop->exit_status = (int)((value * 2 + 1) & 255);
	stop_append(stop, "guest exit, status %d (%" PRIx32 "h to port F4h), before ",
		    stop->exit_status, value);
	append_place(monitor, stop, place);
}

static void
describe_breakpoint(struct descry_monitor *monitor, struct descry_stop *stop,
		    const struct place *place)
{
	const struct descry_breakpoint *breakpoint =
		breakpoints_at(&monitor->breakpoints, place->linear);

	stop->breakpoint = breakpoint ? breakpoint->number : 0;
	if (breakpoint)
		stop_append(stop, "breakpoint %d at ", stop->breakpoint);
	else
		stop_append(stop, "a debugger's breakpoint at ");
	append_place(monitor, stop, place);
}

void
stop_fill(struct descry_monitor *monitor, enum descry_stop_reason reason,
	  const struct descry_exit *exit, struct descry_stop *stop)
{
	const struct descry_state *state = descry_vcpu_state(monitor->vcpu);

	*stop = (struct descry_stop){
		.reason = reason,
		.retired = state->retired,
		.ip = state->rip,
		.cs = state->seg[DESCRY_CS].sel,
		.fault = exit ? exit->fault : (struct descry_fault){ .vector = DESCRY_VEC_NONE },
	};
	stop->injection = inject_behind(&monitor->schedule, state, stop);
}

/* "; injected by 2: nmi every 1000" */
static void
append_injection(struct descry_monitor *monitor, struct descry_stop *stop)
{
	const struct descry_injection *injection =
		schedule_find(&monitor->schedule, stop->injection);
	char text[DESCRY_INJECTION_TEXT];

	if (injection)
		stop_append(stop, "; injected by %d: %s", stop->injection,
			    descry_injection_text(monitor, injection, text));
}

static void
write_reason(struct descry_monitor *monitor, const struct descry_exit *exit,
	     struct descry_stop *stop)
{
	struct place place;

	find_place(monitor, stop->cs, stop->ip, &place);
	switch (stop->reason) {
	case DESCRY_STOP_START:
	case DESCRY_STOP_STEP:
	case DESCRY_STOP_INTERRUPTED:
		stop_append(stop, "%s at ", descry_stop_reason_text(stop->reason));
		append_place(monitor, stop, &place);
		break;
	case DESCRY_STOP_REACHED:
		stop_append(stop, "reached ");
		append_place(monitor, stop, &place);
		break;
	case DESCRY_STOP_HOST_INTERRUPT:
		stop_append(stop, "host interrupt before ");
		append_place(monitor, stop, &place);
		break;
	case DESCRY_STOP_BREAKPOINT:
		describe_breakpoint(monitor, stop, &place);
		break;
	case DESCRY_STOP_ACCESS:
		describe_access(monitor, stop, &place);
		break;
	case DESCRY_STOP_LOAD:
		describe_load(monitor, stop, &place);
		break;
	case DESCRY_STOP_GUEST_EXIT:
		describe_guest_exit(monitor, stop, &place);
		break;
	case DESCRY_STOP_HALTED:
		describe_halt(monitor, stop, &place);
		break;
	case DESCRY_STOP_UNHANDLED:
		describe_unhandled(monitor, stop, &place);
		break;
	case DESCRY_STOP_SHUTDOWN:
		describe_shutdown(monitor, stop, &place);
		break;
	case DESCRY_STOP_NOT_MODELLED:
		describe_not_modelled(monitor, stop, &place, exit ? exit->text : "not modelled");
		break;
	case DESCRY_STOP_INVARIANT: /* its text names the place before the instruction */
		stop_append(stop, "invariant broken: %s", exit ? exit->text : "");
		break;
	case DESCRY_STOP_REASON_COUNT:
		break;
	}
}

void
stop_write_text(struct descry_monitor *monitor, const struct descry_exit *exit,
		struct descry_stop *stop)
{
	write_reason(monitor, exit, stop);
	append_injection(monitor, stop);
}

void
stop_describe(struct descry_monitor *monitor, enum descry_stop_reason reason,
	      const struct descry_exit *exit, struct descry_stop *stop)
{
	stop_fill(monitor, reason, exit, stop);
	stop_write_text(monitor, exit, stop);
}
