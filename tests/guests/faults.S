# faults: protected-mode accesses and loads that must fault, and neighbours that must not.
#
# A row is an attempt, the vector that it must raise and the error code that must be on the stack.
# An attempt is called; a fault in it lands in the handler, which throws its frame away and returns
# in its place. What every row expects is from SDM vol. 3, Protection, and Exception and
# Interrupt Reference. The guest prints the rows that went wrong; its verdict is their number.

	.include "guest.inc"
	.set	NO_FAULT, 0xff
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	SMALL, 0x18		# data, 4 KiB
	.set	READ_ONLY, 0x20
	.set	EXECUTE_ONLY, 0x28
	.set	ABSENT_DATA, 0x30
	.set	ABSENT_CODE, 0x38
	.set	DOWN, 0x40		# expand-down, offsets from 1000h up
	.set	DOWN_64K, 0x48		# the same with B=0: up to FFFFh
	.set	SMALL_STACK, 0x50	# stack, 4 KiB
	.set	USER_DATA, 0x58		# DPL 3
	.set	PAST_THE_END, 0x60

	.set	INT_ABSENT, 0x20	# a gate that is not present
	.set	INT_NO_GATE, 0x21	# past the limit of the IDT

	.code16
	.globl	_start
_start:
	cli
	cld
	lgdtl	gdtr
	lidtl	idtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$CODE32, $protected

	.code32
protected:
	call	normal_segments
	mov	$0x7000, %esp
	call	build_idt
	mov	$rows, %ebx
next_row:
	cmp	$rows_end, %ebx
	jae	finish
	movb	$NO_FAULT, vector
	movl	$0, error_code
	mov	%esp, resume_esp
	call	*(%ebx)
resumed:				# with or without a fault
	call	normal_segments
	mov	resume_esp, %esp
	movzbl	4(%ebx), %eax
	cmp	%al, vector
	jne	wrong
	movzwl	6(%ebx), %eax
	cmp	%eax, error_code
	je	right
wrong:
	incb	wrong_rows
	mov	$row_text, %esi
	call	print
	mov	%ebx, %eax
	sub	$rows, %eax
	shr	$3, %eax
	call	print_hex
	mov	$vector_text, %esi
	call	print
	movzbl	vector, %eax
	call	print_hex
	mov	$error_text, %esi
	call	print
	mov	error_code, %eax
	call	print_hex
	mov	$end_of_line, %esi
	call	print
right:
	add	$8, %ebx
	jmp	next_row

finish:
	cmpb	$0, wrong_rows
	jnz	1f
	mov	$all_right, %esi
	call	print
1:	mov	wrong_rows, %al
	EXIT

normal_segments:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%ax, %fs
	mov	%ax, %gs
	ret

# Interrupt gates 0 to 1Fh to the stubs, which are STUB_SIZE apart, and one that is not present.
	.set	STUB_SIZE, 16
build_idt:
	mov	$idt, %edi
	mov	$stubs, %eax
	mov	$32, %ecx
1:	mov	%ax, (%edi)
	movw	$CODE32, 2(%edi)
	movw	$0x8e00, 4(%edi)
	mov	%eax, %edx
	shr	$16, %edx
	mov	%dx, 6(%edi)
	add	$8, %edi
	add	$STUB_SIZE, %eax
	loop	1b
	movl	$CODE32 << 16, (%edi)
	movl	$0x0e00, 4(%edi)
	ret

# A fault may come with any stack and any data segments, so the handler loads DS before it
# stores what it was given.
	.p2align 4
stubs:
	.set	number, 0
	.rept	32
	push	$number
	.if	number == 8 || (number >= 10 && number <= 14)
	jmp	fault_with_error_code
	.else
	jmp	fault_without_error_code
	.endif
	.p2align 4
	.set	number, number + 1
	.endr

fault_without_error_code:
	pop	%eax
	xor	%edx, %edx
	jmp	fault
fault_with_error_code:
	pop	%eax
	pop	%edx
fault:					# EAX: vector, EDX: error code
	mov	$FLAT, %cx
	mov	%cx, %ds
	mov	%al, vector
	mov	%edx, error_code
	jmp	resumed

