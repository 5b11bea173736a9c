# rings: what ring 3 may not do, and how the CPU gets there and back.
#
# A row is an attempt in ring 3, how it is entered (IRET or RETF), and the vector and error code
# with which it must come back to ring 0, on the stack that the TSS names. An attempt to which
# nothing happens ends with INT 30h. ES is user data and DS kernel data when ring 3 is
# entered: the way out must empty DS and leave ES alone. Expectations are from SDM vol. 3,
# Protection. The guest prints the rows that went wrong; its verdict is their number.

	.include "protected.inc"
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	USER_CODE, 0x1b		# with RPL 3
	.set	USER_DATA, 0x23
	.set	TSS, 0x28
	.set	CONFORMING, 0x30
	.set	USER_SMALL, 0x3b

	.set	BY_IRET, 0
	.set	BY_RETF, 1

	.set	INT_BACK, 0x30		# DPL 3
	.set	INT_KERNEL, 0x31	# DPL 0
	.set	FLAG_IF, 0x200

	.set	tss, 0x9000
	.set	idt, 0xa000
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000

	ENTER_PROTECTED
	FLAT_SEGMENTS 0x7000
	call	build_idt
	call	build_tss
	mov	$rows, %ebx
next_row:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7000, %esp
	mov	$USER_DATA, %ax
	mov	%ax, %es
	cmp	$rows_end, %ebx
	jae	finish
	push	$USER_DATA
	push	$user_stack
	cmpb	$BY_RETF, 5(%ebx)
	je	1f
	push	$2			# FLAGS: IF clear, IOPL 0
	push	$USER_CODE
	push	(%ebx)
	iret
1:	push	$USER_CODE
	push	(%ebx)
	lret

came_back:				# EAX: vector; the frame is on the stack, an error code below
	mov	$FLAT, %dx
	mov	%dx, %ds
	mov	%dx, %es
	mov	%eax, vector
	movl	$0, error_code
	test	$1, %cl
	jz	1f
	pop	error_code
1:	movl	$0, frame_is_wrong
	cmp	$kernel_stack - 20, %esp
	jne	bad_frame
	cmpl	$USER_DATA, 16(%esp)	# SS
	jne	bad_frame
	mov	4(%esp), %eax		# CS
	and	$3, %eax
	cmp	$3, %eax
	je	judge
bad_frame:
	incl	frame_is_wrong
judge:
	movzbl	4(%ebx), %eax
	cmp	%eax, vector
	jne	wrong
	movzwl	6(%ebx), %eax
	cmp	%eax, error_code
	jne	wrong
	cmpl	$0, frame_is_wrong
	je	right
wrong:
	call	report
right:
	add	$8, %ebx
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
	shr	$3, %eax
	call	print_hex
	mov	$vector_text, %esi
	call	print
	mov	vector, %eax
	call	print_hex
	mov	$error_text, %esi
	call	print
	mov	error_code, %eax
	call	print_hex
	mov	$frame_text, %esi
	call	print
	mov	frame_is_wrong, %eax
	call	print_hex
	mov	$end_of_line, %esi
	call	print
	ret

# Gates 0 to 31h to the stubs, in ring 0; only INT_BACK may be called from ring 3.
	.set	STUB_SIZE, 16
	.set	GATES, INT_KERNEL + 1
build_idt:
	FILL_IDT 0x8e
	OPEN_GATE INT_BACK, 0xee
	ret

# The I/O bitmap has ports 0 to FFh and the byte that must follow; all may be used but 92h.
	.set	bitmap, tss + 0x68
build_tss:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	movl	$(bitmap - tss) << 16, tss + 0x64
	movb	$1 << (0x92 & 7), bitmap + 0x92 / 8
	movb	$0xff, bitmap + 0x100 / 8
	mov	$TSS, %ax
	ltr	%ax
	ret

	.p2align 4
stubs:
	.set	number, 0
	.rept	GATES
	mov	$number, %eax
	.if	number == 8 || (number >= 10 && number <= 14)
	mov	$1, %cl
	.else
	mov	$0, %cl
	.endif
	jmp	came_back
	.p2align 4
	.set	number, number + 1
	.endr

# A row of the table: attempt, way in, vector, error code.
.macro ROW attempt, way, number, error=0
	.long	\attempt
	.byte	\number, \way
	.word	\error
.endm

	.p2align 2
rows:
	ROW	nothing, BY_IRET, INT_BACK
	ROW	nothing, BY_RETF, INT_BACK
	ROW	kernel_data, BY_IRET, 13
	ROW	kernel_data, BY_RETF, 13
	ROW	user_data, BY_IRET, INT_BACK
	ROW	user_data, BY_RETF, INT_BACK
	ROW	disable_interrupts, BY_IRET, 13
	ROW	enable_interrupts, BY_IRET, 13
	ROW	halt, BY_IRET, 13
	ROW	read_forbidden_port, BY_IRET, 13
	ROW	read_allowed_port, BY_IRET, INT_BACK
	ROW	read_half_allowed_port, BY_IRET, 13
	ROW	write_port_past_bitmap, BY_IRET, 13
	ROW	write_cr0, BY_IRET, 13
	ROW	clear_task_switched, BY_IRET, 13
	ROW	load_gdtr, BY_IRET, 13
	ROW	read_msw, BY_IRET, INT_BACK
	ROW	pop_if, BY_IRET, INT_BACK
	ROW	load_kernel_data, BY_IRET, 13, FLAT
	ROW	load_kernel_data_rpl_3, BY_IRET, 13, FLAT
	ROW	load_kernel_stack, BY_IRET, 13, FLAT
	ROW	load_null_stack, BY_IRET, 13
	ROW	jump_to_kernel, BY_IRET, 13, CODE32
	ROW	jump_to_conforming, BY_IRET, INT_BACK
	ROW	call_kernel_gate, BY_IRET, 13, INT_KERNEL*8+2
	ROW	return_inwards, BY_IRET, 13, CODE32
	ROW	kernel_is_invisible, BY_IRET, INT_BACK
	ROW	user_is_visible, BY_IRET, INT_BACK
	ROW	adjust_rpl, BY_IRET, INT_BACK
	ROW	past_user_limit, BY_IRET, 13
	ROW	invalid_opcode, BY_IRET, 6
