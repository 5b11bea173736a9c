/*
 * The stub: a packet goes in, the guest is looked at, changed or run, and one reply comes
 * out. It knows no socket; whoever owns one hands in an outlet. Private to gdbstub.
 */
#ifndef DESCRY_GDB_STUB_H
#define DESCRY_GDB_STUB_H

#include "framing.h"
#include "points.h"
#include "reply.h"
#include "request.h"
#include "threads.h"

#include <descry/command.h>

enum stub_run {
	RUN_STEP,    /* ends soon */
	RUN_GUEST,   /* may last: ^C has to be looked for */
	RUN_COMMAND, /* may last, too, and a client that asks for something else has given it up */
};

/* How the stub reaches gdb, and the user behind it, before it has a reply. */
struct stub_outlet {
	void *owner;
	/* Text for gdb's own terminal. */
	void (*output)(void *owner, const char *text, size_t size);
	/* Around whatever runs the guest. False: the client has given up, and wants no reply. */
	void (*run_begins)(void *owner, enum stub_run kind);
	bool (*run_ends)(void *owner);
};

#define STOP_REPLY_MAX 128u

struct stub {
	struct descry_monitor *monitor;
	struct descry_session *session; /* for monitor COMMAND */
	struct stub_outlet outlet;

	struct threads threads;
	struct points points;
	bool takes_swbreak, takes_hwbreak; /* the client knows these words in a stop reply */
	bool takes_no_resumed;             /* and that one instead of it */

	char *target_xml;
	size_t target_xml_size;
	char stop_reply[STOP_REPLY_MAX];
	char scratch[PACKET_MAX + 1]; /* where handlers form long replies */
};

/* world NULL: nothing but the guest ever has the CPU. The answer NULL: no memory. */
struct stub *stub_create(struct descry_monitor *monitor, struct descry_world *world,
			 struct descry_session *session, const struct stub_outlet *outlet);
void stub_destroy(struct stub *stub);

/* A client has gone, or will go: what it has inserted goes with it. */
void stub_forget_client(struct stub *stub);

/* The packet's text ends in a NUL that size does not count. The reply is good until the next
 * packet. */
struct reply stub_handle(struct stub *stub, const char *packet, size_t size);

/* A line for gdb's terminal. */
void stub_say(struct stub *stub, const char *line);

/* The part of an object of that name that a qXfer asks for. */
struct reply stub_object(struct stub *stub, const struct request *request, const char *annex,
			 const char *text, size_t size);

/* --- what the packets are answered with: one function a row of the table in stub.c ---- */

typedef struct reply packet_fn(struct stub *stub, const struct request *request);

packet_fn on_read_registers, on_write_registers, on_read_register, on_write_register;
packet_fn on_read_memory, on_write_memory, on_write_binary;
packet_fn on_insert_point, on_remove_point;
packet_fn on_why, on_continue, on_step, on_continue_signal, on_step_signal;
packet_fn on_resume, on_resume_query;
packet_fn on_supported, on_no_ack, on_read_features, on_host_info;
packet_fn on_look_at, on_choose_resumed, on_is_alive;
packet_fn on_threads, on_no_more_threads, on_current_thread, on_thread_info, on_read_threads;
packet_fn on_attached, on_detach, on_kill, on_kill_process;
packet_fn on_monitor;

#endif
