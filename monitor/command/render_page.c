#include "command/json.h"
#include "command/render.h"

#include <descry/paging.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BITS_TEXT 32u

struct page_report {
	uint32_t linear;
	bool paging;
	struct descry_page_walk walk;
	const struct descry_tlb_entry *data, *code; /* NULL: the TLB does not hold the page */
};

static const struct descry_tlb_entry *
held(const struct descry_tlb_entry *entry, uint32_t linear)
{
	const bool same = entry->tag >> 12 == linear >> 12;

	return entry->tag & DESCRY_PTE_P && same ? entry : NULL;
}

static void
look(struct descry_monitor *monitor, uint32_t linear, struct page_report *out)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(monitor);
	const struct descry_state *state = descry_vcpu_state(vcpu);
	const uint32_t page = linear >> 12;

	out->linear = linear;
	out->paging = state->cr0 & DESCRY_CR0_PG && state->cr0 & DESCRY_CR0_PE;
	descry_vcpu_walk(vcpu, linear, &out->walk);
	out->data = held(&state->tlb_data[page % DESCRY_TLB_DATA], linear);
	out->code = held(&state->tlb_code[page % DESCRY_TLB_CODE], linear);
}

/* " P RW US A D" */
static const char *
bits_text(uint64_t bits, char text[BITS_TEXT])
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ DESCRY_PTE_P, " P" }, { DESCRY_PTE_RW, " RW" }, { DESCRY_PTE_US, " US" },
		{ DESCRY_PTE_A, " A" }, { DESCRY_PTE_D, " D" },   { DESCRY_PTE_PS, " PS" },
		{ DESCRY_PTE_G, " G" },
	};
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bits & names[i].bit)
			used += (size_t)snprintf(text + used, BITS_TEXT - used, "%s",
						 names[i].name);
	return text;
}

/* --- text ----------------------------------------------------------------------------- */

static void
text_level(const struct descry_sink *sink, const struct descry_page_level *level)
{
	char bits[BITS_TEXT];

	descry_sink_printf(sink, "  %-5s at %09" PRIx64 "  %0*" PRIx64 "%s%s\n", level->name,
			   level->at, (int)level->size * 2, level->entry,
			   bits_text(level->entry, bits),
			   level->reserved_bits ? " reserved bits are set" : "");
}

static void
text_entry(const struct descry_sink *sink, const struct page_report *page, const char *name,
	   const struct descry_tlb_entry *entry)
{
	const bool stale = !page->walk.present || page->walk.physical >> 12 != entry->frame;
	char bits[BITS_TEXT];

	descry_sink_printf(sink, "  TLB, %s: %09" PRIx64 "%s%s\n", name,
			   (uint64_t)entry->frame << 12 | (page->linear & 0xfff),
			   bits_text(entry->tag & 0xfff, bits),
			   stale ? "; the tables say something else now" : "");
}

static void
text_page(const struct descry_sink *sink, const struct page_report *page)
{
	char bits[BITS_TEXT];

	for (unsigned i = 0; i < page->walk.count; i++)
		text_level(sink, &page->walk.level[i]);
	if (page->walk.present)
		descry_sink_printf(
			sink, "  %u KiB, physical %09" PRIx64 "%s\n", page->walk.page_size / 1024,
			page->walk.physical,
			bits_text(page->walk.rights & (DESCRY_PTE_RW | DESCRY_PTE_US), bits));
	else
		descry_sink_text(sink, "  no page\n");
	if (page->data)
		text_entry(sink, page, "data", page->data);
	if (page->code)
		text_entry(sink, page, "code", page->code);
}

/* --- JSON ----------------------------------------------------------------------------- */

static json_t *
json_entry(const struct descry_tlb_entry *entry)
{
	if (!entry)
		return json_null();
	return json_pack("{s:o, s:i}", "physical", json_u64((uint64_t)entry->frame << 12), "bits",
			 (int)(entry->tag & 0xfff));
}

static json_t *
json_page(const struct page_report *page)
{
	json_t *levels = json_array();

	for (unsigned i = 0; page->paging && i < page->walk.count; i++) {
		const struct descry_page_level *level = &page->walk.level[i];

		json_array_append_new(levels, json_pack("{s:s, s:o, s:o, s:b}", "name", level->name,
							"at", json_u64(level->at), "entry",
							json_raw(level->entry), "reserved",
							level->reserved_bits != 0));
	}
	return json_pack("{s:I, s:b, s:o, s:o, s:o, s:o}", "linear", (json_int_t)page->linear,
			 "paging", page->paging, "levels", levels, "physical",
			 !page->paging        ? json_u64(page->linear)
			 : page->walk.present ? json_u64(page->walk.physical)
					      : json_null(),
			 "tlb_data", json_entry(page->paging ? page->data : NULL), "tlb_code",
			 json_entry(page->paging ? page->code : NULL));
}

void
render_page(const struct descry_sink *sink, struct descry_monitor *monitor, uint32_t linear)
{
	struct page_report page;

	look(monitor, linear, &page);
	if (sink->json) {
		json_render(sink, json_page(&page));
		return;
	}
	descry_sink_printf(sink, "%08" PRIx32 "%s\n", linear,
			   page.paging ? ":" : ": paging is off, the physical address is the same");
	if (page.paging)
		text_page(sink, &page);
}

const char *
no_memory_text(struct descry_monitor *monitor)
{
	const bool paging = descry_vcpu_state(descry_monitor_vcpu(monitor))->cr0 & DESCRY_CR0_PG;

	return paging ? "no page leads to memory at" : "there is no memory at";
}
