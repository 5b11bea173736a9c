/*
 * The strategies: what the host does at X2 to X7 in each. A row is a name, what it asks of
 * the guest, and its steps; no row knows what comes of it.
 */
#include "world/host.h"
#include "world/switch.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define STEPS_SELECTOR(x6)                                                                         \
	{                                                                                          \
		[2] = selector_x2, [3] = selector_x3, [4] = selector_x4, [5] = world_monitor_body, \
		[6] = (x6), [7] = selector_x7                                                      \
	}

#define STEPS_VMX                                                                                  \
	{                                                                                          \
		[2] = vmx_x2, [3] = world_save_gprs, [4] = vmx_x4, [5] = world_monitor_body,       \
		[6] = world_restore_gprs, [7] = vmx_x7                                             \
	}

#define STEPS_SVM(x3, x6)                                                                          \
	{                                                                                          \
		[2] = svm_x2, [3] = (x3), [4] = svm_x4, [5] = world_monitor_body, [6] = (x6),      \
		[7] = svm_x7                                                                       \
	}

/* clang-format off */
static const struct world_strategy strategies[] = {
	{ { "selector-real", "small", "selector",
	    "saves selectors; loads FS again by its selector, PE=0 (host FS 64 KiB)",
	    "real mode" },
	  &host_fs_small, selector_accept_real, STEPS_SELECTOR(selector_x6_real) },
	{ { "selector-real", "big", "selector",
	    "saves selectors; loads FS again by its selector, PE=0 (host FS 4 GiB)",
	    "real mode" },
	  &host_fs_big, selector_accept_real, STEPS_SELECTOR(selector_x6_real) },
	{ { "selector-guest-gdt", "small", "selector",
	    "saves selectors; loads FS again through the guest's GDT (host FS 64 KiB)",
	    "ring 0" },
	  &host_fs_small, selector_accept_ring0, STEPS_SELECTOR(selector_x6_guest_gdt) },
	{ { "selector-guest-gdt", "big", "selector",
	    "saves selectors; loads FS again through the guest's GDT (host FS 4 GiB)",
	    "ring 0" },
	  &host_fs_big, selector_accept_ring0, STEPS_SELECTOR(selector_x6_guest_gdt) },
	{ { "vmx", NULL, "vmx",
	    "VM exit and entry: every cache goes through the VMCS, and is checked",
	    "segments that pass the checks of a VM entry" },
	  &host_fs_small, NULL, STEPS_VMX },
	{ { "svm", NULL, "svm",
	    "VMRUN and #VMEXIT, with VMSAVE and VMLOAD for FS, GS, TR and LDTR",
	    NULL },
	  &host_fs_small, NULL, STEPS_SVM(svm_x3_vmsave, svm_x6_vmload) },
	{ { "svm-no-vmload", "small", "svm",
	    "the same, with VMSAVE and VMLOAD forgotten (host FS 64 KiB)",
	    NULL },
	  &host_fs_small, NULL, STEPS_SVM(world_save_gprs, world_restore_gprs) },
	{ { "svm-no-vmload", "big", "svm",
	    "the same, with VMSAVE and VMLOAD forgotten (host FS 4 GiB)",
	    NULL },
	  &host_fs_big, NULL, STEPS_SVM(world_save_gprs, world_restore_gprs) },
	{ { "interpret", NULL, "software",
	    "the guest's CPU is data of an interpreter, which the host never touches",
	    NULL },
	  NULL, NULL, { NULL } },
	{ { "refuse", NULL, "software",
	    "the same, and takes no interrupt while a selector hides its cache",
	    "every cache as its selector would load it now" },
	  NULL, refuse_accept, { NULL } },
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
	char buffer[200];

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
			   "no strategy %.40s; there are %s; selector strategies and "
			   "svm-no-vmload also as NAME/small and NAME/big",
			   wanted, buffer);
}
