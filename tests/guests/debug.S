# debug: what a guest's own debugger sees in protected mode.
#
# A row is a piece of code with the DR0, DR7, TF and ring it is run with, what its first debug
# exception must look like (EIP, DR6, RF of the image), how many there are, and the vector
# with which the row must end: INT 30h where nothing goes wrong. The handler of #DB sets RF in
# what it returns to, as SDM vol. 3, Instruction-Breakpoint Exception Condition, asks. The guest
# prints the rows that went wrong; its verdict is their number.

	.include "protected.inc"
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	USER_CODE, 0x1b		# with RPL 3
	.set	USER_DATA, 0x23
	.set	TSS, 0x28
	.set	OTHER_TSS, 0x30

	.set	INT_DONE, 0x30		# DPL 3
	.set	GATES, INT_DONE + 1
	.set	TF, 0x100
	.set	RF, 0x10000

	.set	B0, 0x0001
	.set	BD, 0x2000
	.set	BS, 0x4000
	.set	BT, 0x8000
	.set	OFF, 0x400		# DR7
	.set	EXECUTE, 0x402		# what DR0 holds, globally
	.set	WRITE4, 0xd0402
	.set	ACCESS4, 0xf0402
	.set	GD, 0x2400
	.set	LOCALS, 0x501		# L0, LE: of this task alone

	.set	tss, 0x9000
	.set	other_tss, 0x9100
	.set	idt, 0xa000
	.set	cell, 0xb000		# what data breakpoints are set on
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000
	.set	STACK_CELL, 0x5800	# a stack with SS on top

	ENTER_PROTECTED
	mov	$USER_DATA, %ax		# good for both rings
	mov	%ax, %ds
	mov	%ax, %es
	mov	$FLAT, %ax
	mov	%ax, %ss
	mov	$0x7000, %esp
	call	build_idt
	call	build_tss
	mov	$rows, %ebx
next_row:
	mov	$FLAT, %ax
	mov	%ax, %ss
	mov	$0x7000, %esp
	cmp	$rows_end, %ebx
	jae	finish
	xor	%eax, %eax
	mov	%eax, events
	mov	%eax, first_eip
	mov	%eax, first_dr6
	mov	%eax, first_rf
	mov	%eax, %dr6
	mov	4(%ebx), %eax
	mov	%eax, %dr0
	mov	$cell, %edi
	mov	$STACK_CELL, %esi
	movl	$FLAT, (%esi)
	mov	$4, %ecx
	cmpb	$0, 24(%ebx)
	je	1f
	push	$USER_DATA
	push	$user_stack
1:	mov	12(%ebx), %eax
	or	$2, %eax
	push	%eax
	push	$CODE32
	cmpb	$0, 24(%ebx)
	je	1f
	movl	$USER_CODE, (%esp)
1:	push	(%ebx)
	mov	8(%ebx), %eax
	mov	%eax, %dr7
	iret

debug_exception:
	pushal
	incl	events
	cmpl	$1, events
	jne	1f
	mov	%dr6, %eax
	xor	$0xffff0ff0, %eax	# the rest must be as it always is
	mov	%eax, first_dr6
	mov	32(%esp), %eax
	mov	%eax, first_eip
	mov	40(%esp), %eax
	shr	$16, %eax
	and	$1, %eax
	mov	%eax, first_rf
1:	xor	%eax, %eax
	mov	%eax, %dr6
	orl	$RF, 40(%esp)
	popal
	iret

row_is_done:				# EAX: vector
	mov	%eax, vector
	mov	%dr7, %eax
	mov	%eax, last_dr7
	mov	$OFF, %eax
	mov	%eax, %dr7
	mov	vector, %eax
	cmp	%al, 25(%ebx)
	jne	wrong
	mov	events, %eax
	cmp	%al, 26(%ebx)
	jne	wrong
	mov	first_rf, %eax
	cmp	%al, 27(%ebx)
	jne	wrong
	mov	first_eip, %eax
	cmp	%eax, 16(%ebx)
	jne	wrong
	mov	first_dr6, %eax
	cmp	%eax, 20(%ebx)
	jne	wrong
	mov	last_dr7, %eax
	cmp	%eax, 28(%ebx)
	je	right
wrong:
	call	report
right:
	add	$32, %ebx
	jmp	next_row

finish:
	cmpb	$0, wrong_rows
	jne	1f
	mov	$all_right, %esi
	call	print
1:	mov	wrong_rows, %al
	EXIT

report:
	incb	wrong_rows
	mov	$row_text, %esi
	call	print
	mov	%ebx, %eax
	sub	$rows, %eax
	shr	$5, %eax
	call	print_hex
	mov	$values, %edi
1:	mov	$space, %esi
	call	print
	mov	(%edi), %eax
	call	print_hex
	add	$4, %edi
	cmp	$values_end, %edi
	jb	1b
	mov	$end_of_line, %esi
	call	print
	ret

# Gates 0 to 30h to the stubs, in ring 0; only INT_DONE may be called from ring 3.
	.set	STUB_SIZE, 16
build_idt:
	FILL_IDT 0x8e
	OPEN_GATE INT_DONE, 0xee
	movw	$debug_exception, idt + 1 * 8
	ret

# The other task begins at in_other_task with T set in its TSS.
build_tss:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	movl	$kernel_stack, other_tss + 4
	movl	$FLAT, other_tss + 8
	movl	$in_other_task, other_tss + 0x20
	movl	$2, other_tss + 0x24
	movl	$rows_end - 32, other_tss + 0x34	# EBX: the last row
	movl	$0x6c00, other_tss + 0x38
	movl	$USER_DATA, other_tss + 0x48
	movl	$CODE32, other_tss + 0x4c
	movl	$FLAT, other_tss + 0x50
	movl	$USER_DATA, other_tss + 0x54
	movl	$1, other_tss + 0x64
	mov	$TSS, %ax
	ltr	%ax
	ret

	.p2align 4
