#include "command/register.h"

#include <assert.h>
#include <string.h>

/* --- registers and flags -------------------------------------------------------------- */

#define AT(member) offsetof(struct descry_state, member)
#define GPR(number, shift, bits) REGISTER_STATE, AT(gpr[number]), 8, shift, bits
#define FLAG(shift) REGISTER_STATE, AT(rflags), 8, shift, 1
#define CR0_BIT(shift) REGISTER_STATE, AT(cr0), 8, shift, 1
#define WHOLE(member, storage, bits) REGISTER_STATE, AT(member), storage, 0, bits

/* clang-format off */
static const struct register_name registers[] = {
	{ "eax", GPR(DESCRY_AX, 0, 32) }, { "ecx", GPR(DESCRY_CX, 0, 32) },
	{ "edx", GPR(DESCRY_DX, 0, 32) }, { "ebx", GPR(DESCRY_BX, 0, 32) },
	{ "esp", GPR(DESCRY_SP, 0, 32) }, { "ebp", GPR(DESCRY_BP, 0, 32) },
	{ "esi", GPR(DESCRY_SI, 0, 32) }, { "edi", GPR(DESCRY_DI, 0, 32) },
	{ "ax",  GPR(DESCRY_AX, 0, 16) }, { "cx",  GPR(DESCRY_CX, 0, 16) },
	{ "dx",  GPR(DESCRY_DX, 0, 16) }, { "bx",  GPR(DESCRY_BX, 0, 16) },
	{ "sp",  GPR(DESCRY_SP, 0, 16) }, { "bp",  GPR(DESCRY_BP, 0, 16) },
	{ "si",  GPR(DESCRY_SI, 0, 16) }, { "di",  GPR(DESCRY_DI, 0, 16) },
	{ "al",  GPR(DESCRY_AX, 0, 8) },  { "cl",  GPR(DESCRY_CX, 0, 8) },
	{ "dl",  GPR(DESCRY_DX, 0, 8) },  { "bl",  GPR(DESCRY_BX, 0, 8) },
	{ "ah",  GPR(DESCRY_AX, 8, 8) },  { "ch",  GPR(DESCRY_CX, 8, 8) },
	{ "dh",  GPR(DESCRY_DX, 8, 8) },  { "bh",  GPR(DESCRY_BX, 8, 8) },

	{ "eip",    WHOLE(rip, 8, 32) },    { "ip",    WHOLE(rip, 8, 16) },
	{ "eflags", WHOLE(rflags, 8, 32) }, { "flags", WHOLE(rflags, 8, 16) },
	{ "cf", FLAG(0) },  { "pf", FLAG(2) },  { "af", FLAG(4) },  { "zf", FLAG(6) },
	{ "sf", FLAG(7) },  { "tf", FLAG(8) },  { "if", FLAG(9) },  { "df", FLAG(10) },
	{ "of", FLAG(11) }, { "nt", FLAG(14) }, { "rf", FLAG(16) }, { "vm", FLAG(17) },
	{ "iopl", REGISTER_STATE, AT(rflags), 8, DESCRY_FLAG_IOPL_SHIFT, 2 },

	{ "cr0", WHOLE(cr0, 8, 32) }, { "cr2", WHOLE(cr2, 8, 32) },
	{ "cr3", WHOLE(cr3, 8, 32) }, { "cr4", WHOLE(cr4, 8, 32) },
	{ "pe", CR0_BIT(0) }, { "mp", CR0_BIT(1) }, { "em", CR0_BIT(2) },
	{ "ts", CR0_BIT(3) }, { "et", CR0_BIT(4) }, { "pg", CR0_BIT(31) },
	{ "dr0", WHOLE(dr[0], 8, 32) }, { "dr1", WHOLE(dr[1], 8, 32) },
	{ "dr2", WHOLE(dr[2], 8, 32) }, { "dr3", WHOLE(dr[3], 8, 32) },
	{ "dr6", WHOLE(dr[6], 8, 32) }, { "dr7", WHOLE(dr[7], 8, 32) },

	{ "gdtr.base", WHOLE(gdtr.base, 8, 32) }, { "gdtr.limit", WHOLE(gdtr.limit, 4, 16) },
	{ "idtr.base", WHOLE(idtr.base, 8, 32) }, { "idtr.limit", WHOLE(idtr.limit, 4, 16) },

	{ "retired",     REGISTER_STATE, AT(retired), 8, 0, 64 },
	{ "pc",          REGISTER_PC,          0, 0, 0, 0 },
	{ "cpl",         REGISTER_CPL,         0, 0, 0, 0 },
	{ "mode",        REGISTER_MODE,        0, 0, 0, 0 },
	{ "stop",        REGISTER_STOP,        0, 0, 0, 0 },
	{ "exit_status", REGISTER_EXIT_STATUS, 0, 0, 0, 0 },
};
/* clang-format on */

static bool
same(const char *name, const char *text, size_t size)
{
	return strlen(name) == size && memcmp(name, text, size) == 0;
}

const struct register_name *
register_at(size_t index)
{
	return index < sizeof(registers) / sizeof(registers[0]) ? &registers[index] : NULL;
}

const struct register_name *
register_find(const char *name, size_t size)
{
	const struct register_name *reg;

	for (size_t i = 0; (reg = register_at(i)) != NULL; i++) {
		if (same(reg->name, name, size))
			return reg;
	}
	return NULL;
}

