#include "command/render.h"

#include <inttypes.h>
#include <stdio.h>

#define BYTES_TEXT (2 * DESCRY_INSN_MAX + 1)

static const char *
bytes_text(const struct descry_code_line *line, char text[BYTES_TEXT])
{
	const unsigned count = line->length > 0 ? line->length : line->present > 0 ? 1 : 0;

	text[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", line->bytes[i]);
	return text;
}

/* Through which segment a line was asked for, else CS:IP. */
struct label {
	uint16_t cs;
	const struct descry_address *asked; /* through a segment other than CS; or NULL */
	uint64_t first;                     /* linear address of the first line */
};

static const char *
label_text(const struct label *label, const struct descry_code_line *line,
	   char text[DESCRY_FAR_TEXT])
{
	const struct descry_address *asked = label->asked;

	if (asked == NULL)
		return descry_far_text(label->cs, line->ip, text);
	snprintf(text, DESCRY_FAR_TEXT, "%4s:%04" PRIx32, descry_sreg_name(asked->sreg),
		 (uint32_t)(asked->offset + line->linear - label->first));
	return text;
}

/* "*=> 0000:7c23 t3_unreal        66b800000200    mov eax, 0x20000" */
static void
put_line(const struct descry_sink *sink, const struct label *label,
	 const struct descry_code_line *line)
{
	char bytes[BYTES_TEXT];
	char place[DESCRY_FAR_TEXT];

	descry_sink_printf(sink, "%s%c%s %s %-18s %s%-16s%s %s%s\n",
			   style(sink, line->current ? STYLE_STRONG : STYLE_PLAIN),
			   line->breakpoint != 0 ? '*' : ' ', line->current ? "=>" : "  ",
			   label_text(label, line, place), line->symbol,
			   style(sink, line->current ? STYLE_PLAIN : STYLE_QUIET),
			   bytes_text(line, bytes), style(sink, STYLE_PLAIN), line->text,
			   style(sink, STYLE_PLAIN));
}

static json_t *
json_line(uint16_t cs, const struct descry_code_line *line)
{
	char bytes[BYTES_TEXT];

	return json_pack("{s:I, s:i, s:I, s:s, s:s, s:o, s:b, s:o}", "linear",
			 (json_int_t)line->linear, "cs", cs, "ip", (json_int_t)line->ip, "bytes",
			 bytes_text(line, bytes), "instruction", line->text, "symbol",
			 json_text(line->symbol), "current", (int)line->current, "breakpoint",
			 line->breakpoint != 0 ? json_integer(line->breakpoint) : json_null());
}

void
render_code(const struct descry_sink *sink, struct descry_monitor *monitor,
	    const struct descry_address *asked, const struct descry_code_line *lines, size_t count)
{
	const struct descry_state *state = descry_vcpu_state(descry_monitor_vcpu(monitor));
	const uint16_t cs = state->seg[DESCRY_CS].sel;
	const bool elsewhere =
		asked != NULL && asked->space == DESCRY_SPACE_SEGMENT && asked->sreg != DESCRY_CS;
	const struct label label = { cs, elsewhere ? asked : NULL, lines[0].linear };
	json_t *list;

	if (!sink->json) {
		for (size_t i = 0; i < count; i++)
			put_line(sink, &label, &lines[i]);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_line(cs, &lines[i]));
	json_render(sink, json_pack("{s:o}", "code", list));
}
