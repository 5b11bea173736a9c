#include "options.h"

#include <descry/number.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Options without a letter. */
enum {
	LONG_ENTRY = 256,
	LONG_ROM,
	LONG_JSON,
	LONG_POST,
	LONG_STATE,
	LONG_AT,
	LONG_EVERY,
	LONG_EXPECT,
	LONG_INJECT,
	LONG_GDB,
	LONG_VERSION,
	LONG_REFERENCE
};

static const char short_options[] = ":m:c:k:L:w:x:e:l:j:h";

/* clang-format off */
static const struct option long_options[] = {
	{ "memory",            required_argument, NULL, 'm' },
	{ "cpu",               required_argument, NULL, 'c' },
	{ "knob",              required_argument, NULL, 'k' },
	{ "load",              required_argument, NULL, 'L' },
	{ "world",             required_argument, NULL, 'w' },
	{ "script",            required_argument, NULL, 'x' },
	{ "execute",           required_argument, NULL, 'e' },
	{ "listen",            required_argument, NULL, 'l' },
	{ "entry",             required_argument, NULL, LONG_ENTRY },
	{ "rom",               required_argument, NULL, LONG_ROM },
	{ "state",             required_argument, NULL, LONG_STATE },
	{ "at",                required_argument, NULL, LONG_AT },
	{ "every",             required_argument, NULL, LONG_EVERY },
	{ "expect",            required_argument, NULL, LONG_EXPECT },
	{ "jobs",              required_argument, NULL, 'j' },
	{ "inject",            required_argument, NULL, LONG_INJECT },
	{ "gdb",               required_argument, NULL, LONG_GDB },
	{ "json",              no_argument,       NULL, LONG_JSON },
	{ "post",              no_argument,       NULL, LONG_POST },
	{ "help",              no_argument,       NULL, 'h' },
	{ "version",           no_argument,       NULL, LONG_VERSION },
	{ "command-reference", no_argument,       NULL, LONG_REFERENCE },
	{ 0 },
};
/* clang-format on */

const char *
options_help(void)
{
	return "usage: descry [shell] IMAGE [options]   look around in a guest, interactively\n"
	       "       descry run IMAGE [options]       run it to its end\n"
	       "       descry compare IMAGE [options]   a host interrupt under every way to save\n"
	       "                                        and restore the guest, as a table\n"
	       "       descry gdb IMAGE -l ADDR         serve gdb\n"
	       "\n"
	       "IMAGE is an ELF file, or a boot sector or floppy (55AAh at 510).\n"
	       "\n"
	       "  -m, --memory MIB        memory of the machine (16)\n"
	       "  -c, --cpu PROFILE       CPU generation: 8086, 286, 386, 486, pentium, p6 (p6);\n"
	       "                          -c help shows them and their knobs\n"
	       "  -k, --knob KNOB=VALUE   change one knob of it\n"
	       "  -L, --load FILE@ADDR    put a file into memory at a physical address\n"
	       "      --entry SEG:OFF     where to begin (hexadecimal)\n"
	       "      --rom FILE          a ROM that ends at 4 GiB\n"
	       "      --state FORMAT:FILE the CPU begins in this state (`help export`)\n"
	       "  -w, --world STRATEGY    how host interrupts save and restore (interpret);\n"
	       "                          with compare: only this one\n"
	       "      --at WHERE          with compare: a boundary, COUNT or ADDRESS [HIT] (the "
	       "first\n"
	       "                          write to port EDh); may be given many times\n"
	       "      --every N[:MOST]    with compare: at each multiple of N instructions\n"
	       "      --expect O:S[,...]  with compare: status 4 unless the outcome of strategy S "
	       "is\n"
	       "                          O, as in same:vmx,silent:selector-real/big\n"
	       "  -j, --jobs N            with compare: so many processes (one a CPU)\n"
	       "      --inject SPEC       an interrupt from outside: 'host at 12345',\n"
	       "                          'nmi every 1000', ...; may be given many times\n"
	       "  -x, --script FILE       execute the commands in a file, then leave\n"
	       "  -e, --execute COMMAND   execute a command, then leave; may be given many times\n"
	       "  -l, --listen ADDR       with gdb: :PORT on loopback, HOST:PORT or unix:PATH\n"
	       "      --gdb ADDR          with shell: serve gdb beside it\n"
	       "      --json              facts as JSON, one value a command; the guest's console\n"
	       "                          goes to standard error\n"
	       "      --post              show POST codes (port 80h)\n"
	       "  -h, --help              this\n"
	       "      --version           the version\n"
	       "\n"
	       "`help` in the shell explains its commands.\n"
	       "Exit status: odd from the guest (2 * value + 1), 0 success, 2 wrong usage,\n"
	       "4 an assertion failed, 6 the guest ended badly or input/output failed,\n"
	       "8 not modelled.\n";
}

