/*
 * Random snippets on /dev/kvm, a second implementation, and on the model: registers, defined
 * flags, memory and all segment caches afterwards. KVM is not silicon; where it contradicts
 * the manual, the manual is right and the row is left out (generate.c).
 */
#define _GNU_SOURCE
#include "generate.h"

#include <descry/vcpu.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

enum { SKIPPED = 77, BUDGET = 4000, PAGES = MEMORY_SIZE / DESCRY_PAGE_SIZE };
enum { HANG_MS = 500 };

#define FLAGS_COMPARED 0xfd5u

struct oracle {
	int vm, vcpu;
	struct kvm_run *run;
	uint8_t *memory;
	struct kvm_sregs reset;
};

struct model {
	struct descry_vcpu *vcpu;
	uint8_t *memory;
	bool written[PAGES];
	bool outside; /* no memory is there, or it is no data */
};

/* What either side ends in; text says how a case ends that compares nothing. */
struct outcome {
	const char *text;
	uint32_t gpr[8];
	uint32_t eip, eflags;
	struct descry_segment seg[DESCRY_DATA_SREG_COUNT];
};

static uint8_t *pristine;

/* --- the model ------------------------------------------------------------------------ */

static struct descry_page
bus_page(void *owner, uint64_t physical, bool for_write)
{
	struct model *model = owner;
	const uint64_t page = physical & ~(uint64_t)(DESCRY_PAGE_SIZE - 1);

	model->outside |= page >= MEMORY_SIZE || (for_write && page < FIRST_DATA);
	if (page >= MEMORY_SIZE)
		return (struct descry_page){ NULL, false };
	model->written[page / DESCRY_PAGE_SIZE] |= for_write;
	return (struct descry_page){ model->memory + page, true };
}

static uint32_t
bus_port_in(void *owner, uint16_t port, unsigned size)
{
	(void)owner, (void)port, (void)size;
	return UINT32_MAX;
}

static void
bus_port_out(void *owner, uint16_t port, unsigned size, uint32_t value)
{
	(void)owner, (void)port, (void)size, (void)value;
}

static struct outcome
run_model(struct model *model, const struct kvm_case *test)
{
	const struct descry_control control = { .budget = BUDGET };
	struct descry_exit exit;
	struct descry_state *state;
	struct outcome out = { .text = NULL };

	descry_vcpu_reset(model->vcpu);
	state = descry_vcpu_state_mutable(model->vcpu);
	state->cr0 = DESCRY_CR0_ET | (test->protected_mode ? DESCRY_CR0_PE : 0);
	state->gdtr = (struct descry_table){ .base = GDT, .limit = GDT_ENTRIES * 8 - 1 };
	for (unsigned i = 0; i < 8; i++)
		state->gpr[i] = test->gpr[i];
	state->rip = 0;
	state->rflags = test->eflags;
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		descry_vcpu_put_segment(model->vcpu, (enum descry_sreg)i, &test->seg[i],
					DESCRY_CAUSE_DEBUGGER);
	descry_vcpu_state_changed(model->vcpu);
	descry_vcpu_memory_changed(model->vcpu);
	model->outside = false;
	descry_vcpu_run(model->vcpu, &control, &exit);
	for (unsigned i = 0; i < 8; i++)
		out.gpr[i] = (uint32_t)state->gpr[i];
	out.eip = (uint32_t)state->rip;
	out.eflags = (uint32_t)state->rflags;
	memcpy(out.seg, state->seg, sizeof(out.seg));
	if (exit.reason == DESCRY_EXIT_SHUTDOWN)
		out.text = "shutdown";
	else if (exit.reason != DESCRY_EXIT_HALTED)
		out.text = "no end";
	return out;
}

/* --- KVM ------------------------------------------------------------------------------ */

static void
on_alarm(int signal)
{
	(void)signal;
}

static bool
open_oracle(struct oracle *o, const char **why)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
	int size;
	const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	*why = "/dev/kvm cannot be opened";
	if (kvm < 0)
		return false;
	*why = "KVM makes no virtual machine";
	o->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (o->vm < 0 || size < 0)
		return false;
	ioctl(o->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul); /* kvm_intel alone asks for it */
	o->memory =
		mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	region.userspace_addr = (uintptr_t)o->memory;
	if (o->memory == MAP_FAILED || ioctl(o->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return false;
	o->vcpu = ioctl(o->vm, KVM_CREATE_VCPU, 0);
	if (o->vcpu < 0 || ioctl(o->vcpu, KVM_GET_SREGS, &o->reset) < 0)
		return false;
	o->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, o->vcpu, 0);
	close(kvm);
	return o->run != MAP_FAILED;
}

/* In the order of enum descry_sreg. */
static struct kvm_segment *
segment_at(struct kvm_sregs *s, unsigned i)
{
	struct kvm_segment *const all[] = { &s->es, &s->cs, &s->ss, &s->ds, &s->fs, &s->gs };

	return all[i];
}

static struct kvm_segment
to_kvm(const struct descry_segment *seg)
{
	return (struct kvm_segment){ .base = seg->base,
				     .limit = seg->limit,
				     .selector = seg->sel,
				     .type = seg->attr & 15,
				     .s = seg->attr >> 4 & 1,
				     .dpl = seg->attr >> 5 & 3,
				     .present = seg->attr >> 7 & 1,
				     .avl = seg->attr >> 12 & 1,
				     .db = seg->attr >> 14 & 1,
				     .g = seg->attr >> 15 & 1 };
}

