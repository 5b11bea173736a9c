#include "target_xml.h"

#include "registers.h"

#include <descry/reload.h>

/*
 * i8086, for every mode without 64 bits: from there a user can go to i386 and come back,
 * while with i386 here "set architecture i8086" does nothing (gdb 13.1).
 */
static const char header[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
	"<target version=\"1.0\"><architecture>i8086</architecture><osabi>none</osabi>\n";

/* --- types ---------------------------------------------------------------------------- */

struct bits {
	const char *name;
	unsigned first, last;
	const char *type; /* NULL: as gdb likes */
};

/* clang-format off */
static const struct bits eflags_bits[] = {
	{ "CF", 0, 0, NULL },   { "", 1, 1, NULL },    { "PF", 2, 2, NULL },
	{ "AF", 4, 4, NULL },   { "ZF", 6, 6, NULL },  { "SF", 7, 7, NULL },
	{ "TF", 8, 8, NULL },   { "IF", 9, 9, NULL },  { "DF", 10, 10, NULL },
	{ "OF", 11, 11, NULL }, { "IOPL", 12, 13, "uint32" }, { "NT", 14, 14, NULL },
	{ "RF", 16, 16, NULL }, { "VM", 17, 17, NULL }, { "AC", 18, 18, NULL },
	{ "VIF", 19, 19, NULL }, { "VIP", 20, 20, NULL }, { "ID", 21, 21, NULL },
	{ 0 },
};

static const struct bits mxcsr_bits[] = {
	{ "IE", 0, 0, NULL }, { "DE", 1, 1, NULL }, { "ZE", 2, 2, NULL },
	{ 0 },
};

static const struct bits cr0_bits[] = {
	{ "PE", 0, 0, NULL },   { "MP", 1, 1, NULL },   { "EM", 2, 2, NULL },
	{ "TS", 3, 3, NULL },   { "ET", 4, 4, NULL },   { "NE", 5, 5, NULL },
	{ "WP", 16, 16, NULL }, { "AM", 18, 18, NULL }, { "NW", 29, 29, NULL },
	{ "CD", 30, 30, NULL }, { "PG", 31, 31, NULL },
	{ 0 },
};

static const struct bits efer_bits[] = {
	{ "SCE", 0, 0, NULL }, { "LME", 8, 8, NULL }, { "LMA", 10, 10, NULL },
	{ "NXE", 11, 11, NULL },
	{ 0 },
};

/* The layout of attr, bit 8 included. */
static const struct bits attr_bits[] = {
	{ "type", 0, 3, "seg_type" }, { "S", 4, 4, NULL }, { "DPL", 5, 6, "uint32" },
	{ "P", 7, 7, NULL },   { "UNUSABLE", 8, 8, NULL }, { "AVL", 12, 12, NULL },
	{ "L", 13, 13, NULL }, { "DB", 14, 14, NULL },     { "G", 15, 15, NULL },
	{ 0 },
};

/* Types of code and data descriptors by the bits E, W, A and C, R, A. */
static const char *const type_names[] = {
	"DATA_RO", "DATA_RO_A", "DATA_RW", "DATA_RW_A",
	"DATA_RO_ED", "DATA_RO_ED_A", "DATA_RW_ED", "DATA_RW_ED_A",
	"CODE_X", "CODE_X_A", "CODE_RX", "CODE_RX_A",
	"CODE_X_C", "CODE_X_C_A", "CODE_RX_C", "CODE_RX_C_A", NULL,
};

/* In the order of enum cpu_mode. */
static const char *const mode_names[] = {
	"REAL16", "V86", "PROT16", "PROT32", "COMPAT", "LONG64", NULL,
};
/* clang-format on */

static const char vector_types[] =
	" <vector id=\"v8bf16\" type=\"bfloat16\" count=\"8\"/>\n"
	" <vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>\n"
	" <vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>\n"
	" <vector id=\"v16i8\" type=\"int8\" count=\"16\"/>\n"
	" <vector id=\"v8i16\" type=\"int16\" count=\"8\"/>\n"
	" <vector id=\"v4i32\" type=\"int32\" count=\"4\"/>\n"
	" <vector id=\"v2i64\" type=\"int64\" count=\"2\"/>\n"
	" <union id=\"vec128\">\n"
	"  <field name=\"v8_bfloat16\" type=\"v8bf16\"/><field name=\"v4_float\" type=\"v4f\"/>\n"
	"  <field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>\n"
	"  <field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>\n"
	"  <field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/>\n"
	" </union>\n";

static void
write_field(const struct descry_sink *sink, const struct bits *bits)
{
	descry_sink_printf(sink, "  <field name=\"%s\" start=\"%u\" end=\"%u\"", bits->name,
			   bits->first, bits->last);
	if (bits->type != NULL)
		descry_sink_printf(sink, " type=\"%s\"", bits->type);
	descry_sink_text(sink, "/>\n");
}

static void
write_flags(const struct descry_sink *sink, const char *id, unsigned size, const struct bits *bits)
{
	descry_sink_printf(sink, " <flags id=\"%s\" size=\"%u\">\n", id, size);
	for (; bits->name != NULL; bits++)
		write_field(sink, bits);
	descry_sink_text(sink, " </flags>\n");
}

static void
write_enum(const struct descry_sink *sink, const char *id, const char *const *names)
{
	descry_sink_printf(sink, " <enum id=\"%s\" size=\"4\">\n", id);
	for (unsigned i = 0; names[i] != NULL; i++)
		descry_sink_printf(sink, "  <evalue name=\"%s\" value=\"%u\"/>\n", names[i], i);
	descry_sink_text(sink, " </enum>\n");
}

/* The status of a cache, in the very words of the shell. */
static void
write_status_flags(const struct descry_sink *sink)
{
	char name[DESCRY_CACHE_STATUS_TEXT];

	descry_sink_text(sink, " <flags id=\"seg_state\" size=\"4\">\n");
	for (unsigned bit = 0; 1u << bit <= DESCRY_CACHE_FORCED; bit++) {
		const struct bits field = { descry_cache_status_text(1u << bit, name), bit, bit,
					    NULL };

		write_field(sink, &field);
	}
	descry_sink_text(sink, " </flags>\n");
}

static void
write_core_types(const struct descry_sink *sink)
{
	write_flags(sink, "i386_eflags", 4, eflags_bits);
}

static void
write_sse_types(const struct descry_sink *sink)
{
	descry_sink_text(sink, vector_types);
	write_flags(sink, "i386_mxcsr", 4, mxcsr_bits);
}

static void
write_system_types(const struct descry_sink *sink)
{
	write_flags(sink, "cr0_t", 4, cr0_bits);
	write_flags(sink, "efer_t", 8, efer_bits);
	write_enum(sink, "cpu_mode", mode_names);
}

static void
write_segcache_types(const struct descry_sink *sink)
{
	write_enum(sink, "seg_type", type_names);
	write_flags(sink, "seg_attr", 4, attr_bits);
	write_status_flags(sink);
}

/* --- registers ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*write_types)(const struct descry_sink *sink);
	bool own; /* not gdb's: it must not save and restore them around calls */
} features[FEATURE_COUNT] = {
	[FEATURE_CORE] = { "org.gnu.gdb.i386.core", write_core_types, false },
	[FEATURE_SSE] = { "org.gnu.gdb.i386.sse", write_sse_types, false },
	[FEATURE_SYSTEM] = { "org.descry.x86.system", write_system_types, true },
	[FEATURE_SEGCACHE] = { "org.descry.x86.segcache", write_segcache_types, true },
};

static void
write_register(const struct descry_sink *sink, const struct gdb_register *reg)
{
	descry_sink_printf(sink, " <reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", reg->name,
			   reg->bits, reg->type);
	if (reg->group != NULL)
		descry_sink_printf(sink, " group=\"%s\"", reg->group);
	descry_sink_text(sink, features[reg->feature].own ? " save-restore=\"no\"/>\n" : "/>\n");
}

void
target_xml_write(const struct descry_sink *sink)
{
	unsigned i = 0;

	descry_sink_text(sink, header);
	for (unsigned feature = 0; feature < FEATURE_COUNT; feature++) {
		descry_sink_printf(sink, "<feature name=\"%s\">\n", features[feature].name);
		features[feature].write_types(sink);
		for (; i < gdb_register_count && gdb_registers[i].feature == feature; i++)
			write_register(sink, &gdb_registers[i]);
		descry_sink_text(sink, "</feature>\n");
	}
	descry_sink_text(sink, "</target>\n");
}