/* --- one option ----------------------------------------------------------------------- */

static enum descry_status
parse_memory(struct options *out, const char *text, struct descry_error *err)
{
	char why[DESCRY_NUMBER_WHY] = "at least 1, at most a few thousand";
	uint64_t mib;

	if (!descry_number_parse(text, strlen(text), &mib, why) || mib == 0 || mib > UINT32_MAX)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "-m %.80s: give the memory in MiB, such as -m 16 (%s)", text,
				   why);
	out->machine.ram_mib = (uint32_t)mib;
	return DESCRY_OK;
}

static enum descry_status
parse_load(struct options *out, const char *text, struct descry_error *err)
{
	const char *at = strrchr(text, '@');
	const size_t index = out->machine.load_count;
	char why[DESCRY_NUMBER_WHY] = "";
	char *name;

	if (at == NULL || at == text ||
	    !descry_number_parse(at + 1, strlen(at + 1), &out->loads[index].address, why))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "-L %.80s: give FILE@ADDRESS, such as boot.bin@0x7c00%s%s", text,
				   *why != '\0' ? "; " : "", why);
	name = strndup(text, (size_t)(at - text));
	if (name == NULL)
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	out->names[index] = name;
	out->loads[index].file = name;
	out->machine.load_count++;
	return DESCRY_OK;
}

/* N[:MOST] */
static enum descry_status
parse_every(struct options *out, const char *text, struct descry_error *err)
{
	const char *colon = strchr(text, ':');
	const size_t size = colon != NULL ? (size_t)(colon - text) : strlen(text);
	char why[DESCRY_NUMBER_WHY] = "at least 1";

	if (descry_number_parse(text, size, &out->every, why) && out->every > 0 &&
	    (colon == NULL ||
	     (descry_number_parse(colon + 1, strlen(colon + 1), &out->every_most, why) &&
	      out->every_most > 0)))
		return DESCRY_OK;
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   "--every %.80s: give N or N:MOST in instructions, such as 1000:20 (%s)",
			   text, why);
}

static enum descry_status
parse_jobs(struct options *out, const char *text, struct descry_error *err)
{
	char why[DESCRY_NUMBER_WHY] = "from 1 to 256";
	uint64_t jobs;

	if (!descry_number_parse(text, strlen(text), &jobs, why) || jobs == 0 || jobs > 256)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "-j %.80s: give the number of processes (%s)", text, why);
	out->jobs = (unsigned)jobs;
	return DESCRY_OK;
}

static enum descry_status
parse_cpu(struct options *out, const char *text)
{
	if (strcmp(text, "help") == 0)
		out->verb = VERB_PROFILES;
	out->machine.profile = text;
	return DESCRY_OK;
}

static enum descry_status
refuse_option(int code, char **argv, struct descry_error *err)
{
	const char *given = argv[optind - 1];

	if (code == ':')
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "%.80s needs an argument (descry --help)", given);
	if (optopt != 0 && optopt < LONG_ENTRY && strncmp(given, "--", 2) != 0)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "there is no option -%c (descry --help)", optopt);
	return descry_fail(err, DESCRY_BAD_ARGUMENT,
			   optopt != 0 ? "%.80s takes no argument (descry --help)"
				       : "there is no option %.80s (descry --help)",
			   given);
}

static void
add_batch(struct options *out, bool is_script, const char *text)
{
	out->batch[out->batch_count++] = (struct batch_item){ is_script, text };
}

static enum descry_status
parse_option(struct options *out, int code, char **argv, struct descry_error *err)
{
	switch (code) {
	case 'm':
		return parse_memory(out, optarg, err);
	case 'c':
		return parse_cpu(out, optarg);
	case 'k':
		out->knobs[out->machine.knob_count++] = optarg;
		break;
	case 'L':
		return parse_load(out, optarg, err);
	case 'w':
		out->strategy = optarg;
		break;
	case 'x':
		add_batch(out, true, optarg);
		break;
	case 'e':
		add_batch(out, false, optarg);
		break;
	case 'h':
		out->verb = VERB_HELP;
		break;
	case LONG_ENTRY:
		out->machine.entry = optarg;
		break;
	case LONG_ROM:
		out->machine.rom = optarg;
		break;
	case LONG_STATE:
		out->machine.state = optarg;
		break;
	case LONG_AT:
		out->at[out->at_count++] = optarg;
		break;
	case LONG_EVERY:
		return parse_every(out, optarg, err);
	case LONG_EXPECT:
		out->expect[out->expect_count++] = optarg;
		break;
	case 'j':
		return parse_jobs(out, optarg, err);
	case LONG_INJECT:
		out->injections[out->injection_count++] = optarg;
		break;
	case 'l':
		out->listen = optarg;
		break;
	case LONG_GDB:
		out->gdb = optarg;
		break;
	case LONG_JSON:
		out->json = true;
		break;
	case LONG_POST:
		out->machine.show_post = true;
		break;
	case LONG_VERSION:
		out->verb = VERB_VERSION;
		break;
	case LONG_REFERENCE:
		out->verb = VERB_REFERENCE;
		break;
	default:
		return refuse_option(code, argv, err);
	}
	return DESCRY_OK;
}

