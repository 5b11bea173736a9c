#include <descry/world.h>

/* Name and meaning of each, in the order of enum descry_flaw. */
static const struct {
	const char *name, *help;
} flaws[DESCRY_FLAW_COUNT] = {
	[DESCRY_FLAW_FORGET_VMLOAD] = { "forget-vmload",
					"SVM: neither VMSAVE nor VMLOAD; FS GS TR LDTR stay the "
					"host's" },
	[DESCRY_FLAW_RESTORE_BEFORE_LDT] = { "restore-before-ldt",
					     "segments are loaded again before LDTR is" },
	[DESCRY_FLAW_FOREIGN_GDT] = { "foreign-gdt",
				      "segments are loaded again through the host's GDT" },
	[DESCRY_FLAW_KEEP_NULL_BASE] = { "keep-null-base", "a null selector is loaded without "
							   "clearing the base first "
							   "(matters with null.load=amd-old)" },
	[DESCRY_FLAW_DROP_UNUSABLE] = { "drop-unusable",
					"VMX, SVM: the record loses the mark of an unusable "
					"segment" },
	[DESCRY_FLAW_EAGER_RESYNC] = { "eager-resync",
				       "scratch: saved caches are read again from the guest's "
				       "table" },
};

const char *
descry_flaw_name(enum descry_flaw flaw)
{
	return flaws[flaw].name;
}

const char *
descry_flaw_help(enum descry_flaw flaw)
{
	return flaws[flaw].help;
}
