#define _GNU_SOURCE
#include "sides.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

enum { HANG_MS = 500 };

static void
on_alarm(int signal)
{
	(void)signal;
}

bool
oracle_open(struct oracle *o, const char **why)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_SIZE };
	const struct sigaction action = { .sa_handler = on_alarm }; /* no SA_RESTART */
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
	sigaction(SIGALRM, &action, NULL);
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

struct outcome
oracle_run(struct oracle *o, const struct kvm_case *test)
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

/* --- the oracle's name ---------------------------------------------------------------- */

void
oracle_log(void)
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
