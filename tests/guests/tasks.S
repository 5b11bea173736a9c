# tasks: hardware task switches and call gates, checked from inside.
#
# The main task goes to others by CALL, JMP, INT and a fault. Each looks at what it got and at what
# the main task left behind, and the main task looks again when it is back. An expectation that
# does not hold prints its sentence; the verdict is the number of those. They are from SDM vol. 3,
# Task Management, and vol. 2, CALL.

	.include "protected.inc"

	.set	FLAG_RF, 0x10000
	.set	FLAG_VM, 0x20000
	.set	FLAG_NT, 0x4000
	.set	CR0_TS, 8
	.set	CR0_PG, 0x80000000
	.set	DR6_BT, 0x8000
	.set	BUSY, 2				# in the access byte of a TSS

	.set	VEC_DB, 1
	.set	VEC_TS, 10
	.set	VEC_GP, 13
	.set	INT_TASK, 0x30			# a task gate
	.set	INT_BACK, 0x31			# DPL 3: out of ring 3
	.set	GATES, 0x32

	.set	idt, 0xa000
	.set	main_stack, 0x7000
	.set	main_stack0, 0x6e00		# for interrupts out of ring 3
	.set	called_stack, 0x6c00
	.set	jumped_stack, 0x6a00
	.set	interrupt_stack, 0x6800
	.set	fault_stack, 0x6600
	.set	small_stack, 0x6400
	.set	bad_stack, 0x6200
	.set	bad_stack0, 0x6000
	.set	user_stack, 0x5e00
	.set	v86_stack0, 0x5c00
	.set	v86_data, 0x500			# a paragraph
	.set	first_page, 0x3000		# what FS pointed at
	.set	second_page, 0x4000		# and what its descriptor names later

# The sentence follows the call; report goes on behind it.
.macro EXPECT condition, text
	j\condition	8f
	call	report
	.asciz	"\text"
8:
.endm

	ENTER_PROTECTED
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%ax, %fs
	mov	%ax, %gs
	mov	$main_stack, %esp
	call	build_idt
	mov	$MAIN, %ax
	ltr	%ax

	call	by_call
	call	by_jump
	call	by_interrupt
	call	by_fault
	call	to_16_bit_task
	call	stale_segment
	call	refused_switches
	call	bad_data_segment
	call	bad_stack_segment
	call	trapped
	call	gates_of_ring_3
	call	to_virtual_8086
	call	with_page_tables

	cmpb	$0, wrong
	jne	1f
	mov	$all_right, %esi
	call	print
1:	mov	wrong, %al
	EXIT

report:
	incb	wrong
	pop	%esi
	call	print
	push	%esi
	mov	$end_of_line, %esi
	call	print
	ret

# --- CALL and IRET ------------------------------------------------------------------------

by_call:
	mov	$0x11110000, %ebx
	mov	$0x22220000, %edi
	clts
	stc
	lcall	$CALLED, $0xdead		# the offset does not matter
	EXPECT	c, "call: the flags of the main task come back"
	cmp	$0x11110000, %ebx
	EXPECT	e, "call: so does ebx"
	cmp	$0x22220000, %edi
	EXPECT	e, "call: so does edi"
	cmpl	$0x11110000, tss_main + 0x34
	EXPECT	e, "call: it is in the TSS"
	str	%ax
	cmp	$MAIN, %ax
	EXPECT	e, "call: TR is the main task's again"
	smsw	%ax
	test	$CR0_TS, %al
	EXPECT	nz, "call: IRET sets TS, too"
	clts
	testb	$BUSY, gdt + CALLED + 5
	EXPECT	z, "call: the called task is not busy any more"
	testb	$BUSY, gdt + MAIN + 5
	EXPECT	nz, "call: the main task is"
	cmpl	$called_again, tss_called + 0x20
	EXPECT	e, "call: the called task will go on behind its IRET"
	testl	$FLAG_NT, tss_called + 0x24
	EXPECT	z, "call: its NT was cleared on the way"
	lcall	$CALLED, $0
	cmpb	$2, called_count
	EXPECT	e, "call: and so it does"
	ret

