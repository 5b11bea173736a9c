#include "command/render.h"

#include <descry/debug.h>

#include <inttypes.h>
#include <string.h>

static uint32_t
read(const struct descry_state *state, const char *name)
{
	return (uint32_t)register_read(register_find(name, strlen(name)), state);
}

static uint64_t
knob(const struct descry_vcpu *vcpu, enum descry_knob which)
{
	return descry_vcpu_profile(vcpu)->knob[which];
}

static bool
is_32bit(const struct descry_vcpu *vcpu)
{
	return knob(vcpu, DESCRY_KNOB_INSN_SET) >= DESCRY_INSN_386;
}

static void
put_row(const struct descry_sink *sink, const struct descry_state *state, const char *const *names)
{
	for (unsigned i = 0; names[i] != NULL; i++) {
		const struct register_name *reg = register_find(names[i], strlen(names[i]));

		descry_sink_printf(sink, "%s%s%-6s%s %0*" PRIx64, i > 0 ? "  " : "",
				   style(sink, STYLE_QUIET), names[i], style(sink, STYLE_PLAIN),
				   reg->bits > 16 ? 8 : 4, register_read(reg, state));
	}
}

/* The bits of a word that are set, by name, in brackets. */
static void
put_word_bits(const struct descry_sink *sink, uint64_t word, const char *const names[32])
{
	bool any = false;

	for (unsigned bit = 0; bit < 32; bit++) {
		if (names[bit] == NULL || !(word >> bit & 1))
			continue;
		descry_sink_printf(sink, "%s%s", any ? " " : "  [", names[bit]);
		any = true;
	}
	descry_sink_text(sink, any ? "]" : "");
}

/* --- by generation -------------------------------------------------------------------- */

static void
put_general(const struct descry_sink *sink, const struct descry_vcpu *vcpu,
	    const struct descry_state *state)
{
	static const char *const rows[2][2][5] = {
		{ { "ax", "bx", "cx", "dx", NULL }, { "si", "di", "bp", "sp", NULL } },
		{ { "eax", "ebx", "ecx", "edx", NULL }, { "esi", "edi", "ebp", "esp", NULL } },
	};

	for (unsigned i = 0; i < 2; i++) {
		put_row(sink, state, rows[is_32bit(vcpu)][i]);
		descry_sink_text(sink, "\n");
	}
}

static void
put_flags(const struct descry_sink *sink, const struct descry_vcpu *vcpu,
	  const struct descry_state *state)
{
	static const char *const rows[2][3] = { { "ip", "flags", NULL },
						{ "eip", "eflags", NULL } };
	/* clang-format off */
	static const char *const bits[32] = {
		[0] = "cf", [2] = "pf", [4] = "af", [6] = "zf", [7] = "sf", [8] = "tf", [9] = "if",
		[10] = "df", [11] = "of", [14] = "nt", [16] = "rf", [17] = "vm", [18] = "ac",
		[19] = "vif", [20] = "vip", [21] = "id",
	};
	/* clang-format on */
	const uint64_t exist = knob(vcpu, DESCRY_KNOB_EFLAGS_BITS);
	const uint32_t now = read(state, "eflags") & (uint32_t)exist;

	put_row(sink, state, rows[is_32bit(vcpu)]);
	put_word_bits(sink, now, bits);
	if (now >> 12 & 3)
		descry_sink_printf(sink, "  iopl %u", (unsigned)(now >> 12 & 3));
	descry_sink_text(sink, "\n");
}

static void
put_selectors(const struct descry_sink *sink, const struct descry_vcpu *vcpu,
	      const struct descry_state *state)
{
	const char *between = "";

	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		if ((i == DESCRY_FS || i == DESCRY_GS) && !is_32bit(vcpu))
			continue;
		if ((i == DESCRY_LDTR || i == DESCRY_TR) &&
		    knob(vcpu, DESCRY_KNOB_INSN_SET) < DESCRY_INSN_286)
			continue;
		descry_sink_printf(sink, "%s%s%s%s %04x", between, style(sink, STYLE_QUIET),
				   descry_sreg_name((enum descry_sreg)i), style(sink, STYLE_PLAIN),
				   state->seg[i].sel);
		between = "  ";
	}
	descry_sink_text(sink, "\n");
}

