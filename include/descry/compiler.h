/*
 * The one place where compiler attributes are named. Everything else is C17.
 */
#ifndef DESCRY_COMPILER_H
#define DESCRY_COMPILER_H

#define DESCRY_MUST_CHECK __attribute__((warn_unused_result))
#ifdef DESCRY_PLAIN_INLINE /* a line and its branches are to be counted once, not once a copy */
#define DESCRY_INLINE static inline
#else
#define DESCRY_INLINE static inline __attribute__((always_inline))
#endif
#define DESCRY_NOINLINE __attribute__((noinline))
#define DESCRY_COLD __attribute__((cold, noinline))
#define DESCRY_NORETURN __attribute__((noreturn))
#define DESCRY_PRINTF(format_index, first_arg)                                                     \
	__attribute__((format(printf, format_index, first_arg)))
#define DESCRY_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define DESCRY_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#endif