static uint64_t
ones(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

uint64_t
register_read(const struct register_name *reg, const struct descry_state *state)
{
	uint64_t whole = 0;

	assert(reg->source == REGISTER_STATE);
	memcpy(&whole, (const char *)state + reg->offset, reg->storage);
	return whole >> reg->shift & ones(reg->bits);
}

void
register_write(const struct register_name *reg, struct descry_state *state, uint64_t value)
{
	const uint64_t mask = ones(reg->bits) << reg->shift;
	uint64_t whole = 0;

	assert(reg->source == REGISTER_STATE);
	memcpy(&whole, (const char *)state + reg->offset, reg->storage);
	whole = (whole & ~mask) | (value << reg->shift & mask);
	memcpy((char *)state + reg->offset, &whole, reg->storage);
}

/* --- segments ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum segment_view view;
} views[] = {
	{ "", VIEW_CACHE },
	{ "table", VIEW_TABLE },
	{ "reload", VIEW_RELOAD },
	{ "reload.real", VIEW_REAL },
	{ "reload.protected", VIEW_PROTECTED },
	{ "reload.v86", VIEW_V86 },
};

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_SEL] = "sel",       [FIELD_BASE] = "base",     [FIELD_LIMIT] = "limit",
	[FIELD_ATTR] = "attr",     [FIELD_TYPE] = "type",     [FIELD_S] = "s",
	[FIELD_DPL] = "dpl",       [FIELD_P] = "p",           [FIELD_UNUSABLE] = "unusable",
	[FIELD_AVL] = "avl",       [FIELD_DB] = "db",         [FIELD_G] = "g",
	[FIELD_STATUS] = "status", [FIELD_FAULT] = "fault",   [FIELD_ERROR] = "error",
	[FIELD_RAW] = "raw",       [FIELD_OFFSET] = "offset",
};

/* SEL to G are the fields of every segment; these are what a view adds to them. */
static bool
field_fits(enum segment_view view, enum segment_field field)
{
	if (field <= FIELD_G)
		return true;
	if (view == VIEW_CACHE)
		return field == FIELD_STATUS;
	if (view == VIEW_TABLE)
		return field == FIELD_RAW;
	return field == FIELD_FAULT || field == FIELD_ERROR;
}

bool
sreg_find(const char *name, size_t size, enum descry_sreg *sreg)
{
	for (unsigned i = 0; i < DESCRY_SREG_COUNT; i++) {
		if (same(descry_sreg_name((enum descry_sreg)i), name, size)) {
			*sreg = (enum descry_sreg)i;
			return true;
		}
	}
	return false;
}

const char *
field_name(enum segment_field field)
{
	return field_names[field];
}

bool
field_find(const char *name, size_t size, enum segment_field *field)
{
	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		if (same(field_names[i], name, size)) {
			*field = (enum segment_field)i;
			return true;
		}
	}
	return false;
}

static bool
view_find(const char *name, size_t size, enum segment_view *view)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (same(views[i].name, name, size)) {
			*view = views[i].view;
			return true;
		}
	}
	return false;
}

static const char *
last_dot(const char *text, size_t size)
{
	for (size_t i = size; i > 0; i--) {
		if (text[i - 1] == '.')
			return text + i - 1;
	}
	return NULL;
}

bool
segment_path(const char *path, size_t size, enum descry_sreg *sreg, enum segment_view *view,
	     enum segment_field *field)
{
	const char *first = memchr(path, '.', size);
	const char *last = last_dot(path, size);
	const char *end = path + size;

	if (first == NULL) {
		*view = VIEW_CACHE;
		*field = FIELD_SEL;
		return sreg_find(path, size, sreg);
	}
	if (!sreg_find(path, (size_t)(first - path), sreg))
		return false;
	if (!view_find(first + 1, last > first ? (size_t)(last - first - 1) : 0, view))
		return false;
	if (!field_find(last + 1, (size_t)(end - last - 1), field))
		return false;
	return field_fits(*view, *field);
}

/* clang-format off */
static const struct {
	uint8_t shift;
	uint16_t mask;
} attr_bits[FIELD_COUNT] = {
	[FIELD_TYPE]     = {  0, 15 },
	[FIELD_S]        = {  4,  1 },
	[FIELD_DPL]      = {  5,  3 },
	[FIELD_P]        = {  7,  1 },
	[FIELD_UNUSABLE] = {  8,  1 },
	[FIELD_AVL]      = { 12,  1 },
	[FIELD_DB]       = { 14,  1 },
	[FIELD_G]        = { 15,  1 },
};
/* clang-format on */

uint64_t
field_of(const struct descry_segment *seg, enum segment_field field)
{
	assert(field <= FIELD_G);
	if (field == FIELD_SEL)
		return seg->sel;
	if (field == FIELD_BASE)
		return seg->base;
	if (field == FIELD_LIMIT)
		return seg->limit;
	if (field == FIELD_ATTR)
		return seg->attr;
	return (unsigned)seg->attr >> attr_bits[field].shift & attr_bits[field].mask;
}

bool
field_put(struct descry_segment *seg, enum segment_field field, uint64_t value)
{
	if (field == FIELD_SEL)
		seg->sel = (uint16_t)value;
	else if (field == FIELD_BASE)
		seg->base = (uint32_t)value;
	else if (field == FIELD_LIMIT)
		seg->limit = (uint32_t)value;
	else if (field == FIELD_ATTR)
		seg->attr = (uint16_t)value;
	else
		return false;
	return true;
}
