/*
 * Formats and whole images: the list of formats, words in bytes, and the judgement that
 * export and import make, which a CPU does not.
 */
#include "exchange_packing.h"
#include "exchange_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- formats -------------------------------------------------------------------------- */

const struct descry_exchange_format *
descry_exchange_format_at(size_t which)
{
	static const struct descry_exchange_format *const formats[DESCRY_EXCHANGE_COUNT] = {
		[DESCRY_EXCHANGE_VMCS] = &exchange_vmcs,
		[DESCRY_EXCHANGE_VMCB] = &exchange_vmcb,
		[DESCRY_EXCHANGE_KVM] = &exchange_kvm,
		[DESCRY_EXCHANGE_SMRAM_P5] = &exchange_smram_p5,
		[DESCRY_EXCHANGE_SMRAM_P6] = &exchange_smram_p6,
		[DESCRY_EXCHANGE_SMRAM_AMD64] = &exchange_smram_amd64,
		[DESCRY_EXCHANGE_LOADALL_286] = &exchange_loadall_286,
		[DESCRY_EXCHANGE_LOADALL_386] = &exchange_loadall_386,
		[DESCRY_EXCHANGE_LOADALL_386_HIGH] = &exchange_loadall_386_high,
	};

	return which < DESCRY_EXCHANGE_COUNT ? formats[which] : NULL;
}

const struct descry_exchange_format *
descry_exchange_find(const char *name, struct descry_error *err)
{
	const struct descry_exchange_format *format;
	char names[160] = "";
	size_t used = 0;

	for (size_t i = 0; (format = descry_exchange_format_at(i)) != NULL; i++) {
		if (strcmp(format->name, name) == 0)
			return format;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 i > 0 ? ", " : "", format->name);
	}
	descry_fail(err, DESCRY_NOT_FOUND, "there is no format '%.40s'; there are %s", name, names);
	return NULL;
}

const struct descry_exchange_row *
descry_exchange_row_of(const struct descry_exchange_format *format, enum descry_state_field field)
{
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		if (row->field == field && row->packing != DESCRY_PACK_COPY &&
		    row->packing != DESCRY_PACK_FIXED)
			return row;
	}
	return NULL;
}

/* --- words in bytes ------------------------------------------------------------------- */

uint64_t
descry_exchange_word(const struct descry_exchange_format *format,
		     const struct descry_exchange_row *row, const uint8_t *bytes)
{
	uint64_t value = 0;

	memcpy(&value, bytes + (row->at - format->first), row->bytes);
	return value;
}

void
descry_exchange_put_word(const struct descry_exchange_format *format,
			 const struct descry_exchange_row *row, uint64_t value, uint8_t *bytes)
{
	memcpy(bytes + (row->at - format->first), &value, row->bytes);
}

void
descry_exchange_pack_bytes(const struct descry_exchange_format *format,
			   const struct descry_state *state, uint8_t *bytes)
{
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		descry_exchange_put_word(format, row, descry_exchange_pack(row, state), bytes);
	}
}

void
descry_exchange_unpack_bytes(const struct descry_exchange_format *format, const uint8_t *bytes,
			     struct descry_state *state)
{
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		descry_exchange_unpack(row, descry_exchange_word(format, row, bytes), state);
	}
}

/* --- the report ----------------------------------------------------------------------- */

static void
add_change(struct descry_exchange_report *report, const char *name, uint64_t before, uint64_t after,
	   const char *why)
{
	report->change[report->change_count++] =
		(struct descry_exchange_change){ name, before, after, why };
}

/* --- export --------------------------------------------------------------------------- */

static bool
fits(const struct descry_exchange_row *row, uint64_t word)
{
	return row->bytes >= 8 || word >> 8 * row->bytes == 0;
}

static enum descry_status
refuse_wide(const struct descry_exchange_format *format, const struct descry_exchange_row *row,
	    const struct descry_state *state, struct descry_error *err)
{
	const enum descry_state_field field = (enum descry_state_field)row->field;

	return descry_fail(err, DESCRY_NOT_SUPPORTED,
			   "%s cannot hold this state: %s is %" PRIx64 "h, and %s at %xh has %u "
			   "bits%s; take another format",
			   format->name, descry_state_field(field)->name,
			   descry_state_get(state, field), row->name, row->at, 8u * row->bytes,
			   row->packing == DESCRY_PACK_MSW ? " without PG" : "");
}

/* What belongs to an instruction or event that the import ends. */
static void
clear_transient(struct descry_state *state)
{
	for (unsigned i = 0; i < DESCRY_STATE_FIELD_COUNT; i++) {
		const enum descry_state_field field = (enum descry_state_field)i;

		if (descry_state_field(field)->absent == DESCRY_ABSENT_CLEARED)
			descry_state_set(state, field, 0);
	}
}