# A row of the table: attempt, vector, error code.
.macro ROW attempt, number, error=0
	.long	\attempt
	.byte	\number, 0
	.word	\error
.endm

	.p2align 2
rows:
	ROW	write_last_byte, NO_FAULT
	ROW	write_past_limit, 13
	ROW	write_across_limit, 13
	ROW	read_across_limit, 13
	ROW	write_read_only, 13
	ROW	read_read_only, NO_FAULT
	ROW	read_execute_only, 13
	ROW	write_code, 13
	ROW	read_through_null, 13
	ROW	load_null, NO_FAULT
	ROW	load_null_ss, 13
	ROW	load_absent, 11, ABSENT_DATA
	ROW	load_absent_ss, 12, ABSENT_DATA
	ROW	load_past_table, 13, PAST_THE_END
	ROW	load_execute_only, 13, EXECUTE_ONLY
	ROW	load_read_only_ss, 13, READ_ONLY
	ROW	load_user_ss, 13, USER_DATA
	ROW	load_rpl_3, 13, FLAT
	ROW	load_user_data, NO_FAULT
	ROW	load_from_no_ldt, 13, 0x14
	ROW	down_below, 13
	ROW	down_at_bound, NO_FAULT
	ROW	down_64k_top, NO_FAULT
	ROW	down_64k_past_top, 13
	ROW	stack_across_limit, 12
	ROW	stack_past_limit, 12
	ROW	jump_to_data, 13, FLAT
	ROW	jump_to_null, 13
	ROW	jump_to_absent, 11, ABSENT_CODE
	ROW	jump_past_limit, 13
	ROW	int_absent_gate, 11, INT_ABSENT*8+2
	ROW	int_past_idt, 13, INT_NO_GATE*8+2
	ROW	lldt_of_data, 13, FLAT
	ROW	ltr_of_null, 13
	ROW	invalid_opcode, 6
	ROW	lock_register, 6
	ROW	divide, 0
	ROW	divide_overflow, 0
	ROW	bound_outside, 5
	ROW	breakpoint, 3
	ROW	overflow, 4
rows_end:

write_last_byte:
	mov	$SMALL, %ax
	mov	%ax, %es
	movb	$1, %es:0xfff
	ret
write_past_limit:
	mov	$SMALL, %ax
	mov	%ax, %es
	movb	$1, %es:0x1000
	ret
write_across_limit:
	mov	$SMALL, %ax
	mov	%ax, %es
	movl	$1, %es:0xffd
	ret
read_across_limit:
	mov	$SMALL, %ax
	mov	%ax, %es
	mov	%es:0xfff, %ax
	ret
write_read_only:
	mov	$READ_ONLY, %ax
	mov	%ax, %es
	movb	$1, %es:0x6000
	ret
read_read_only:
	mov	$READ_ONLY, %ax
	mov	%ax, %es
	mov	%es:0x6000, %al
	ret
read_execute_only:
	ljmp	$EXECUTE_ONLY, $1f
1:	mov	%cs:0x6000, %al
	ret
write_code:
	movb	$1, %cs:0x6000
	ret
read_through_null:
	xor	%eax, %eax
	mov	%ax, %es
	mov	%es:0x6000, %al
	ret
load_null:
	mov	$3, %ax			# null with any RPL
	mov	%ax, %es
	ret
load_null_ss:
	xor	%eax, %eax
	mov	%ax, %ss
	ret
load_absent:
	mov	$ABSENT_DATA, %ax
	mov	%ax, %es
	ret
load_absent_ss:
	mov	$ABSENT_DATA, %ax
	mov	%ax, %ss
	ret
load_past_table:
	mov	$PAST_THE_END + 3, %ax	# the error code has no RPL
	mov	%ax, %es
	ret
load_execute_only:
	mov	$EXECUTE_ONLY, %ax
	mov	%ax, %es
	ret
load_read_only_ss:
	mov	$READ_ONLY, %ax
	mov	%ax, %ss
	ret
load_user_ss:
	mov	$USER_DATA, %ax
	mov	%ax, %ss
	ret
load_rpl_3:
	mov	$FLAT + 3, %ax		# DPL 0
	mov	%ax, %es
	ret
