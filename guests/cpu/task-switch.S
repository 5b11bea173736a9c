# task-switch: what a hardware task switch saves, and what it loads anew.
#
# The main task holds FS from a descriptor that it has changed since, and calls another task. The
# switch saves six selectors and no cache; IRET goes back by the link, and every segment is loaded
# from the tables as they are by then: FS comes back with another base. A switch normalises what
# no other event does. The second call finds a TSS whose DS cannot be loaded: the fault belongs to the
# new task, and its handler runs there. Then ring 3 calls ring 0 through a gate with two parameters.

	.include "cpu/cpu.inc"

	.set	FLAG_NT, 0x4000
	.set	OTHER, 0x30
	.set	CHANGING, 0x38
	.set	BROKEN, 0x40
	.set	CALL_GATE, 0x48
	.set	BEYOND, 0x50

	.set	main_stack0, 0x6800
	.set	other_stack, 0x6400
	.set	user_stack, 0x6000

	ENTER_PROTECTED protected
protected:
	mov	$TSS, %ax
	ltr	%ax
	mov	$CHANGING, %ax
	mov	%ax, %fs
	movb	$0x40, changing + 3		# base 3000h becomes 4000h
	movl	$1, 0x3000
	movl	$2, 0x4000
	mov	%fs:0, %ebx
	SHOW	"main:   [fs:0] is ", %ebx
	SAY	"\n"

	.globl	call_other, back, call_broken, in_broken, at_gate, leave_gate
call_other:
	lcall	$OTHER, $0
back:
	mov	%fs:0, %ebx
	SHOW	"main:   [fs:0] is ", %ebx
	mov	%cr0, %ebx
	SHOW	", cr0 ", %ebx
	SAY	"\n"
	clts

call_broken:
	lcall	$BROKEN, $0

	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$in_ring_3
	iret
in_ring_3:
	push	$0x22222222
	push	$0x11111111
	lcall	$CALL_GATE + 3, $0
	int	$0x30

other:
	movzwl	tss_other, %ebx
	SHOW	"other:  link ", %ebx
	xor	%ebx, %ebx
	str	%bx
	SHOW	", tr ", %ebx
	pushf
	pop	%ebx
	SHOW	", eflags ", %ebx
	movzbl	main_descriptor + 5, %ebx
	SHOW	", main is ", %ebx
	SAY	"\n"
	iret
	jmp	other

# Of the task that could not load DS: its first fault, #TS.
in_broken:
	mov	%ds, %ebx
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, %ebp
	SHOW	"broken: #TS, error code ", (%ebp)
	SHOW	", ds ", %ebx
	xor	%ebx, %ebx
	str	%bx
	SHOW	", tr ", %ebx
	SHOW	", eip ", 4(%ebp)
	SAY	"\n"
	pushf
	orl	$FLAG_NT, (%esp)
	popf
	iret					# not by this frame: by the link

at_gate:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%esp, %ebp
	SHOW	"gate:   esp ", %ebp
	SHOW	", cs ", 4(%ebp)
	SHOW	", parameters ", 8(%ebp)
	SHOW	" ", 12(%ebp)
	SHOW	", esp ", 16(%ebp)
	SHOW	", ss ", 20(%ebp)
	SAY	"\n"
leave_gate:
	lret	$8

at_end:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	12(%esp), %ebx
	SHOW	"main:   ring 3 had esp ", %ebx
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

.macro TSS32 entry, stack, data=FLAT
	.long	0
	.long	main_stack0, FLAT, 0, 0, 0, 0	# of rings 0 to 2
	.long	0				# CR3
	.long	\entry, 2			# EIP, EFLAGS
	.long	0, 0, 0, 0			# EAX ECX EDX EBX
	.long	\stack, 0, 0, 0			# ESP EBP ESI EDI
	.long	FLAT, CODE32, FLAT, \data, 0, 0	# ES CS SS DS FS GS
	.long	0				# LDT
	.long	0x680000			# T, I/O bitmap: none
.endm

	.p2align 2
tss_main:
	TSS32	0, 0
tss_other:
	TSS32	other, other_stack
tss_broken:
	TSS32	other, other_stack, data=BEYOND

	BEGIN_GDT tss_main
	.set	main_descriptor, gdt + TSS
	DESCRIPTOR tss_other, 0x67, 0x0089	# 30
changing:
	DESCRIPTOR 0x3000, 0xfff, 0x4093	# 38
	DESCRIPTOR tss_broken, 0x67, 0x0089	# 40
	GATE	at_gate, 0xec02			# 48: a call gate, DPL 3, two parameters
	END_GDT

	.p2align 3
idt:	.fill	10, 8, 0
	GATE	in_broken, 0x8e00		# 10: #TS
	.fill	0x30 - 11, 8, 0
	GATE	at_end, 0xee00			# 30
idtr:	.word	. - idt - 1
	.long	idt