called:
	pushf
	testl	$FLAG_NT, (%esp)
	EXPECT	nz, "called: NT says nested"
	popf
	cmpw	$MAIN, tss_called
	EXPECT	e, "called: the link names the main task"
	smsw	%ax
	test	$CR0_TS, %al
	EXPECT	nz, "called: TS is set"
	clts
	str	%ax
	cmp	$CALLED, %ax
	EXPECT	e, "called: TR names this task"
	testb	$BUSY, gdt + MAIN + 5
	EXPECT	nz, "called: the main task stays busy"
	testb	$BUSY, gdt + CALLED + 5
	EXPECT	nz, "called: this one is"
	cmp	$0x600dc0de, %ecx
	EXPECT	e, "called: ecx is from the TSS"
	incb	called_count
	iret
called_again:
	mov	$0x600dc0de, %ecx
	jmp	called

# --- JMP ----------------------------------------------------------------------------------

by_jump:
	ljmp	$JUMPED_GATE, $0
	pushf
	testl	$FLAG_NT, (%esp)
	EXPECT	z, "jump: nothing is nested"
	popf
	testb	$BUSY, gdt + JUMPED + 5
	EXPECT	z, "jump: the task that was left is not busy"
	ret

jumped:
	pushf
	testl	$FLAG_NT, (%esp)
	EXPECT	z, "jumped: not nested"
	popf
	cmpw	$0x5555, tss_jumped
	EXPECT	e, "jumped: the link was not written"
	testb	$BUSY, gdt + MAIN + 5
	EXPECT	z, "jumped: the main task is not busy"
	ljmp	$MAIN, $0
	jmp	jumped

# --- INT, and a fault ---------------------------------------------------------------------

by_interrupt:
	int	$INT_TASK
after_int:
	cmpb	$1, interrupt_count
	EXPECT	e, "int: the task has run"
	ret

interrupted:
	cmpl	$after_int, tss_main + 0x20
	EXPECT	e, "interrupted: the main task goes on behind the INT"
	cmpw	$MAIN, tss_interrupt
	EXPECT	e, "interrupted: the link names it"
	cmp	$interrupt_stack, %esp
	EXPECT	e, "interrupted: nothing is pushed"
	incb	interrupt_count
	iret
	jmp	interrupted

by_fault:
	movw	$FAULT, idt + VEC_GP * 8 + 2
	OPEN_GATE VEC_GP, 0x85
	mov	$BEYOND, %ax
faulting:
	mov	%ax, %es			# #GP(BEYOND)
	EXPECT	o, "fault: the task has moved EIP"
after_fault:
	cmpb	$1, fault_count
	EXPECT	e, "fault: the task has run"
	movw	$CODE32, idt + VEC_GP * 8 + 2
	OPEN_GATE VEC_GP, 0x8e
	ret

faulted:
	pop	%eax
	cmp	$BEYOND, %eax
	EXPECT	e, "faulted: the error code is on this stack"
	cmp	$fault_stack, %esp
	EXPECT	e, "faulted: and nothing else"
	cmpl	$faulting, tss_main + 0x20
	EXPECT	e, "faulted: EIP is at the culprit"
	testl	$FLAG_RF, tss_main + 0x24
	EXPECT	nz, "faulted: RF is in its image"
	movl	$after_fault, tss_main + 0x20
	incb	fault_count
	iret
	jmp	faulted

# --- a 16-bit TSS -------------------------------------------------------------------------

to_16_bit_task:
	mov	$0x12345678, %ebx
	lcall	$SMALL, $0
	cmp	$0x12345678, %ebx
	EXPECT	e, "16-bit: all of ebx comes back"
	mov	%fs, %ax
	cmp	$FLAT, %ax
	EXPECT	e, "16-bit: so does FS"
	cmpl	$0xffff4321, small_eax
	EXPECT	e, "16-bit: the upper half of eax is ones"
	cmpw	$0, small_fs
	EXPECT	e, "16-bit: FS is null"
	cmpl	$FLAG_NT + 0x40 + 2, small_flags
	EXPECT	e, "16-bit: the flags have 16 bits, and NT"
	cmpw	$small_again, tss_small + 0x0e
	EXPECT	e, "16-bit: IP is saved as a word"
	ret

	.code16
small:
	mov	%eax, small_eax
	mov	%fs, small_fs
	pushfl
	popl	small_flags
	iret
small_again:
	jmp	small
	.code32

# --- what a switch does to a cache that no longer agrees with its table -------------------