load_user_data:
	mov	$USER_DATA + 3, %ax
	mov	%ax, %es
	mov	%es:0x6000, %al
	ret
load_from_no_ldt:
	xor	%eax, %eax		# reset leaves a usable LDTR, with the base 0
	lldt	%ax
	mov	$0x14, %ax		# TI set
	mov	%ax, %es
	ret
down_below:
	mov	$DOWN, %ax
	mov	%ax, %es
	mov	%es:0xfff, %al
	ret
down_at_bound:
	mov	$DOWN, %ax
	mov	%ax, %es
	mov	%es:0x1000, %al
	ret
down_64k_top:
	mov	$DOWN_64K, %ax
	mov	%ax, %es
	mov	%es:0xffff, %al
	ret
down_64k_past_top:
	mov	$DOWN_64K, %ax
	mov	%ax, %es
	mov	%es:0xffff, %ax
	ret
# The fault is taken on this very stack, so ESP stays where it has room.
stack_across_limit:
	call	small_stack
	mov	%ss:0xffd, %eax
	jmp	flat_stack
stack_past_limit:
	call	small_stack
	mov	$0x2000, %ebp
	mov	(%ebp), %al
	jmp	flat_stack
small_stack:				# returns with SS:ESP at its top
	pop	%edx
	mov	%esp, %ecx
	mov	$SMALL_STACK, %ax
	mov	%ax, %ss
	mov	$0x1000, %esp
	jmp	*%edx
flat_stack:				# back on the normal one, and out
	mov	$FLAT, %ax
	mov	%ax, %ss
	mov	%ecx, %esp
	ret
jump_to_data:
	ljmp	$FLAT, $0
jump_to_null:
	ljmp	$0, $0
jump_to_absent:
	ljmp	$ABSENT_CODE, $0
jump_past_limit:
	ljmp	$CODE32, $0x100000	# CS ends at FFFFFh
int_absent_gate:
	int	$INT_ABSENT
	ret
int_past_idt:
	int	$INT_NO_GATE
	ret
lldt_of_data:
	mov	$FLAT, %ax
	lldt	%ax
	ret
ltr_of_null:
	xor	%eax, %eax
	ltr	%ax
	ret
invalid_opcode:
	ud2
lock_register:
	.byte	0xf0, 0x01, 0xc0	# lock add %eax,%eax
	ret
divide:
	xor	%ecx, %ecx
	div	%ecx
	ret
divide_overflow:
	mov	$1, %edx
	mov	$1, %ecx
	div	%ecx
	ret
bound_outside:
	mov	$11, %eax
	bound	%eax, bounds
	ret
breakpoint:
	int3
	ret
overflow:
	mov	$0x7f, %al
	add	$1, %al
	into
	ret

	PRINT_ROUTINES

row_text:
	.asciz	"row "
vector_text:
	.asciz	": vector "
error_text:
	.asciz	" error code "
end_of_line:
	.asciz	"\n"
all_right:
	.asciz	"faults: every row is as the manual says\n"

	.p2align 2
bounds:	.long	0, 10
resume_esp:
	.long	0
error_code:
	.long	0
vector:	.byte	0
wrong_rows:
	.byte	0

	.p2align 3
gdt:	.quad	0
	.quad	0x004f9b000000ffff	# 08: code, limit FFFFFh
	.quad	0x00cf93000000ffff	# 10: data, 4 GiB
	.quad	0x0040930000000fff	# 18: data, limit FFFh
	.quad	0x00cf91000000ffff	# 20: data, read-only
	.quad	0x00cf99000000ffff	# 28: code, execute-only
	.quad	0x00cf13000000ffff	# 30: data, not present
	.quad	0x00cf1b000000ffff	# 38: code, not present
	.quad	0x0040970000000fff	# 40: expand-down, B=1, limit FFFh
	.quad	0x0000970000000fff	# 48: expand-down, B=0, limit FFFh
	.quad	0x0040930000000fff	# 50: data, limit FFFh
	.quad	0x00cff3000000ffff	# 58: data, DPL 3
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
idtr:	.word	(INT_ABSENT + 1) * 8 - 1
	.long	idt

	.set	idt, 0x8000 + 0x1000
