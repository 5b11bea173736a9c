/*
 * The state save map of system management mode as tables of offsets: one for each family of
 * CPUs. Where the hidden part lies is undocumented by Intel and differs between them;
 * the offsets are those that docs/smm.md lists with their sources. Private to vcpu.
 */
#ifndef DESCRY_SMM_MAP_H
#define DESCRY_SMM_MAP_H

#include "whole.h"

/* The part of SMRAM that holds it: SMBASE + 8000h + 7E00h and up. */
#define SMM_SAVE_FIRST 0x7e00u
#define SMM_SAVE_BYTES 0x200u
#define SMM_ENTRY 0x8000u /* from SMBASE: the first instruction */

/* What is saved beside the registers. */
struct smm_extra {
	uint32_t smbase;
	bool halted; /* auto HALT restart: in the map, whether the SMI came during HLT */
};

/* Writes the save map into its bytes, which begin at SMM_SAVE_FIRST; what it lacks stays. */
void smm_save(enum descry_smm_map map, const struct whole *whole, const struct smm_extra *extra,
	      uint8_t bytes[SMM_SAVE_BYTES]);

/* The other way; what the map lacks stays in whole. */
void smm_restore(enum descry_smm_map map, const uint8_t bytes[SMM_SAVE_BYTES], struct whole *whole,
		 struct smm_extra *extra);

/* CS as SMI entry loads it. */
uint16_t smm_entry_sel(enum descry_smm_map map, uint32_t smbase);

#endif