stale_segment:
	movl	$1, first_page
	movl	$2, second_page
	mov	$CHANGING, %ax
	mov	%ax, %fs
	movb	$second_page >> 8, gdt + CHANGING + 3
	cmpl	$1, %fs:0
	EXPECT	e, "stale: the cache is what it was"
	lcall	$CALLED, $0
	cmpl	$2, %fs:0
	EXPECT	e, "stale: a switch and back makes it what the table says"
	mov	$FLAT, %ax
	mov	%ax, %fs
	ret

# --- switches that are refused in the old task --------------------------------------------

# Executes at EAX; back with the vector in EAX and the error code in EDX.
try:
	mov	%esp, try_stack
	movl	$tried, on_fault
	jmp	*%eax
tried:
	mov	try_stack, %esp
	movl	$unexpected, on_fault
	mov	last_vector, %eax
	mov	last_error, %edx
	ret

.macro REFUSED attempt, vector, error, text
	mov	$\attempt, %eax
	call	try
	cmp	$\vector, %eax
	EXPECT	e, "refused, vector: \text"
	cmp	$\error, %edx
	EXPECT	e, "refused, error code: \text"
	str	%ax
	cmp	$MAIN, %ax
	EXPECT	e, "refused, task: \text"
.endm

refused_switches:
	REFUSED	call_itself, VEC_GP, MAIN, "a task does not call itself"
	REFUSED	jump_to_short, VEC_TS, SHORT, "a TSS must be long enough"
	REFUSED	return_to_idle, VEC_TS, CALLED, "IRET goes to a busy task"
	pushf
	andl	$~FLAG_NT, (%esp)
	popf
	ret

call_itself:
	lcall	$MAIN, $0
jump_to_short:
	ljmp	$SHORT, $0
return_to_idle:
	movw	$CALLED, tss_main
	pushf
	orl	$FLAG_NT, (%esp)
	popf
	iret

# --- faults of the new task ---------------------------------------------------------------

bad_data_segment:
	movl	$in_bad_task, on_fault
	movw	$CALLED, tss_bad + 0x54		# a TSS in DS
	movw	$FLAT, tss_bad + 0x50
	lcall	$BAD, $0
	cmpl	$VEC_TS, last_vector
	EXPECT	e, "bad DS: #TS"
	cmpl	$CALLED, last_error
	EXPECT	e, "bad DS: names the selector"
	cmpw	$CALLED, bad_ds
	EXPECT	e, "bad DS: it is in DS all the same"
	cmpl	$bad, bad_eip
	EXPECT	e, "bad DS: at the first instruction of the new task"
	cmpl	$bad_stack - 16, bad_esp	# EFLAGS, CS, EIP, error code
	EXPECT	e, "bad DS: on the stack of the new task"
	ret

bad_stack_segment:
	movl	$in_bad_task, on_fault
	movw	$FLAT, tss_bad + 0x54
	movw	$CODE32, tss_bad + 0x50
	movl	$bad, tss_bad + 0x20
	movl	$bad_stack, tss_bad + 0x38
	lcall	$BAD, $0
	cmpl	$VEC_TS, last_vector
	EXPECT	e, "bad SS: #TS"
	cmpl	$CODE32, last_error
	EXPECT	e, "bad SS: names the selector"
	cmpl	$bad_stack0 - 24, bad_esp	# SS and ESP as well
	EXPECT	e, "bad SS: on the stack that the TSS has for ring 0"
	ret

bad:
	EXPECT	o, "bad: this task never gets to its first instruction"
	hlt

# In the bad task, whose frame and error code lie on the stack: back by the link.
in_bad_task:
	mov	%ds, %ss:bad_ds
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, bad_esp
	subl	$4, bad_esp			# the error code has been popped
	mov	(%esp), %eax
	mov	%eax, bad_eip
	str	%ax
	cmp	$BAD, %ax
	EXPECT	e, "bad: TR names it"
	testl	$FLAG_NT, 8(%esp)
	EXPECT	nz, "bad: nested"
	pushf
	orl	$FLAG_NT, (%esp)
	popf
	iret

# --- the T bit ----------------------------------------------------------------------------

trapped:
	movb	$1, tss_called + 0x64
	movl	$at_trap, on_fault
	movl	$0, last_vector
	lcall	$CALLED, $0
	movb	$0, tss_called + 0x64
	cmpl	$VEC_DB, last_vector
	EXPECT	e, "T bit: #DB"
	cmpl	$called_again, trap_eip
	EXPECT	e, "T bit: before the first instruction"
	testl	$DR6_BT, trap_dr6
	EXPECT	nz, "T bit: DR6 says so"
	ret

