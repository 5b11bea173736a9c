#include "compare.h"

#include "rows.h"

#include <descry/disas.h>
#include <descry/vcpu.h>

#include <inttypes.h>
#include <string.h>

#define FLAG_TF 0x00000100u

/*
 * Flags that are compared: the arithmetic ones, DF, IF, IOPL, NT, AC and ID. Not
 * - RF: the frame of a fault has it set or clear by the kind of the event, and the system
 *   clears it on the way;
 * - VM: cannot be set at CPL 3, and the frame would not be ours;
 * - TF: whoever sets it is set aside below;
 * - VIF, VIP: the system's alone.
 */
#define FLAGS_COMPARED 0x00247ed5u

enum { VECTOR_DB = 1 };

/* Could an instruction here cross the limit of CS? */
static bool
is_near_limit(const struct snippet *snippet, const struct registers *out)
{
	const struct slot *code = &snippet->segments->slot[(out->sreg[CS] >> 3) % SLOT_COUNT];

	return out->eip + DESCRY_INSN_MAX > code->last;
}

const char *
compare_set_aside(const struct snippet *snippet, const struct test_result *silicon,
		  const struct test_result *model)
{
	const struct row *row = snippet_row_at(snippet, silicon->out.eip);

	if (silicon->trap == VECTOR_DB || (silicon->out.eflags & FLAG_TF))
		return "TF was set by chance";
	/* SDM vol. 2, ENTER: a write with the final stack pointer must be possible. */
	if (silicon->trap == DESCRY_VEC_PF && row && (row->traits & T_PROBES))
		return "ENTER tried a page below its frame";
	/*
	 * CMPS: which operand is checked first. CALL: the stack, or the target. BOUND: whether
	 * the upper bound is read when the lower one has failed.
	 */
	if (silicon->trap != model->trap && silicon->out.eip == model->out.eip && row &&
	    (row->traits & T_ORDER))
		return "two faults in one instruction, in an order that no manual gives";
	/* Of several accesses of an instruction one left the arena and one was refused. */
	if (silicon->trap == DESCRY_VEC_PF && silicon->out.eip == model->out.eip)
		return "it left the arena, and the model found another fault first";
	if (silicon->trap == DESCRY_VEC_GP && model->trap == DESCRY_VEC_UD &&
	    silicon->out.eip == model->out.eip && is_near_limit(snippet, &silicon->out))
		return "an undefined instruction that crosses the limit of CS";
	return NULL;
}

static uint32_t
flag_mask(const struct snippet *snippet)
{
	return FLAGS_COMPARED & ~snippet->undefined;
}

/*
 * Null is null: the return of the system to CPL 3 may clear the RPL of a null selector (an
 * interrupt may fall into any snippet), and older systems set it.
 */
static bool
same_selectors(const struct registers *a, const struct registers *b)
{
	for (unsigned i = 0; i < 6; i++)
		if (a->sreg[i] != b->sreg[i] && (a->sreg[i] > 3 || b->sreg[i] > 3))
			return false;
	return true;
}

static bool
same_gprs(const struct snippet *snippet, const struct registers *a, const struct registers *b)
{
	for (unsigned i = 0; i < 8; i++)
		if (a->gpr[i] != b->gpr[i] && !(snippet->undefined_gpr & 1u << i))
			return false;
	return true;
}

bool
compare_same(const struct snippet *snippet, const struct test_result *silicon,
	     const struct test_result *model)
{
	const struct registers *a = &silicon->out, *b = &model->out;

	return silicon->trap == model->trap && silicon->error == model->error && a->eip == b->eip &&
	       same_gprs(snippet, a, b) && same_selectors(a, b) &&
	       !((a->eflags ^ b->eflags) & flag_mask(snippet)) &&
	       silicon->change_count == model->change_count &&
	       silicon->change_hash == model->change_hash;
}

/* --- text ----------------------------------------------------------------------------- */

