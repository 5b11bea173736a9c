/*
 * The strategies: what the host does at X2 to X7 in each. A row is a name, what it asks of
 * the guest, and its operations; no row knows what comes of it.
 */
#include "world/host.h"
#include "world/switch.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ANY_CPU false
#define ON_386 true
#define NO_FLAW 0u
#define FOREIGN_GDT DESCRY_FLAW_BIT(DESCRY_FLAW_FOREIGN_GDT)
#define FORGET_VMLOAD DESCRY_FLAW_BIT(DESCRY_FLAW_FORGET_VMLOAD)
#define EAGER_RESYNC DESCRY_FLAW_BIT(DESCRY_FLAW_EAGER_RESYNC)

/* clang-format off */
static const struct world_strategy strategies[] = {
	{ { "selector-real", "small", "selector",
	    "saves selectors; loads FS again by its selector, PE=0 (host FS 64 KiB)",
	    "real mode" },
	  &host_fs_small, ON_386, NO_FLAW, NULL, selector_real_ops, NULL, NULL },
	{ { "selector-real", "big", "selector",
	    "saves selectors; loads FS again by its selector, PE=0 (host FS 4 GiB)",
	    "real mode" },
	  &host_fs_big, ON_386, NO_FLAW, NULL, selector_real_ops, NULL, NULL },
	{ { "selector-v86", NULL, "selector",
	    "runs the guest's real mode as virtual-8086 mode, from its clearing of PE on",
	    "real mode" },
	  &host_fs_small, ON_386, NO_FLAW, NULL, selector_v86_ops, NULL, &selector_v86_view },
	{ { "selector-host-gdt", "small", "selector",
	    "saves selectors; loads them again through its own GDT (host FS 64 KiB)",
	    NULL },
	  &host_fs_small, ON_386, FOREIGN_GDT, NULL, selector_table_ops, selector_table_protected_ops, NULL },
	{ { "selector-host-gdt", "big", "selector",
	    "saves selectors; loads them again through its own GDT (host FS 4 GiB)",
	    NULL },
	  &host_fs_big, ON_386, FOREIGN_GDT, NULL, selector_table_ops, selector_table_protected_ops, NULL },
	{ { "selector-guest-gdt", "small", "selector",
	    "saves selectors; loads them again through the guest's GDT (host FS 64 KiB)",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, selector_table_ops, selector_table_protected_ops, NULL },
	{ { "selector-guest-gdt", "big", "selector",
	    "saves selectors; loads them again through the guest's GDT (host FS 4 GiB)",
	    NULL },
	  &host_fs_big, ON_386, NO_FLAW, NULL, selector_table_ops, selector_table_protected_ops, NULL },
	{ { "shadow-gdt", "table", "shadow",
	    "loads selectors again through a GDT of its own, kept in step with the guest's",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, shadow_table_ops, shadow_protected_ops, NULL },
	{ { "shadow-gdt", "real", "shadow",
	    "the same; takes a guest with PE=0 for one that has only been in real mode",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, shadow_real_ops, shadow_protected_ops, NULL },
	{ { "shadow-gdt-stale", NULL, "shadow",
	    "the same; interprets the guest while a selector does not tell its cache",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, shadow_accept_unless_stale, shadow_real_ops,
	  shadow_protected_ops, NULL },
	{ { "scratch", "seen", "shadow",
	    "keeps a copy of each cache and builds the entry that gives it back",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, scratch_ops, scratch_protected_ops, NULL },
	{ { "scratch", "missed", "shadow",
	    "the same, but has not seen the loads since the guest set PE",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, scratch_ops, scratch_protected_ops,
	  &scratch_missed_view },
	{ { "scratch-resync", NULL, "shadow",
	    "keeps such copies, and takes the entry from the guest's table after all",
	    NULL },
	  &host_fs_small, ON_386, EAGER_RESYNC, NULL, scratch_ops, scratch_protected_ops, NULL },
	{ { "os-switch", "fsgsbase", "os",
	    "a 64-bit kernel's: loads selectors again, then the bases of FS and GS",
	    "protected mode" },
	  &host_fs_small, ON_386, NO_FLAW, os_switch_accept, NULL, os_switch_fsgsbase_ops, NULL },
	{ { "os-switch", "legacy", "os",
	    "the same; writes a base only under a null selector",
	    "protected mode" },
	  &host_fs_small, ON_386, NO_FLAW, os_switch_accept, NULL, os_switch_legacy_ops, NULL },
	{ { "task-gate", NULL, "task",
	    "a task switch by hardware: the TSS has selectors, and all are loaded again",
	    "protected mode: with PE=0 there are no tasks" },
	  &host_fs_small, ON_386, NO_FLAW, task_gate_accept, NULL, task_gate_ops, NULL },
	{ { "smm", NULL, "smm",
	    "SMI and RSM: every cache goes through the save map in SMRAM",
	    "a CPU with SMM: pentium, p6" },
	  &host_fs_small, ANY_CPU, NO_FLAW, smm_accept, smm_ops, smm_ops, NULL },
	{ { "loadall", NULL, "loadall",
	    "keeps a copy of each cache and gives all of them back with LOADALL",
	    "a CPU with LOADALL: 286, 386" },
	  &host_fs_small, ANY_CPU, NO_FLAW, loadall_accept, loadall_ops, loadall_protected_ops, NULL },
	{ { "vmx", NULL, "vmx",
	    "VM exit and entry: every cache goes through the VMCS, and is checked",
	    "segments that pass the checks of a VM entry" },
	  &host_fs_small, ANY_CPU, NO_FLAW, NULL, vmx_ops, vmx_ops, NULL },
	{ { "vmx-v86", "bare", "vmx",
	    "without unrestricted guest: real mode as virtual-8086 mode, and nothing made good",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, vmx_v86_ops, vmx_restricted_ops, &vmx_v86_bare_view },
	{ { "vmx-v86", "emulator", "vmx",
	    "the same; interprets what faults, and looks at no limit (KVM, 2006)",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, vmx_v86_ops, vmx_restricted_ops, &vmx_v86_emulator_view },
	{ { "vmx-v86", "copy", "vmx",
	    "the same; interprets what faults with the caches that it has kept (KVM, 2012)",
	    NULL },
	  &host_fs_small, ON_386, NO_FLAW, NULL, vmx_v86_ops, vmx_restricted_ops, &vmx_v86_copy_view },
	{ { "vmx-emulate", NULL, "vmx",
	    "without unrestricted guest: interprets a guest that does not fit",
	    NULL },
	  &host_fs_small, ANY_CPU, NO_FLAW, NULL, vmx_emulate_ops, vmx_emulate_ops, NULL },
	{ { "svm", NULL, "svm",
	    "VMRUN and #VMEXIT, with VMSAVE and VMLOAD for FS, GS, TR and LDTR",
	    NULL },
	  &host_fs_small, ANY_CPU, NO_FLAW, NULL, svm_ops, svm_ops, NULL },
	{ { "svm-no-vmload", "small", "svm",
	    "the same, with VMSAVE and VMLOAD forgotten (host FS 64 KiB)",
	    NULL },
	  &host_fs_small, ANY_CPU, FORGET_VMLOAD, NULL, svm_ops, svm_ops, NULL },
	{ { "svm-no-vmload", "big", "svm",
	    "the same, with VMSAVE and VMLOAD forgotten (host FS 4 GiB)",
	    NULL },
	  &host_fs_big, ANY_CPU, FORGET_VMLOAD, NULL, svm_ops, svm_ops, NULL },
	{ { "interpret", NULL, "software",
	    "the guest's CPU is data of an interpreter, which the host never touches",
	    NULL },
	  NULL, ANY_CPU, NO_FLAW, NULL, software_ops, software_ops, NULL },
	{ { "refuse", NULL, "software",
	    "the same, and takes no interrupt while a selector hides its cache",
	    "every cache as its selector would load it now" },
	  NULL, ANY_CPU, NO_FLAW, refuse_accept, software_ops, software_ops, NULL },
};
/* clang-format on */

static const char default_strategy[] = "interpret";

const struct descry_strategy *
descry_strategy_at(size_t index)
{
	return index < COUNT(strategies) ? &strategies[index].row : NULL;
}

/* Every public row is the first member of one of ours. */
const struct world_strategy *
world_strategy_of(const struct descry_strategy *row)
{
	return (const struct world_strategy *)row;
}

const char *
descry_strategy_text(const struct descry_strategy *strategy, char buffer[DESCRY_STRATEGY_TEXT])
{
	if (strategy->variant)
		snprintf(buffer, DESCRY_STRATEGY_TEXT, "%s/%s", strategy->name, strategy->variant);
	else
		snprintf(buffer, DESCRY_STRATEGY_TEXT, "%s", strategy->name);
	return buffer;
}

/* "vmx, svm, ...": names only, each once. */
static void
list_names(char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < COUNT(strategies) && used < size; i++) {
		const struct descry_strategy *row = &strategies[i].row;

		if (i > 0 && strcmp(row->name, strategies[i - 1].row.name) == 0)
			continue;
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "",
					 row->name);
	}
}

enum descry_status
descry_strategy_find(const char *text, const struct descry_strategy **out, struct descry_error *err)
{
	const char *wanted = text ? text : default_strategy;
	char buffer[300];

	for (size_t i = 0; i < COUNT(strategies); i++) {
		const struct descry_strategy *row = &strategies[i].row;

		if (strcmp(wanted, row->name) == 0 ||
		    strcmp(wanted, descry_strategy_text(row, buffer)) == 0) {
			*out = row;
			return DESCRY_OK;
		}
	}
	list_names(buffer, sizeof(buffer));
	return descry_fail(err, DESCRY_NOT_FOUND,
			   "no strategy %.40s; there are %s; `world` has their variants", wanted,
			   buffer);
}