static void
put_tables(const struct descry_sink *sink, const struct descry_state *state)
{
	descry_sink_printf(sink,
			   "gdtr base %08" PRIx64 " limit %04" PRIx32 "  idtr base %08" PRIx64
			   " limit %04" PRIx32 "\n",
			   state->gdtr.base, state->gdtr.limit, state->idtr.base,
			   state->idtr.limit);
}

static void
put_control(const struct descry_sink *sink, const struct descry_vcpu *vcpu,
	    const struct descry_state *state)
{
	/* clang-format off */
	static const char *const cr0_bits[32] = {
		[0] = "pe", [1] = "mp", [2] = "em", [3] = "ts", [4] = "et", [5] = "ne",
		[16] = "wp", [18] = "am", [29] = "nw", [30] = "cd", [31] = "pg",
	};
	static const char *const cr4_bits[32] = { "vme", "pvi", "tsd", "de", "pse", "pae", "mce",
						  "pge", "pce" };
	/* clang-format on */
	static const char *const rows[2][4] = { { "cr0", NULL }, { "cr0", "cr2", "cr3", NULL } };
	const uint64_t et = is_32bit(vcpu) ? DESCRY_CR0_ET : 0; /* fixed from the 486 on */

	if (knob(vcpu, DESCRY_KNOB_CR0_BITS) == 0)
		return;
	put_row(sink, state, rows[is_32bit(vcpu)]);
	put_word_bits(sink, state->cr0 & (knob(vcpu, DESCRY_KNOB_CR0_BITS) | et), cr0_bits);
	descry_sink_text(sink, "\n");
	if (knob(vcpu, DESCRY_KNOB_CR4_BITS) == 0)
		return;
	put_row(sink, state, (const char *const[]){ "cr4", NULL });
	put_word_bits(sink, state->cr4, cr4_bits);
	descry_sink_text(sink, "\n");
}

/* What waits for its boundary. */
static void
put_pending(const struct descry_sink *sink, const struct descry_state *state)
{
	if (state->pending_db)
		descry_sink_text(sink, "#DB pending  ");
	if (state->pending & DESCRY_PENDING_INIT)
		descry_sink_text(sink, "INIT pending  ");
	if (state->pending & DESCRY_PENDING_SMI)
		descry_sink_text(sink, "SMI pending  ");
	if (state->pending & DESCRY_PENDING_NMI)
		descry_sink_text(sink, "NMI pending  ");
	if (state->pending & DESCRY_PENDING_INTERRUPT)
		descry_sink_printf(sink, "interrupt %02xh pending  ", state->interrupt);
}

static void
put_state(const struct descry_sink *sink, const struct descry_state *state)
{
	if (state->in_smm)
		descry_sink_printf(sink, "in SMM, SMBASE %08" PRIx32 "  ", state->smbase);
	if (state->halted)
		descry_sink_text(sink, "halted  ");
	if (state->shut_down)
		descry_sink_text(sink, "shut down  ");
	if (state->a20_masked)
		descry_sink_text(sink, "A20 masked  ");
	if (state->nmi_blocked)
		descry_sink_text(sink, "NMI blocked  ");
	if (state->shadow & DESCRY_SHADOW_STI)
		descry_sink_text(sink, "shadow of STI  ");
	if (state->shadow & DESCRY_SHADOW_MOV_SS)
		descry_sink_text(sink, "shadow of MOV SS  ");
	put_pending(sink, state);
}

/* --- debug registers ------------------------------------------------------------------ */

/* What an enabled breakpoint waits for. */
static void
put_breakpoint(const struct descry_sink *sink, const struct descry_state *state, unsigned n)
{
	static const char *const kinds[] = {
		[DESCRY_BREAK_EXECUTE] = "execution of the instruction",
		[DESCRY_BREAK_WRITE] = "a write to",
		[DESCRY_BREAK_IO] = "in or out at ports",
		[DESCRY_BREAK_ACCESS] = "a read of or write to",
	};
	const struct descry_debug_point b =
		descry_debug_point((uint32_t)state->dr[n], (uint32_t)state->dr[7], n);
	const bool is_dead = b.kind == DESCRY_BREAK_IO && !(state->cr4 & DESCRY_CR4_DE);

	if (!b.enabled)
		return;
	descry_sink_printf(sink, "       dr%u breaks on %s %08" PRIx32, n, kinds[b.kind],
			   b.address);
	if (b.length > 1)
		descry_sink_printf(sink, "..%08" PRIx32, b.address + b.length - 1);
	descry_sink_printf(sink, "%s\n", is_dead ? " (never: cr4.de is clear)" : "");
}