at_trap:					# the task uses EAX for nothing that lasts
	mov	(%esp), %eax
	mov	%eax, trap_eip
	mov	%dr6, %eax
	mov	%eax, trap_dr6
	xor	%eax, %eax
	mov	%eax, %dr6
	iret

# --- call gates ---------------------------------------------------------------------------

gates_of_ring_3:
	movl	$from_ring_3, on_fault
	mov	%esp, try_stack
	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$in_ring_3
	iret
from_ring_3:
	mov	$FLAT, %ax
	mov	%ax, %ss
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	try_stack, %esp
	cmpl	$INT_BACK, last_vector
	EXPECT	e, "gates: ring 3 has come to its end"
	cmpb	$2, gate_count
	EXPECT	e, "gates: both have been passed"
	ret

in_ring_3:
	mov	$USER_DATA, %ax
	mov	%ax, %ds
	push	$0xcafe0002
	push	$0xcafe0001
	lcall	$GATE32 + 3, $0xdead
	cmp	$user_stack, %esp
	jne	1f
	pushw	$0xbe02
	pushw	$0xbe01
	lcall	$GATE16 + 3, $0xdead
	cmp	$user_stack, %esp
	jne	1f
	int	$INT_BACK
1:	int3

behind_gate32:					# EIP CS, two parameters, ESP SS
	cmp	$main_stack0 - 24, %esp
	EXPECT	e, "gate: the stack of ring 0"
	cmpl	$USER_CODE, 4(%esp)
	EXPECT	e, "gate: CS"
	cmpl	$0xcafe0001, 8(%esp)
	EXPECT	e, "gate: the last parameter is the nearest"
	cmpl	$0xcafe0002, 12(%esp)
	EXPECT	e, "gate: the first is the farthest"
	cmpl	$user_stack - 8, 16(%esp)
	EXPECT	e, "gate: ESP"
	cmpl	$USER_DATA, 20(%esp)
	EXPECT	e, "gate: SS"
	mov	%cs, %ax
	cmp	$CODE32, %ax
	EXPECT	e, "gate: the RPL of CS is the new CPL"
	incb	gate_count
	lret	$8

behind_gate16:
	cmp	$main_stack0 - 12, %esp
	EXPECT	e, "16-bit gate: six words"
	cmpw	$USER_CODE, 2(%esp)
	EXPECT	e, "16-bit gate: CS"
	cmpw	$0xbe01, 4(%esp)
	EXPECT	e, "16-bit gate: parameters are words"
	cmpw	$user_stack - 4, 8(%esp)
	EXPECT	e, "16-bit gate: SP"
	incb	gate_count
	lretw	$4

# --- virtual-8086 mode --------------------------------------------------------------------

to_virtual_8086:
	movl	$from_v86, on_fault
	lcall	$V86, $0
	cmpl	$INT_BACK, last_vector
	EXPECT	e, "V86: it has come to its end"
	cmpw	$v86_data, v86_ds
	EXPECT	e, "V86: DS is a paragraph"
	cmpb	$0x86, v86_data * 16
	EXPECT	e, "V86: which is written to"
	testl	$FLAG_VM, tss_main + 0x24
	EXPECT	z, "V86: the main task was none"
	smsw	%ax
	test	$CR0_TS, %al
	EXPECT	nz, "V86: TS is set"
	clts
	ret

	.code16
v86:
	mov	%ds, %ax
	mov	%ax, %cs:v86_ds
	movb	$0x86, 0
	int	$INT_BACK
	.code32

from_v86:					# EIP CS EFLAGS ESP SS ES DS FS GS
	cmp	$v86_stack0 - 36, %esp
	EXPECT	e, "V86: nine dwords on the stack of ring 0"
	mov	%ds, %ax
	test	%ax, %ax
	push	$FLAT
	pop	%ds
	EXPECT	z, "V86: DS was emptied on the way out"
	testl	$FLAG_VM, 8(%esp)
	EXPECT	nz, "V86: VM is in the image"
	testl	$FLAG_NT, 8(%esp)
	EXPECT	nz, "V86: nested"
	pushf
	orl	$FLAG_NT, (%esp)
	popf
	iret					# by the link, not by the frame

