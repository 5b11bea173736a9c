#include <descry/vcpu.h>

/*
 * Constant text for every vector, so that the function needs no buffer. Only vectors that
 * the modelled CPU raises itself have a name: 10h is "#MF" to one guest, a BIOS call to
 * another.
 */
#define TEN(tens)                                                                                  \
	"vector " tens "0", "vector " tens "1", "vector " tens "2", "vector " tens "3",            \
		"vector " tens "4", "vector " tens "5", "vector " tens "6", "vector " tens "7",    \
		"vector " tens "8", "vector " tens "9"

const char *
descry_vector_text(unsigned vector)
{
	/* clang-format off */
	static const char *const texts[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "vector 9",
		"#TS", "#NP", "#SS", "#GP", "#PF",
		"vector 15", "vector 16", "vector 17", "vector 18", "vector 19",
		TEN("2"),  TEN("3"),  TEN("4"),  TEN("5"),  TEN("6"),  TEN("7"),  TEN("8"),
		TEN("9"),  TEN("10"), TEN("11"), TEN("12"), TEN("13"), TEN("14"), TEN("15"),
		TEN("16"), TEN("17"), TEN("18"), TEN("19"), TEN("20"), TEN("21"), TEN("22"),
		TEN("23"), TEN("24"), "vector 250", "vector 251", "vector 252", "vector 253",
		"vector 254", "vector 255",
	};
	/* clang-format on */

	_Static_assert(sizeof(texts) / sizeof(texts[0]) == 256, "one text for each vector");
	return vector < 256 ? texts[vector] : "no such vector";
}