stubs:
	.set	number, 0
	.rept	GATES
	mov	$number, %eax
	jmp	row_is_done
	.p2align 4
	.set	number, number + 1
	.endr

# Code, DR0, DR7, EFLAGS, ring; the first #DB: EIP, DR6, RF; how many; last vector; DR7 then.
.macro ROW code, dr0, dr7, flags, ring, eip, dr6, rf, count, last=INT_DONE, then=-1
	.long	\code, \dr0, \dr7, \flags, \eip, \dr6
	.byte	\ring, \last, \count, \rf
	.if	\then == -1
	.long	\dr7
	.else
	.long	\then
	.endif
.endm

	.p2align 2
rows:
	ROW	two_nops, 0, OFF, 0, 0,				0, 0, 0, 0
	ROW	two_nops, 0, OFF, TF, 0,			two_nops+1, BS, 0, 2
	ROW	two_nops, 0, OFF, TF, 3,			two_nops+1, BS, 0, 2
	ROW	two_nops, two_nops+1, EXECUTE, 0, 0,		two_nops+1, B0, 0, 1
	ROW	two_nops, two_nops+1, EXECUTE, 0, 3,		two_nops+1, B0, 0, 1
	ROW	two_nops, two_nops, EXECUTE, TF, 0,		two_nops, B0, 0, 3
	ROW	two_nops, two_nops, EXECUTE, RF, 0,		0, 0, 0, 0
	ROW	store, cell, WRITE4, 0, 0,			store+2, B0, 0, 1
	ROW	store, cell, WRITE4, TF, 3,			store+2, B0+BS, 0, 2
	ROW	compare, cell, WRITE4, 0, 0,			0, 0, 0, 0
	ROW	compare, cell, ACCESS4, 0, 0,			compare+3, B0, 0, 1
	ROW	repeat, cell+4, WRITE4, 0, 0,			repeat, B0, 1, 1
	ROW	repeat, cell+12, WRITE4, 0, 0,		repeat+2, B0, 0, 1
	ROW	repeat, 0, OFF, TF, 0,				repeat, BS, 1, 5
	ROW	repeat, repeat, EXECUTE, 0, 0,			repeat, B0, 0, 1
	ROW	load_ss, 0, OFF, TF, 0,				load_ss+2, BS, 0, 3
	ROW	load_ss, load_ss+4, EXECUTE, 0, 0,		0, 0, 0, 0
	ROW	pop_ss, STACK_CELL, ACCESS4, 0, 0,	pop_ss+5, B0, 0, 1
	ROW	mov_ss_and_int, STACK_CELL, ACCESS4, 0, 0, stubs+INT_DONE*16, B0, 0, 1
	ROW	touch_dr0, 0, GD, 0, 0,				touch_dr0, BD, 1, 1, INT_DONE, OFF
	ROW	touch_dr0, 0, OFF, 0, 3,			0, 0, 0, 0, 13
	ROW	icebp, 0, OFF, 0, 0,				icebp+1, 0, 0, 1
	ROW	icebp, 0, OFF, TF, 3,				icebp+1, 0, 0, 2
	ROW	int_1, 0, OFF, 0, 3,				0, 0, 0, 0, 13
	ROW	invalid, 0, OFF, TF, 0,				0, 0, 0, 0, 6
	ROW	invalid, invalid, EXECUTE, 0, 0,		invalid, B0, 0, 1, 6
	ROW	to_other_task, 0, LOCALS, 0, 0,			in_other_task, BT, 0, 1, INT_DONE, OFF
rows_end:

two_nops:
	nop
	nop
	int	$INT_DONE
store:
	mov	%eax, (%edi)
	nop
	int	$INT_DONE
compare:
	cmpl	$0, (%edi)
	int	$INT_DONE
repeat:
	rep stosl
	nop
	int	$INT_DONE
load_ss:				# one trap for two instructions
	mov	%ss, %eax
	mov	%eax, %ss
	nop
	nop
	int	$INT_DONE
pop_ss:					# ESI: a stack with SS on top
	xchg	%esi, %esp
	pop	%ss
	mov	%esi, %esp
	nop
	int	$INT_DONE
mov_ss_and_int:
	mov	(%esi), %ss
	int	$INT_DONE
touch_dr0:
	mov	%dr0, %eax
	int	$INT_DONE
icebp:
	.byte	0xf1
	nop
	int	$INT_DONE
int_1:
	int	$1
	int	$INT_DONE
invalid:
	ud2
to_other_task:
	ljmp	$OTHER_TSS, $0
in_other_task:
	nop
	int	$INT_DONE

	PRINT_ROUTINES

row_text:
	.asciz	"row "
space:
	.asciz	" "
end_of_line:
	.asciz	" (events, EIP, DR6, RF, vector, DR7)\n"
all_right:
	.asciz	"debug: every row is as the manual says\n"

	.p2align 2
values:
events:	.long	0
first_eip:
	.long	0
first_dr6:
	.long	0
first_rf:
	.long	0
vector:	.long	0
last_dr7:
	.long	0
values_end:
wrong_rows:
	.byte	0

	.p2align 3
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	# 08: code
	.quad	0x00cf93000000ffff	# 10: data
	.quad	0x00cffb000000ffff	# 18: code, DPL 3
	.quad	0x00cff3000000ffff	# 20: data, DPL 3
	.quad	0x0000890090000067	# 28: TSS at 9000h
	.quad	0x0000890091000067	# 30: TSS at 9100h
	END_GDT