static struct descry_segment
from_kvm(const struct kvm_segment *seg)
{
	const unsigned attr = seg->type | (unsigned)seg->s << 4 | (unsigned)seg->dpl << 5 |
			      (unsigned)seg->present << 7 | (unsigned)seg->unusable << 8 |
			      (unsigned)seg->avl << 12 | (unsigned)seg->db << 14 |
			      (unsigned)seg->g << 15;

	return (struct descry_segment){ seg->base, seg->limit, seg->selector, (uint16_t)attr };
}

static bool
load_oracle(struct oracle *o, const struct kvm_case *test)
{
	struct kvm_sregs sregs = o->reset;
	const uint32_t *g = test->gpr;
	const struct kvm_regs regs = {
		.rax = g[0],
		.rcx = g[1],
		.rdx = g[2],
		.rbx = g[3],
		.rsp = g[4],
		.rbp = g[5],
		.rsi = g[6],
		.rdi = g[7],
		.rflags = test->eflags,
	};

	sregs.cr0 = DESCRY_CR0_ET | (test->protected_mode ? DESCRY_CR0_PE : 0);
	sregs.gdt.base = GDT;
	sregs.gdt.limit = GDT_ENTRIES * 8 - 1;
	sregs.idt.base = 0;
	sregs.idt.limit = 0x3ff;
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		*segment_at(&sregs, i) = to_kvm(&test->seg[i]);
	return ioctl(o->vcpu, KVM_SET_SREGS, &sregs) == 0 &&
	       ioctl(o->vcpu, KVM_SET_REGS, &regs) == 0;
}

static struct outcome
run_oracle(struct oracle *o, const struct kvm_case *test)
{
	const struct itimerval limit = { .it_value.tv_usec = HANG_MS * 1000 };
	const struct itimerval none = { .it_value.tv_usec = 0 };
	struct outcome out = { .text = "KVM refuses the state" };
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int status;

	if (!load_oracle(o, test))
		return out;
	setitimer(ITIMER_REAL, &limit, NULL);
	status = ioctl(o->vcpu, KVM_RUN, 0);
	setitimer(ITIMER_REAL, &none, NULL);
	if (status < 0)
		out.text = errno == EINTR ? "hangs" : "KVM_RUN fails";
	else if (o->run->exit_reason == KVM_EXIT_SHUTDOWN)
		out.text = "shutdown";
	else if (o->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		out.text = "cannot be emulated";
	else
		out.text = o->run->exit_reason == KVM_EXIT_HLT ? NULL : "another exit";
	if (ioctl(o->vcpu, KVM_GET_REGS, &regs) < 0 || ioctl(o->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return out;
	const uint64_t gpr[8] = { regs.rax, regs.rcx, regs.rdx, regs.rbx,
				  regs.rsp, regs.rbp, regs.rsi, regs.rdi };
	for (unsigned i = 0; i < 8; i++)
		out.gpr[i] = (uint32_t)gpr[i];
	out.eip = (uint32_t)regs.rip;
	out.eflags = (uint32_t)regs.rflags;
	for (unsigned i = 0; i < DESCRY_DATA_SREG_COUNT; i++)
		out.seg[i] = from_kvm(segment_at(&sregs, i));
	return out;
}

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
	mine = run_model(model, &test);
	/*
	 * Not where there is no memory, and not a shutdown. In protected mode that is a fault,
	 * which KVM cannot deliver; in real mode a fault while another is delivered, which KVM
	 * loses: it goes on with the first (SDM vol. 3, Interrupt 8: double fault, shutdown).
	 */
	if (!model->outside && !mine.text) {
		poke(&test, o->memory);
		other = run_oracle(o, &test);
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

/* --- the oracle's name ---------------------------------------------------------------- */

static void
log_oracle(void)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd", "kvm_pvm" };
	const char *name = "an unknown module";
	char path[64], answer = '?';

	for (unsigned i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		if (access(path, F_OK) == 0)
			name = modules[i];
	}
	snprintf(path, sizeof(path), "/sys/module/%s/parameters/unrestricted_guest", name);
	FILE *file = fopen(path, "r");
	if (file) {
		answer = (char)fgetc(file);
		fclose(file);
	}
	/* kvm_pvm has no hardware mode for it; kvm_intel has one with unrestricted guests. */
	printf("oracle: /dev/kvm, %s, emulates: %s\n", name,
	       strcmp(name, "kvm_pvm") == 0 || answer == 'N'   ? "yes"
	       : strcmp(name, "kvm_amd") == 0 || answer == 'Y' ? "no"
							       : "unknown");
	for (size_t i = 0; kvm_left_out(i); i++)
		printf("left out: %s: %s\n", kvm_left_out(i)->name, kvm_left_out(i)->why);
}

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
	const struct sigaction action = { .sa_handler = on_alarm }; /* no SA_RESTART */
	const struct descry_bus bus = { &model, bus_page, bus_port_in, bus_port_out };
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
	if (!open_oracle(&oracle, &why)) {
		printf("skipped: %s: %s\n", why, strerror(errno));
		return SKIPPED;
	}
	log_oracle();
	sigaction(SIGALRM, &action, NULL);
	pristine = malloc(MEMORY_SIZE);
	model.memory = malloc(MEMORY_SIZE);
	if (!pristine || !model.memory ||
	    descry_vcpu_create(descry_profile_find("p6"), &bus, &model.vcpu) != DESCRY_OK)
		return EXIT_FAILURE;
	fill_memory(&fill);
	memcpy(model.memory, pristine, MEMORY_SIZE);
	memcpy(oracle.memory, pristine, MEMORY_SIZE);
	const int status = run_all(&model, &oracle, cases, seed);
	descry_vcpu_destroy(model.vcpu);
	free(model.memory);
	free(pristine);
	return status;
}