# --- paging -------------------------------------------------------------------------------

# Two page directories: the second shows the page at 400000h elsewhere. A task has one of its own,
# and an entry of the TLB lives until CR3 changes.
	.set	directory1, 0x10000
	.set	low_table, 0x11000		# linear 0 to 3FFFFFh as it is
	.set	high_table1, 0x12000
	.set	directory2, 0x13000
	.set	high_table2, 0x14000
	.set	window, 0x400000
	.set	frame1, 0x20000
	.set	frame2, 0x21000
	.set	frame3, 0x22000
	.set	PRESENT, 3			# and writable

with_page_tables:
	mov	$low_table, %edi
	mov	$PRESENT, %eax
	mov	$1024, %ecx
1:	stosl
	add	$0x1000, %eax
	loop	1b
	movl	$low_table + PRESENT, directory1
	movl	$high_table1 + PRESENT, directory1 + 4
	movl	$low_table + PRESENT, directory2
	movl	$high_table2 + PRESENT, directory2 + 4
	movl	$frame1 + PRESENT, high_table1
	movl	$frame2 + PRESENT, high_table2
	movl	$0x11111111, frame1
	movl	$0x22222222, frame2
	movl	$0x33333333, frame3
	movl	$directory1, tss_called + 0x1c
	movl	$directory1, tss_main + 0x1c
	movl	$directory2, tss_paged + 0x1c
	mov	$directory1, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	jmp	1f
1:	cmpl	$0x11111111, window
	EXPECT	e, "paging: the main task's page"
	movl	$frame3 + PRESENT, high_table1	# and no INVLPG
	lcall	$CALLED, $0
	cmpl	$0x11111111, window
	EXPECT	e, "paging: a task with the same CR3 keeps what the TLB has"
	lcall	$PAGED, $0
	cmpl	$0x22222222, paged_saw
	EXPECT	e, "paging: another CR3, another page"
	mov	%cr3, %eax
	cmp	$directory1, %eax
	EXPECT	e, "paging: CR3 is back"
	cmpl	$0x33333333, window
	EXPECT	e, "paging: and the TLB has let the old page go"
	clts
	ret

paged:
	mov	window, %eax
	mov	%eax, paged_saw
	mov	%cr3, %eax
	cmp	$directory2, %eax
	EXPECT	e, "paged: CR3 is from the TSS"
	iret
	jmp	paged

# --- tables -------------------------------------------------------------------------------

# Gates to the stubs in ring 0, and one that is a task.
	.set	STUB_SIZE, 32
build_idt:
	FILL_IDT 0x8e
	OPEN_GATE INT_BACK, 0xee
	movw	$INTERRUPT, idt + INT_TASK * 8 + 2
	OPEN_GATE INT_TASK, 0x85
	ret

# DS may be what could not be loaded; SS never is.
	.p2align 5
stubs:
	.set	number, 0
	.rept	GATES
	movl	$number, %ss:last_vector
	.if	number == 8 || (number >= 10 && number <= 14)
	popl	%ss:last_error
	.else
	movl	$0, %ss:last_error
	.endif
	jmp	*%ss:on_fault
	.p2align 5
	.set	number, number + 1
	.endr

unexpected:
	mov	$unexpected_text, %esi
	call	print
	mov	last_vector, %eax
	call	print_hex
	mov	$end_of_line, %esi
	call	print
	mov	$0x7f, %al
	EXIT

	PRINT_ROUTINES

unexpected_text:
	.asciz	"tasks: unexpected vector "
end_of_line:
	.asciz	"\n"
all_right:
	.asciz	"tasks: everything is as the manual says\n"

	.p2align 2
on_fault:
	.long	unexpected
last_vector:
	.long	0
last_error:
	.long	0
try_stack:
	.long	0
bad_esp:
	.long	0
bad_eip:
	.long	0
trap_eip:
	.long	0
trap_dr6:
	.long	0
paged_saw:
	.long	0
small_eax:
	.long	0
small_flags:
	.long	0
small_fs:
	.word	0
bad_ds:
	.word	0
v86_ds:	.word	0
called_count:
	.byte	0
interrupt_count:
	.byte	0
fault_count:
	.byte	0
gate_count:
	.byte	0
wrong:	.byte	0