static const char *const gpr_name[8] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
static const char *const sreg_name[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

static unsigned
disassemble(const struct snippet *snippet, unsigned index, char text[DESCRY_DISAS_TEXT])
{
	const struct test_case *test = &snippet->test;
	const unsigned start = snippet->start[index];
	const struct descry_disas_options options = { .code32 = snippet->code32,
						      .ip = test->in.eip + start };

	return descry_disassemble(&options, test->code + start, snippet->start[index + 1] - start,
				  text);
}

static void
print_code(FILE *to, const struct snippet *snippet)
{
	char text[DESCRY_DISAS_TEXT];

	fprintf(to, "code%u", snippet->code32 ? 32u : 16u);
	for (unsigned i = 0; i < snippet->insn_count; i++) {
		fputs(i ? " ; " : " ", to);
		for (unsigned at = snippet->start[i]; at < snippet->start[i + 1]; at++)
			fprintf(to, "%02x", snippet->test.code[at]);
		disassemble(snippet, i, text);
		fprintf(to, " %s", text);
	}
}

static void
print_segments(FILE *to, const struct snippet *snippet)
{
	for (unsigned i = 0; i < 6; i++) {
		const struct slot_descriptor *d;

		if (snippet->slot[i] == SLOT_NONE) {
			fprintf(to, " %s=null", sreg_name[i]);
			continue;
		}
		d = &snippet->segments->slot[snippet->slot[i]].descriptor;
		fprintf(to, " %s=%04x(%08" PRIx32 "/%05" PRIx32 "/t%xB%uG%u)", sreg_name[i],
			snippet->test.in.sreg[i], d->base, d->limit, d->type, d->big, d->pages);
	}
}

static void
print_registers(FILE *to, const struct registers *in)
{
	for (unsigned i = 0; i < 8; i++)
		fprintf(to, " %s=%08" PRIx32, gpr_name[i], in->gpr[i]);
	fprintf(to, " eip=%08" PRIx32 " eflags=%08" PRIx32, in->eip, in->eflags);
}

static void
print_pokes(FILE *to, const struct test_case *test)
{
	for (unsigned i = 0; i < test->poke_count; i++) {
		fprintf(to, " [%04x]=", test->poke[i].at);
		for (unsigned at = 0; at < test->poke[i].size; at++)
			fprintf(to, "%02x", test->poke[i].bytes[at]);
	}
}

void
compare_describe(FILE *to, uint64_t number, const struct snippet *snippet)
{
	fprintf(to, "case %" PRIu64 ": ", number);
	print_code(to, snippet);
	fputs(" | in:", to);
	print_registers(to, &snippet->test.in);
	print_segments(to, snippet);
	print_pokes(to, &snippet->test);
}

static void
print_end(FILE *to, const struct test_result *result)
{
	fprintf(to, "%s(%04" PRIx32 ")@%08" PRIx32, descry_vector_text(result->trap), result->error,
		result->out.eip);
}

static void
print_changes(FILE *to, const struct test_result *result)
{
	fprintf(to, " %" PRIu32 " bytes:", result->change_count);
	for (unsigned i = 0; i < result->change_count && i < CHANGE_MAX; i++)
		fprintf(to, " %04x=%02x", result->change[i].at, result->change[i].value);
}

/* Of one side, what differs from the other. */
static void
print_side(FILE *to, const struct snippet *snippet, const struct test_result *this,
	   const struct test_result *other)
{
	const struct registers *a = &this->out, *b = &other->out;

	fputc(' ', to);
	print_end(to, this);
	for (unsigned i = 0; i < 8; i++)
		if (a->gpr[i] != b->gpr[i])
			fprintf(to, " %s=%08" PRIx32, gpr_name[i], a->gpr[i]);
	for (unsigned i = 0; i < 6; i++)
		if (a->sreg[i] != b->sreg[i])
			fprintf(to, " %s=%04x", sreg_name[i], a->sreg[i]);
	if ((a->eflags ^ b->eflags) & flag_mask(snippet))
		fprintf(to, " eflags=%08" PRIx32 "/%08" PRIx32, a->eflags, flag_mask(snippet));
	if (this->change_count != other->change_count || this->change_hash != other->change_hash)
		print_changes(to, this);
}

void
compare_report(FILE *to, uint64_t number, const struct snippet *snippet,
	       const struct test_result *silicon, const struct test_result *model)
{
	compare_describe(to, number, snippet);
	fputs(" | silicon:", to);
	print_side(to, snippet, silicon, model);
	fputs(" | descry:", to);
	print_side(to, snippet, model, silicon);
	fputc('\n', to);
}

/* A whole word of the text: prefixes come before it, operands after. */
static bool
has_word(const char *text, const char *word)
{
	const size_t length = strlen(word);

	while (*text) {
		const size_t span = strcspn(text, " ,");

		if (span == length && strncmp(text, word, length) == 0)
			return true;
		text += span;
		text += strspn(text, " ,");
	}
	return false;
}

bool
compare_has_mnemonic(const struct snippet *snippet, const char *mnemonic)
{
	char text[DESCRY_DISAS_TEXT];

	for (unsigned i = 0; i < snippet->insn_count; i++) {
		disassemble(snippet, i, text);
		if (has_word(text, mnemonic))
			return true;
	}
	return false;
}
