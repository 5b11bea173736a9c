/*
 * Random snippets on /dev/kvm, a second implementation, and on the model: registers, defined
 * flags, memory and all segment caches afterwards. KVM is not silicon; where it contradicts
 * the manual, the manual is right and the row is left out (generate.c).
 */
#include "sides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77 };

#define FLAGS_COMPARED 0xfd5u

static uint8_t *pristine;

/* --- memory --------------------------------------------------------------------------- */

/* Random bytes; vectors that lead to a HLT each; HLTs where the code will lie. */
static void
fill_memory(struct random *r)
{
	for (unsigned i = 0; i < MEMORY_SIZE; i += 4) {
		const uint32_t value = random_bits(r);

		memcpy(pristine + i, &value, 4);
	}
	for (uint32_t vector = 0; vector < 256; vector++) {
		const uint32_t entry = (uint32_t)HANDLER_CS << 16 | vector;

		memcpy(pristine + vector * 4, &entry, 4);
	}
	memset(pristine + HANDLERS, 0xf4, 256);
	memset(pristine + CODE, 0xf4, CODE_SIZE);
}

static void
poke(const struct kvm_case *test, uint8_t *memory)
{
	memcpy(memory + CODE, test->code, test->code_size);
	memcpy(memory + GDT, test->gdt, sizeof(test->gdt));
	memcpy(memory + test->seg[DESCRY_SS].base + (test->gpr[DESCRY_SP] & 0xffff), test->stack,
	       sizeof(test->stack));
}

static void
restore(struct model *model, struct oracle *o, const struct kvm_case *test)
{
	const uint64_t stack = test->seg[DESCRY_SS].base + (test->gpr[DESCRY_SP] & 0xffff);

	model->written[CODE / DESCRY_PAGE_SIZE] = true;
	model->written[GDT / DESCRY_PAGE_SIZE] = true;
	model->written[stack / DESCRY_PAGE_SIZE] = true;
	model->written[(stack + KVM_STACK_MAX) / DESCRY_PAGE_SIZE] = true;
	for (unsigned page = 0; page < PAGES; page++) {
		const size_t at = (size_t)page * DESCRY_PAGE_SIZE;

		if (!model->written[page])
			continue;
		memcpy(model->memory + at, pristine + at, DESCRY_PAGE_SIZE);
		memcpy(o->memory + at, pristine + at, DESCRY_PAGE_SIZE);
	}
	memset(model->written, 0, sizeof(model->written));
}

/* The image of FLAGS on the stack of a delivery has the undefined flags too. */
static void
mask_frame(const struct kvm_case *test, const struct outcome *out, struct model *model,
	   struct oracle *o)
{
	const struct descry_segment *ss = &out->seg[DESCRY_SS];
	const uint64_t at = ss->base + ((out->gpr[DESCRY_SP] + 4) & 0xffff);

	if (out->seg[DESCRY_CS].sel != HANDLER_CS || at + 1 >= MEMORY_SIZE)
		return;
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t keep = (uint8_t) ~(test->undefined >> 8 * i);

		model->memory[at + i] &= keep;
		o->memory[at + i] &= keep;
		model->written[(at + i) / DESCRY_PAGE_SIZE] = true;
	}
}

/* --- comparing ------------------------------------------------------------------------ */

/*
 * KVM clears the upper half of ESP when it delivers a fault on a 16-bit stack, though not for
 * INT n. SDM vol. 2, INT n and PUSH: with a stack address size of 16 only SP changes.
 */
static bool
same_gpr(unsigned i, const struct outcome *model, const struct outcome *kvm)
{
	if (i == DESCRY_SP && kvm->seg[DESCRY_CS].sel == HANDLER_CS &&
	    kvm->gpr[i] == (model->gpr[i] & 0xffff))
		return true;
	return model->gpr[i] == kvm->gpr[i];
}

static const char *
compare(const struct kvm_case *test, const struct outcome *a, const struct outcome *b)
{
	static const char *const gpr[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };

	if (a->text || b->text)
		return a->text && b->text && strcmp(a->text, b->text) == 0 ? NULL : "end";
	for (unsigned i = 0; i < 8; i++)
		if (!same_gpr(i, a, b))
			return gpr[i];
	if (a->eip != b->eip)
		return "eip";
	if ((a->eflags ^ b->eflags) & FLAGS_COMPARED & ~test->undefined)
		return "eflags";
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		if (a->seg[i].sel != b->seg[i].sel ||
		    !descry_segment_same_cache(&a->seg[i], &b->seg[i]))
			return descry_sreg_name((enum descry_sreg)i);
	return NULL;
}

