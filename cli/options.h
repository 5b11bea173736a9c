/*
 * The command line as a value. Parsing knows the words and their arguments; what they mean
 * for a machine is the monitor's business.
 */
#ifndef DESCRY_CLI_OPTIONS_H
#define DESCRY_CLI_OPTIONS_H

#include <descry/monitor.h>

enum verb {
	VERB_SHELL,
	VERB_RUN,
	VERB_COMPARE,
	VERB_GDB,
	VERB_HELP,      /* --help */
	VERB_VERSION,   /* --version */
	VERB_PROFILES,  /* -c help */
	VERB_REFERENCE, /* --command-reference: what docs/commands.md is made of */
};

/* -x SCRIPT or -e COMMAND, in the order in which they were given. */
struct batch_item {
	bool is_script;
	const char *text;
};

struct options {
	enum verb verb;
	struct descry_options machine; /* its lists are below */
	const char **knobs;
	struct descry_raw_load *loads;
	struct batch_item *batch;
	size_t batch_count;
	const char **injections; /* --inject, in the order in which they were given */
	size_t injection_count;
	const char *strategy; /* -w; NULL: the default */
	const char **at;      /* --at: the boundaries that compare looks at */
	size_t at_count;
	uint64_t every; /* --every EVERY[:MOST]; 0: not given, or no limit */
	uint64_t every_most;
	const char **expect; /* --expect, in the order in which they were given */
	size_t expect_count;
	unsigned jobs;      /* -j; 0: not given */
	const char *listen; /* -l: where the verb gdb serves */
	const char *gdb;    /* --gdb: where a debugger beside the shell is served */
	bool json;
	char **names; /* the file names of -L, which options_free() releases */
};

/* Anything but DESCRY_OK: err is the line to show. */
enum descry_status options_parse(int argc, char **argv, struct options *out,
				 struct descry_error *err);
void options_free(struct options *options);

const char *options_help(void);

#endif
