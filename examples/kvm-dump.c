/*
 * kvm-dump CODE STATE.json MEMORY: runs a program under KVM and takes its state along.
 *
 * CODE is put at 7C00h and begins there in real mode. At its first write to port EDh the two
 * structs that KVM_GET_SREGS and KVM_GET_REGS fill become JSON, and the memory a file, so that
 * `descry -L MEMORY@0 --state kvm:STATE.json` goes on where KVM was. docs/exchange.md tells more.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum {
	MEMORY_SIZE = 0x100000,
	ORIGIN = 0x7c00,
	STACK = 0x7000,
	PORT_HOST_INTERRUPT = 0xed,
	SKIPPED = 77, /* as ctest has it */
};

/* --- the dump: what a program of your own needs ----------------------------------------- */

static void
dump_segment(FILE *file, const char *name, const struct kvm_segment *s)
{
	fprintf(file,
		"\"%s\": {\"base\": %llu, \"limit\": %u, \"selector\": %u, \"type\": %u, "
		"\"present\": %u, \"dpl\": %u, \"db\": %u, \"s\": %u, \"l\": %u, \"g\": %u, "
		"\"avl\": %u, \"unusable\": %u},\n",
		name, s->base, s->limit, s->selector, s->type, s->present, s->dpl, s->db, s->s,
		s->l, s->g, s->avl, s->unusable);
}

static void
dump_sregs(FILE *file, const struct kvm_sregs *s)
{
	const struct kvm_segment *segments[] = { &s->cs, &s->ds, &s->es, &s->fs,
						 &s->gs, &s->ss, &s->tr, &s->ldt };
	const char *names[] = { "cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt" };

	for (int i = 0; i < 8; i++)
		dump_segment(file, names[i], segments[i]);
	fprintf(file,
		"\"gdt\": {\"base\": %llu, \"limit\": %u}, \"idt\": {\"base\": %llu, \"limit\": "
		"%u},\n\"cr0\": %llu, \"cr2\": %llu, \"cr3\": %llu, \"cr4\": %llu, \"cr8\": %llu, "
		"\"efer\": %llu, \"apic_base\": %llu,\n\"interrupt_bitmap\": [%llu, %llu, %llu, "
		"%llu]",
		s->gdt.base, s->gdt.limit, s->idt.base, s->idt.limit, s->cr0, s->cr2, s->cr3,
		s->cr4, s->cr8, s->efer, s->apic_base, s->interrupt_bitmap[0],
		s->interrupt_bitmap[1], s->interrupt_bitmap[2], s->interrupt_bitmap[3]);
}

static void
dump_regs(FILE *file, const struct kvm_regs *r)
{
	fprintf(file,
		"\"rax\": %llu, \"rbx\": %llu, \"rcx\": %llu, \"rdx\": %llu, \"rsi\": %llu, "
		"\"rdi\": %llu, \"rsp\": %llu, \"rbp\": %llu,\n\"r8\": %llu, \"r9\": %llu, "
		"\"r10\": %llu, \"r11\": %llu, \"r12\": %llu, \"r13\": %llu, \"r14\": %llu, "
		"\"r15\": %llu,\n\"rip\": %llu, \"rflags\": %llu",
		r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rsp, r->rbp, r->r8, r->r9,
		r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip, r->rflags);
}

static bool
dump(int vcpu, const char *name)
{
	FILE *file = fopen(name, "w");
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (!file || ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_GET_REGS, &regs) < 0)
		return false;
	fprintf(file, "{\"sregs\": {\n");
	dump_sregs(file, &sregs);
	fprintf(file, "},\n\"regs\": {\n");
	dump_regs(file, &regs);
	fprintf(file, "}}\n");
	return fclose(file) == 0;
}

/* --- a machine to dump ------------------------------------------------------------------ */

struct machine {
	int vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
};

/* Real mode, all segments at 0: where descry begins a boot sector, too. */
static bool
start(const struct machine *m)
{
	struct kvm_regs regs = { .rip = ORIGIN, .rsp = STACK, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(m->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(m->vcpu, KVM_SET_SREGS, &sregs) == 0 &&
	       ioctl(m->vcpu, KVM_SET_REGS, &regs) == 0;
}

static bool
open_machine(struct machine *m, int kvm)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
	const int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	m->memory =
		mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	m->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (m->memory == MAP_FAILED || m->vm < 0 || run_size < 0)
		return false;
	ioctl(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul); /* kvm_intel alone asks for it */
	region.userspace_addr = (uintptr_t)m->memory;
	if (ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return false;
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	m->run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	return m->run != MAP_FAILED && start(m);
}

/* To the write of port EDh, and behind it: an OUT ends when the vCPU is entered again. */
static bool
run_to_port(const struct machine *m)
{
	while (ioctl(m->vcpu, KVM_RUN, 0) == 0 && m->run->exit_reason == KVM_EXIT_IO) {
		if (m->run->io.port != PORT_HOST_INTERRUPT)
			continue;
		m->run->immediate_exit = 1;
		ioctl(m->vcpu, KVM_RUN, 0);
		return true;
	}
	fprintf(stderr, "kvm-dump: KVM leaves for reason %u before port EDh is written\n",
		m->run->exit_reason);
	return false;
}

static bool
read_code(const char *name, uint8_t *memory)
{
	FILE *file = fopen(name, "rb");
	bool good;

	if (!file)
		return false;
	good = fread(memory + ORIGIN, 1, MEMORY_SIZE - ORIGIN, file) > 0;
	return fclose(file) == 0 && good;
}

static bool
write_memory(const char *name, const uint8_t *memory)
{
	FILE *file = fopen(name, "wb");
	bool good;

	if (!file)
		return false;
	good = fwrite(memory, 1, MEMORY_SIZE, file) == MEMORY_SIZE;
	return fclose(file) == 0 && good;
}

int
main(int argc, char **argv)
{
	const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct machine m;

	if (argc != 4) {
		fprintf(stderr, "usage: kvm-dump CODE STATE.json MEMORY\n");
		return 2;
	}
	if (kvm < 0 || !open_machine(&m, kvm)) {
		printf("kvm-dump: /dev/kvm cannot be used here\n");
		return SKIPPED;
	}
	if (!read_code(argv[1], m.memory) || !run_to_port(&m) || !dump(m.vcpu, argv[2]) ||
	    !write_memory(argv[3], m.memory)) {
		perror("kvm-dump");
		return 1;
	}
	return 0;
}
