/*
 * The hardware runs a guest's real mode as virtual-8086 mode: around what such a host does.
 */
#ifndef DESCRY_WORLD_V86_H
#define DESCRY_WORLD_V86_H

#include "world/frame.h"

world_op_fn op_into_v86, op_out_of_v86;

#endif