static void
unpack_all(const struct descry_exchange_format *format, const struct descry_exchange_words *words,
	   struct descry_state *state)
{
	for (size_t i = 0; i < format->row_count; i++)
		descry_exchange_unpack(&format->rows[i], words->word[i], state);
}

/* What comes back, compared with what was there. */
static void
report_export(const struct descry_exchange_format *format, const struct descry_state *before,
	      const struct descry_state *after, struct descry_exchange_report *report)
{
	for (unsigned i = 0; i < DESCRY_STATE_FIELD_COUNT; i++) {
		const enum descry_state_field field = (enum descry_state_field)i;
		const struct descry_state_field_info *info = descry_state_field(field);
		const struct descry_exchange_row *row = descry_exchange_row_of(format, field);
		const uint64_t was = descry_state_get(before, field);
		const uint64_t is = descry_state_get(after, field);

		if (!row && info->absent == DESCRY_ABSENT_STAYS)
			report->absent[report->absent_count++] = (uint8_t)field;
		else if (was != is)
			add_change(report, info->name, was, is,
				   row ? packing_why(row) : "there is no place for it");
	}
}

enum descry_status
descry_exchange_export(const struct descry_exchange_format *format,
		       const struct descry_state *state, struct descry_exchange_words *words,
		       struct descry_exchange_report *report, struct descry_error *err)
{
	struct descry_state back = *state;

	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		words->word[i] = descry_exchange_pack(row, state);
		if (!fits(row, words->word[i]))
			return refuse_wide(format, row, state, err);
	}
	*report = (struct descry_exchange_report){ .format = format };
	clear_transient(&back);
	unpack_all(format, words, &back);
	report_export(format, state, &back, report);
	return DESCRY_OK;
}

/* --- import --------------------------------------------------------------------------- */

/* What says of which format a file is, and of which mode the guest, comes before all else. */
static enum descry_status
check_signs(const struct descry_exchange_format *format, const struct descry_exchange_words *words,
	    struct descry_error *err)
{
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		if ((words->word[i] ^ row->fixed) & row->must)
			return descry_fail(err, DESCRY_NOT_SUPPORTED, "%s is %" PRIx64 "h: %s",
					   row->name, words->word[i], row->must_why);
	}
	return DESCRY_OK;
}

static enum descry_status
check_word(const struct descry_exchange_row *row, uint64_t word, const struct descry_state *after,
	   struct descry_error *err)
{
	if (!fits(row, word))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "%s is %" PRIx64 "h: it has %u bits; correct the word",
				   row->name, word, 8u * row->bytes);
	if (!packing_drops(row) && descry_exchange_pack(row, after) != word)
		return descry_fail(err, DESCRY_NOT_SUPPORTED,
				   "%s is %" PRIx64 "h: of that the model can hold only %" PRIx64
				   "h; correct the word",
				   row->name, word, descry_exchange_pack(row, after));
	return DESCRY_OK;
}

static void
report_import(const struct descry_exchange_format *format,
	      const struct descry_exchange_words *words, const struct descry_state *after,
	      struct descry_exchange_report *report)
{
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];
		const uint64_t counts_as = descry_exchange_pack(row, after);

		if (counts_as != words->word[i] && row->packing != DESCRY_PACK_COPY)
			add_change(report, row->name, words->word[i], counts_as, packing_why(row));
	}
}

enum descry_status
descry_exchange_import(const struct descry_exchange_format *format,
		       const struct descry_exchange_words *words, struct descry_state *state,
		       struct descry_exchange_report *report, struct descry_error *err)
{
	struct descry_state next = *state;

	if (check_signs(format, words, err) != DESCRY_OK)
		return err->status;
	clear_transient(&next);
	for (size_t i = 0; i < format->row_count; i++) {
		const struct descry_exchange_row *row = &format->rows[i];

		descry_exchange_unpack(row, words->word[i], &next);
		if (check_word(row, words->word[i], &next, err) != DESCRY_OK)
			return err->status;
	}
	*report = (struct descry_exchange_report){ .format = format };
	report_import(format, words, &next, report);
	*state = next;
	return DESCRY_OK;
}

/* --- a state becomes that of the CPU -------------------------------------------------- */

void
exchange_report_lacking(const struct descry_state *asked, const struct descry_state *is,
			struct descry_exchange_report *report)
{
	for (unsigned i = 0; i < DESCRY_STATE_FIELD_COUNT; i++) {
		const enum descry_state_field field = (enum descry_state_field)i;
		const uint64_t before = descry_state_get(asked, field);
		const uint64_t after = descry_state_get(is, field);

		if (before != after)
			add_change(report, descry_state_field(field)->name, before, after,
				   "as far as this CPU has these bits");
	}
}