# A 32-bit TSS of ring 0: where it begins, on which stack, ECX.
.macro TSS32 entry, stack, ecx=0, stack0=0
	.long	0x5555			# link
	.long	\stack0, FLAT		# ring 0
	.long	0, 0, 0, 0		# rings 1 and 2
	.long	0			# CR3
	.long	\entry, 2		# EIP, EFLAGS
	.long	0, \ecx, 0, 0		# EAX ECX EDX EBX
	.long	\stack, 0, 0, 0	# ESP EBP ESI EDI
	.long	FLAT, CODE32, FLAT, FLAT, FLAT, FLAT	# ES CS SS DS FS GS
	.long	0			# LDT
	.long	0x680000		# T, I/O bitmap: none
.endm

	.p2align 3
tss_main:
	TSS32	0, 0, stack0=main_stack0
tss_called:
	TSS32	called, called_stack, ecx=0x600dc0de
tss_jumped:
	TSS32	jumped, jumped_stack
tss_interrupt:
	TSS32	interrupted, interrupt_stack
tss_fault:
	TSS32	faulted, fault_stack
tss_bad:
	TSS32	bad, bad_stack, stack0=bad_stack0
tss_paged:
	TSS32	paged, 0x5800
tss_v86:
	.long	0, v86_stack0, FLAT, 0, 0, 0, 0, 0
	.long	v86, FLAG_VM + 0x3000 + 2	# IOPL 3
	.long	0, 0, 0, 0, 0x5a00, 0, 0, 0
	.long	0, 0, 0, v86_data, 0, 0, 0, 0x680000
tss_small:
	.word	0
	.word	0, 0, 0, 0, 0, 0
	.word	small, 0x42		# IP, FLAGS: ZF
	.word	0x4321, 0, 0, 0		# AX CX DX BX
	.word	small_stack, 0, 0, 0	# SP BP SI DI
	.word	FLAT, CODE16, STACK16, FLAT, 0	# ES CS SS DS LDT

# All of it lies below 64 KiB.
.macro TSS_DESCRIPTOR tss, limit=0x67, type=0x89
	.word	\limit, \tss, \type << 8, 0
.endm
.macro GATE_DESCRIPTOR type, sel, offset=0, parameters=0
	.word	\offset, \sel, \type << 8 | \parameters, 0
.endm

	.p2align 3
gdt:	.quad	0
	.set	CODE32, . - gdt
	.quad	0x00cf9b000000ffff
	.set	FLAT, . - gdt
	.quad	0x00cf93000000ffff
	.set	CODE16, . - gdt
	.quad	0x00009b000000ffff
	.set	USER_CODE, . - gdt + 3
	.quad	0x00cffb000000ffff
	.set	USER_DATA, . - gdt + 3
	.quad	0x00cff3000000ffff
	.set	STACK16, . - gdt
	.quad	0x000093000000ffff
	.set	CHANGING, . - gdt
	.word	0xfff, first_page, 0x9300, 0x0040
	.set	MAIN, . - gdt
	TSS_DESCRIPTOR	tss_main
	.set	CALLED, . - gdt
	TSS_DESCRIPTOR	tss_called
	.set	JUMPED, . - gdt
	TSS_DESCRIPTOR	tss_jumped
	.set	INTERRUPT, . - gdt
	TSS_DESCRIPTOR	tss_interrupt
	.set	FAULT, . - gdt
	TSS_DESCRIPTOR	tss_fault
	.set	BAD, . - gdt
	TSS_DESCRIPTOR	tss_bad
	.set	PAGED, . - gdt
	TSS_DESCRIPTOR	tss_paged
	.set	V86, . - gdt
	TSS_DESCRIPTOR	tss_v86
	.set	SMALL, . - gdt
	TSS_DESCRIPTOR	tss_small, 0x2b, 0x81
	.set	SHORT, . - gdt
	TSS_DESCRIPTOR	tss_jumped, 0x66
	.set	JUMPED_GATE, . - gdt
	GATE_DESCRIPTOR	0x85, JUMPED
	.set	GATE32, . - gdt
	GATE_DESCRIPTOR	0xec, CODE32, behind_gate32, 2
	.set	GATE16, . - gdt
	GATE_DESCRIPTOR	0xe4, CODE32, behind_gate16, 2
	.set	BEYOND, . - gdt
	END_GDT
