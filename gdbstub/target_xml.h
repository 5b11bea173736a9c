/*
 * The target description that gdb reads, made from the register table. Private to gdbstub.
 */
#ifndef DESCRY_GDB_TARGET_XML_H
#define DESCRY_GDB_TARGET_XML_H

#include <descry/sink.h>

void target_xml_write(const struct descry_sink *sink);

#endif