/* --- verb and image ------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
	{ "shell", VERB_SHELL },
	{ "run", VERB_RUN },
	{ "compare", VERB_COMPARE },
	{ "gdb", VERB_GDB },
};

/* Verbs that are planned: a typed one is no image by that name. */
static const char *const later_verbs[] = { "audit", "report" };

static bool
find_verb(const char *word, enum verb *verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, word) == 0) {
			*verb = verbs[i].verb;
			return true;
		}
	}
	return false;
}

/* One that goes with compare only; NULL: none has been given. */
static const char *
of_compare(const struct options *out)
{
	return out->at_count > 0       ? "--at"
	       : out->every > 0        ? "--every"
	       : out->expect_count > 0 ? "--expect"
	       : out->jobs > 0         ? "-j"
				       : NULL;
}

/* Options that go with one verb. */
static enum descry_status
check_verb(const struct options *out, struct descry_error *err)
{
	const char *option = of_compare(out);

	if (option != NULL && out->verb != VERB_COMPARE)
		return descry_fail(err, DESCRY_BAD_ARGUMENT, "%s goes with compare only", option);
	if (out->verb == VERB_GDB && out->listen == NULL)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "gdb: where? give -l :PORT or -l unix:PATH");
	if (out->verb != VERB_GDB && out->listen != NULL)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "-l goes with gdb only; beside the shell it is --gdb");
	if (out->gdb != NULL && (out->verb != VERB_SHELL || out->batch_count > 0))
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "--gdb goes with a shell that stays: without -x and -e");
	return DESCRY_OK;
}

static enum descry_status
parse_words(struct options *out, int count, char **words, struct descry_error *err)
{
	bool has_verb = count > 0 && find_verb(words[0], &out->verb);

	for (size_t i = 0; count > 0 && i < sizeof(later_verbs) / sizeof(later_verbs[0]); i++) {
		if (strcmp(words[0], later_verbs[i]) == 0)
			return descry_fail(err, DESCRY_BAD_ARGUMENT,
					   "%s: this version has shell, run, compare and gdb (an "
					   "image of that name is ./%s)",
					   words[0], words[0]);
	}
	if (has_verb) {
		words++;
		count--;
	}
	if (count > 1)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "one IMAGE is enough: %.80s is the second (descry --help)",
				   words[1]);
	if (count == 1)
		out->machine.image = words[0];
	else if (out->machine.rom == NULL && out->machine.load_count == 0)
		return descry_fail(
			err, DESCRY_BAD_ARGUMENT,
			"no IMAGE: descry [shell|run|compare|gdb] IMAGE (descry --help)");
	return check_verb(out, err);
}

/* No list is longer than the command line. */
static bool
make_room(struct options *out, int argc)
{
	const size_t room = (size_t)argc + 1;

	out->knobs = calloc(room, sizeof(*out->knobs));
	out->loads = calloc(room, sizeof(*out->loads));
	out->names = calloc(room, sizeof(*out->names));
	out->batch = calloc(room, sizeof(*out->batch));
	out->injections = calloc(room, sizeof(*out->injections));
	out->at = calloc(room, sizeof(*out->at));
	out->expect = calloc(room, sizeof(*out->expect));
	out->machine.knobs = out->knobs;
	out->machine.loads = out->loads;
	return out->knobs != NULL && out->loads != NULL && out->names != NULL &&
	       out->batch != NULL && out->injections != NULL && out->at != NULL &&
	       out->expect != NULL;
}

enum descry_status
options_parse(int argc, char **argv, struct options *out, struct descry_error *err)
{
	int code;

	*out = (struct options){ .verb = VERB_SHELL };
	if (!make_room(out, argc))
		return descry_fail(err, DESCRY_NO_MEMORY, "out of memory");
	opterr = 0;
	while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (parse_option(out, code, argv, err) != DESCRY_OK)
			return err->status;
	}
	if (out->verb != VERB_SHELL)
		return DESCRY_OK; /* asks for no image */
	return parse_words(out, argc - optind, argv + optind, err);
}

void
options_free(struct options *options)
{
	for (size_t i = 0; options->names != NULL && i < options->machine.load_count; i++)
		free(options->names[i]);
	free(options->names);
	free(options->knobs);
	free(options->loads);
	free(options->batch);
	free(options->injections);
	free(options->at);
	free(options->expect);
}