rows_end:

nothing:
	int	$INT_BACK
kernel_data:				# DS was emptied on the way out
	mov	0x6100, %al
	int	$INT_BACK
user_data:				# ES was not
	mov	%es:0x6100, %al
	int	$INT_BACK
disable_interrupts:
	cli
	int	$INT_BACK
enable_interrupts:
	sti
	int	$INT_BACK
halt:
	hlt
	int	$INT_BACK
read_forbidden_port:
	in	$0x92, %al
	int	$INT_BACK
read_allowed_port:
	in	$0x90, %ax
	int	$INT_BACK
read_half_allowed_port:			# 91h and 92h
	in	$0x91, %ax
	int	$INT_BACK
write_port_past_bitmap:
	mov	$0x100, %dx
	out	%al, %dx
	int	$INT_BACK
write_cr0:
	mov	%eax, %cr0
	int	$INT_BACK
clear_task_switched:
	clts
	int	$INT_BACK
load_gdtr:
	lgdtl	%es:gdtr
	int	$INT_BACK
read_msw:
	smsw	%ax
	test	$CR0_PE, %al
	jz	not_as_expected
	int	$INT_BACK
pop_if:					# silently without effect
	push	$FLAG_IF
	popf
	pushf
	pop	%eax
	test	$FLAG_IF, %eax
	jnz	not_as_expected
	int	$INT_BACK
load_kernel_data:
	mov	$FLAT, %ax
	mov	%ax, %ds
	int	$INT_BACK
load_kernel_data_rpl_3:
	mov	$FLAT + 3, %ax
	mov	%ax, %ds
	int	$INT_BACK
load_kernel_stack:
	mov	$FLAT, %ax
	mov	%ax, %ss
	int	$INT_BACK
load_null_stack:
	xor	%eax, %eax
	mov	%ax, %ss
	int	$INT_BACK
jump_to_kernel:
	ljmp	$CODE32, $nothing
jump_to_conforming:			# at the privilege of the caller
	ljmp	$CONFORMING, $1f
1:	mov	%cs, %ax
	cmp	$CONFORMING + 3, %ax
	jne	not_as_expected
	int	$INT_BACK
call_kernel_gate:
	int	$INT_KERNEL
	int	$INT_BACK
return_inwards:
	push	$CODE32
	push	$nothing
	lret
kernel_is_invisible:
	mov	$FLAT, %ax
	lar	%ax, %edx
	jz	not_as_expected
	lsl	%ax, %edx
	jz	not_as_expected
	verr	%ax
	jz	not_as_expected
	int	$INT_BACK
user_is_visible:
	mov	$USER_SMALL, %ax
	lar	%ax, %edx
	jnz	not_as_expected
	and	$0x00f0ff00, %edx
	cmp	$0x0040f300, %edx
	jne	not_as_expected
	lsl	%ax, %edx
	jnz	not_as_expected
	cmp	$0xfff, %edx
	jne	not_as_expected
	verw	%ax
	jnz	not_as_expected
	int	$INT_BACK
adjust_rpl:
	mov	$FLAT, %ax
	mov	$USER_CODE, %cx
	arpl	%cx, %ax
	jnz	not_as_expected
	cmp	$FLAT + 3, %ax
	jne	not_as_expected
	arpl	%cx, %ax
	jz	not_as_expected
	int	$INT_BACK
past_user_limit:
	mov	$USER_SMALL, %ax
	mov	%ax, %ds
	mov	0x1000, %al
	int	$INT_BACK
invalid_opcode:
	ud2
not_as_expected:			# #GP(1Ah), which no row has
	int3

	PRINT_ROUTINES

row_text:
	.asciz	"row "
vector_text:
	.asciz	": vector "
error_text:
	.asciz	" error code "
frame_text:
	.asciz	" frame is wrong "
end_of_line:
	.asciz	"\n"
all_right:
	.asciz	"rings: every row is as the manual says\n"

	.p2align 2
vector:	.long	0
error_code:
	.long	0
frame_is_wrong:
	.long	0
wrong_rows:
	.byte	0

	.p2align 3
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	# 08: code
	.quad	0x00cf93000000ffff	# 10: data
	.quad	0x00cffb000000ffff	# 18: code, DPL 3
	.quad	0x00cff3000000ffff	# 20: data, DPL 3
	.quad	0x0000890090000088	# 28: TSS at 9000h, limit 88h
	.quad	0x00cf9f000000ffff	# 30: conforming code
	.quad	0x0040f30000000fff	# 38: data, DPL 3, limit FFFh
	END_GDT