static void
put_debug(const struct descry_sink *sink, const struct descry_state *state)
{
	static const char *const addresses[] = { "dr0", "dr1", "dr2", "dr3", NULL };
	static const char *const causes[32] = {
		"b0", "b1", "b2", "b3", [13] = "bd", [14] = "bs", [15] = "bt"
	};
	static const char *const controls[32] = { "l0", "g0", "l1", "g1", "l2",       "g2",
						  "l3", "g3", "le", "ge", [13] = "gd" };

	put_row(sink, state, addresses);
	descry_sink_text(sink, "\n");
	put_row(sink, state, (const char *const[]){ "dr6", NULL });
	put_word_bits(sink, state->dr[6], causes);
	descry_sink_text(sink, "  ");
	put_row(sink, state, (const char *const[]){ "dr7", NULL });
	put_word_bits(sink, state->dr[7], controls);
	descry_sink_text(sink, "\n");
	for (unsigned n = 0; n < DESCRY_DEBUG_POINT_COUNT; n++)
		put_breakpoint(sink, state, n);
}

/* --- all of them ---------------------------------------------------------------------- */

static void
put_registers(const struct descry_sink *sink, const struct descry_vcpu *vcpu,
	      const struct descry_state *state)
{
	put_general(sink, vcpu, state);
	put_flags(sink, vcpu, state);
	put_selectors(sink, vcpu, state);
	put_control(sink, vcpu, state);
	if (knob(vcpu, DESCRY_KNOB_INSN_SET) >= DESCRY_INSN_286)
		put_tables(sink, state);
	if (is_32bit(vcpu))
		put_debug(sink, state);
	put_state(sink, state);
	descry_sink_printf(sink, "%s mode, CPL %u, %" PRIu64 " instructions so far\n",
			   descry_mode_text(descry_vcpu_mode(vcpu)), descry_cpl(state),
			   state->retired);
}

static json_t *
json_pending(const struct descry_state *state)
{
	return json_pack("{s:b, s:b, s:b, s:b, s:o}", "db", state->pending_db != 0, "init",
			 !!(state->pending & DESCRY_PENDING_INIT), "smi",
			 !!(state->pending & DESCRY_PENDING_SMI), "nmi",
			 !!(state->pending & DESCRY_PENDING_NMI), "interrupt",
			 state->pending & DESCRY_PENDING_INTERRUPT ? json_integer(state->interrupt)
								   : json_null());
}

/* Every name of the register table that is no part of another name's row. */
static json_t *
json_registers(const struct descry_vcpu *vcpu, const struct descry_state *state)
{
	json_t *object = json_object();
	const struct register_name *reg;

	for (size_t i = 0; (reg = register_at(i)) != NULL; i++) {
		if (reg->source == REGISTER_STATE && reg->bits >= 16 &&
		    !(reg->bits == 16 && reg->storage == 8))
			json_object_set_new(object, reg->name,
					    json_integer((json_int_t)register_read(reg, state)));
	}
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++)
		json_object_set_new(object, descry_sreg_name((enum descry_sreg)i),
				    json_integer(state->seg[i].sel));
	json_object_set_new(object, "mode", json_string(descry_mode_text(descry_vcpu_mode(vcpu))));
	json_object_set_new(object, "cpl", json_integer(descry_cpl(state)));
	json_object_set_new(object, "halted", json_boolean(state->halted));
	json_object_set_new(object, "shut_down", json_boolean(state->shut_down));
	json_object_set_new(object, "a20_masked", json_boolean(state->a20_masked));
	json_object_set_new(object, "nmi_blocked", json_boolean(state->nmi_blocked));
	json_object_set_new(object, "in_smm", json_boolean(state->in_smm));
	json_object_set_new(object, "smbase", json_integer(state->smbase));
	json_object_set_new(object, "pending", json_pending(state));
	return object;
}

void
render_registers(const struct descry_sink *sink, struct descry_monitor *monitor)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);

	if (sink->json)
		json_render(sink, json_registers(vcpu, state));
	else
		put_registers(sink, vcpu, state);
}