static void
show(const char *who, const struct outcome *out)
{
	printf(" | %s: %s", who, out->text ? out->text : "halted");
	for (unsigned i = 0; i < 8; i++)
		printf(" %x", out->gpr[i]);
	printf(" eip %x fl %x", out->eip, out->eflags);
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		printf(" %s %x/%llx/%x/%x", descry_sreg_name((enum descry_sreg)i), out->seg[i].sel,
		       (unsigned long long)out->seg[i].base, out->seg[i].limit, out->seg[i].attr);
}

static void
report(const struct kvm_case *test, uint64_t seed, const char *what, const struct outcome *model,
       const struct outcome *oracle)
{
	struct outcome before = { .text = "before", .eflags = test->eflags };

	memcpy(before.gpr, test->gpr, sizeof(before.gpr));
	memcpy(before.seg, test->seg, sizeof(before.seg));
	printf("%s differs: --cases 1 --seed %llu:", what, (unsigned long long)seed);
	for (unsigned i = 0; i < test->name_count; i++)
		printf(" %s;", test->names[i]);
	for (unsigned i = 0; i < test->code_size; i++)
		printf(" %02x", test->code[i]);
	show(test->protected_mode ? "pm" : "rm", &before);
	show("model", model);
	show("kvm", oracle);
	putchar('\n');
}

enum verdict { SAME, DIFFERENT, NOT_COMPARED };

static enum verdict
run_case(struct model *model, struct oracle *o, uint64_t seed)
{
	struct random random = { seed };
	struct kvm_case test;
	struct outcome mine, other;
	const char *what;
	enum verdict verdict = NOT_COMPARED;

	kvm_generate(&test, &random);
	poke(&test, model->memory);
	mine = model_run(model, &test);
	/*
	 * Not where there is no memory, and not a shutdown. In protected mode that is a fault,
	 * which KVM cannot deliver; in real mode a fault while another is delivered, which KVM
	 * loses: it goes on with the first (SDM vol. 3, Interrupt 8: double fault, shutdown).
	 */
	if (!model->outside && !mine.text) {
		poke(&test, o->memory);
		other = oracle_run(o, &test);
		what = compare(&test, &mine, &other);
		mask_frame(&test, &mine, model, o);
		if (!what && memcmp(model->memory, o->memory, MEMORY_SIZE) != 0)
			what = "memory";
		if (what) {
			report(&test, seed, what, &mine, &other);
			memcpy(o->memory, pristine, MEMORY_SIZE);
		}
		verdict = what ? DIFFERENT : SAME;
	}
	restore(model, o, &test);
	return verdict;
}

/* --- all of them ---------------------------------------------------------------------- */

static int
run_all(struct model *model, struct oracle *o, uint64_t cases, uint64_t seed)
{
	uint64_t count[3] = { 0, 0, 0 };

	for (uint64_t i = 0; i < cases && count[DIFFERENT] < 20; i++)
		count[run_case(model, o, seed + i)]++;
	printf("%llu same, %llu different, %llu not compared\n", (unsigned long long)count[SAME],
	       (unsigned long long)count[DIFFERENT], (unsigned long long)count[NOT_COMPARED]);
	return count[DIFFERENT] || !count[SAME] ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct model model;
	static struct oracle oracle;
	struct random fill = { 386 };
	uint64_t cases = 10000, seed = 1;
	const char *why;

	for (int i = 1; i < argc; i += 2) {
		uint64_t *value = strcmp(argv[i], "--cases") == 0  ? &cases
				  : strcmp(argv[i], "--seed") == 0 ? &seed
								   : NULL;

		if (!value || i + 1 == argc) {
			fputs("kvm_snippets [--cases N] [--seed N]\n", stderr);
			return 2;
		}
		*value = strtoull(argv[i + 1], NULL, 0);
	}
	if (!oracle_open(&oracle, &why)) {
		printf("skipped: %s: %s\n", why, strerror(errno));
		return SKIPPED;
	}
	oracle_log();
	pristine = malloc(MEMORY_SIZE);
	if (!pristine || !model_open(&model))
		return EXIT_FAILURE;
	fill_memory(&fill);
	memcpy(model.memory, pristine, MEMORY_SIZE);
	memcpy(oracle.memory, pristine, MEMORY_SIZE);
	const int status = run_all(&model, &oracle, cases, seed);
	model_close(&model);
	free(pristine);
	return status;
}
