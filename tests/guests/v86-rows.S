# v86-rows: a small monitor in ring 0, and 8086 programs under it.
#
# First single attempts, each entered by IRETD with flags, CR4 and a redirection bitmap of its
# own: a row says with which vector and error code it must come back. An attempt to which nothing
# happens ends with INT3, which asks for no IOPL. The data registers must have become null on the
# way out, and the frame must hold what they were.
#
# Then a program with IOPL 0 and without VME that believes in its interrupt flag: the monitor
# emulates what raises #GP and reflects INT n through the vector table at 0, as 8086 monitors do.
#
# Expectations are from SDM vol. 3, 8086 Emulation. The guest prints the rows that went wrong; its
# verdict is their number.

	.include "protected.inc"
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	TSS, 0x18

	.set	FLAG_TF, 0x100
	.set	FLAG_IF, 0x200
	.set	IOPL3, 0x3000
	.set	FLAG_VM, 0x20000
	.set	FLAG_VIF, 0x80000
	.set	FLAG_VIP, 0x100000
	.set	VME, 1				# in CR4

	.set	INT_OPEN, 0x30			# DPL 3; all its vectors are
	.set	INT_MONITOR, 0x31		# DPL 0
	.set	INT_OWN, 0x20			# of the programs
	.set	INT_DOS, 0x21

	.set	tss, 0x9000
	.set	redirection, tss + 0x68		# 32 bytes
	.set	bitmap, redirection + 32	# ports 0 to FFh, and the byte that must follow
	.set	idt, 0xa000
	.set	monitor_stack, 0x6800
	.set	program_stack, 0x5ff0

	.set	VES, 0x0111			# what the data registers of a program hold
	.set	VDS, 0x0000
	.set	VFS, 0x0333
	.set	VGS, 0xffff

	ENTER_PROTECTED
	FLAT_SEGMENTS 0x7000
	call	build_idt
	call	build_tss
	movl	$own_handler, INT_OWN * 4	# the vector table of the programs
	movl	$dos_handler, INT_DOS * 4
	mov	$rows, %ebx
next_row:
	mov	$0x7000, %esp
	cmp	$rows_end, %ebx
	jae	run_program
	movzbl	12(%ebx), %eax
	cmp	%eax, cr4_now
	je	1f
	mov	%eax, %cr4
	mov	%eax, cr4_now
1:	mov	13(%ebx), %al			# the whole redirection bitmap is of one kind
	mov	$redirection, %edi
	mov	$32, %ecx
	rep stosb
	mov	%ebx, row			# the program has its own EBX
	mov	4(%ebx), %ecx			# flags
	mov	(%ebx), %edx
	jmp	enter

# To the 8086 program at 0:DX, with flags ECX.
enter:
	push	$VGS
	push	$VFS
	push	$VDS
	push	$VES
	push	$0
	push	$program_stack
	or	$FLAG_VM, %ecx
	push	%ecx
	push	$0
	push	%edx
	iret

# From a stub; EAX is the vector, CL says whether there is an error code. On the stack are the
# program's ECX and EAX, then the frame.
came_back:
	add	$8, %esp
	mov	$FLAT, %dx
	mov	%ds, %si			# before it is touched
	mov	%dx, %ds
	mov	%si, left_ds
	mov	%es, left_es
	mov	%fs, left_fs
	mov	%gs, left_gs
	mov	%dx, %es
	mov	row, %ebx
	mov	%eax, vector
	movl	$0, error_code
	test	$1, %cl
	jz	1f
	pop	error_code
1:	movl	$0, frame_is_wrong
	cmp	$monitor_stack - 36, %esp
	jne	bad_frame
	testl	$FLAG_VM, 8(%esp)
	jz	bad_frame
	cmpw	$0, 16(%esp)			# SS
	jne	bad_frame
	cmpl	$VES, 20(%esp)
	jne	bad_frame
	cmpl	$VFS, 28(%esp)
	jne	bad_frame
	cmpl	$VGS, 32(%esp)
	jne	bad_frame
	mov	left_ds, %eax			# and ES
	or	left_fs, %eax			# and GS
	jz	judge
bad_frame:
	incl	frame_is_wrong
judge:
	movzbl	8(%ebx), %eax
	cmp	%eax, vector
	jne	wrong
	movzwl	10(%ebx), %eax
	cmp	%eax, error_code
	jne	wrong
	cmpl	$0, frame_is_wrong
	je	right
wrong:
	call	report
right:
	add	$16, %ebx
	jmp	next_row

report:
	incb	wrong_rows
	mov	$row_text, %esi
	call	print
	mov	%ebx, %eax
	sub	$rows, %eax
	shr	$4, %eax
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

# Gates 0 to 31h to the stubs, in ring 0, callable from the programs but for the last.
	.set	STUB_SIZE, 16
	.set	GATES, INT_MONITOR + 1
build_idt:
	FILL_IDT 0xee
	OPEN_GATE INT_MONITOR, 0x8e
	ret

build_tss:
	movl	$monitor_stack, tss + 4
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
	push	%eax
	push	%ecx
	mov	$number, %eax
	.if	number == 8 || (number >= 10 && number <= 14)
	mov	$1, %cl
	.else
	mov	$0, %cl
	.endif
	jmp	*%cs:way_back
	.p2align 4
	.set	number, number + 1
	.endr

# --- the monitor of the long program ---------------------------------------------------

run_program:
	xor	%eax, %eax
	mov	%eax, %cr4
	movl	$emulate, way_back
	movl	$0, virtual_if
	mov	$program, %edx
	xor	%ecx, %ecx
	jmp	enter

# Behind the five registers of the program that are used here, and the error code.
	.set	V_IP, 24
	.set	V_CS, 28
	.set	V_FLAGS, 32
	.set	V_SP, 36
emulate:
	push	%edx
	push	%ebx
	push	%edi
	mov	$FLAT, %dx
	mov	%dx, %ds
	cmp	$13, %eax
	jne	program_failed
	mov	V_IP(%esp), %ebx
	mov	V_SP(%esp), %edi
	movzbl	(%ebx), %eax
	incl	V_IP(%esp)			# but for INT n all are one byte long
	cmp	$0xfa, %al
	je	emulate_cli
	cmp	$0xfb, %al
	je	emulate_sti
	cmp	$0x9c, %al
	je	emulate_pushf
	cmp	$0x9d, %al
	je	emulate_popf
	cmp	$0xcd, %al
	je	emulate_int
	cmp	$0xcf, %al
	je	emulate_iret
	cmp	$0xf4, %al
	je	program_done
	jmp	program_failed
emulate_cli:
	movl	$0, virtual_if
	jmp	resume
emulate_sti:
	movl	$FLAG_IF, virtual_if
	jmp	resume
emulate_pushf:
	call	push_flags
	jmp	store_sp
emulate_popf:
	call	pop_flags
	jmp	store_sp
emulate_int:
	incl	V_IP(%esp)
	movzbl	1(%ebx), %ecx
	call	push_flags
	sub	$4, %edi
	mov	V_IP(%esp), %ax
	mov	%ax, (%edi)
	mov	V_CS(%esp), %ax		# CS
	mov	%ax, 2(%edi)
	movl	$0, virtual_if
	movzwl	(,%ecx,4), %eax
	mov	%eax, V_IP(%esp)
	movzwl	2(,%ecx,4), %eax
	mov	%eax, V_CS(%esp)
	incl	reflected
	jmp	store_sp
emulate_iret:
	movzwl	(%edi), %eax
	mov	%eax, V_IP(%esp)
	movzwl	2(%edi), %eax
	mov	%eax, V_CS(%esp)
	add	$4, %edi
	call	pop_flags
store_sp:
	mov	%edi, V_SP(%esp)
resume:
	incl	emulated
	pop	%edi
	pop	%ebx
	pop	%edx
	pop	%ecx
	pop	%eax
	add	$4, %esp
	iret

# On the program's stack at EDI; called with its frame 4 bytes further up.
push_flags:
	sub	$2, %edi
	mov	V_FLAGS + 4(%esp), %eax
	and	$0x0dff, %eax
	or	$IOPL3, %eax
	or	virtual_if, %eax
	mov	%ax, (%edi)
	ret
pop_flags:
	movzwl	(%edi), %eax
	add	$2, %edi
	mov	%eax, virtual_if
	andl	$FLAG_IF, virtual_if
	and	$0x0cff, %eax
	andl	$~0x0cff, V_FLAGS + 4(%esp)
	or	%eax, V_FLAGS + 4(%esp)
	ret

program_done:
	cmpl	$2, reflected
	jne	program_failed
	cmpl	$11, emulated			# all but the HLT
	je	finish
program_failed:
	incb	wrong_rows
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	$program_text, %esi
	call	print
	mov	emulated, %eax
	call	print_hex
	mov	$end_of_line, %esi
	call	print
finish:
	cmpb	$0, wrong_rows
	jne	1f
	mov	$all_right, %esi
	call	print
1:	mov	wrong_rows, %al
	EXIT

# A row of the table: attempt, flags, vector, error code, CR4, bytes of the redirection bitmap.
.macro ROW attempt, flags, number, error=0, cr4=0, redirect=0xff
	.long	\attempt, \flags
	.byte	\number, 0
	.word	\error
	.byte	\cr4, \redirect
	.word	0
.endm

	.p2align 2
rows:
	ROW	nothing, 0, 3
	ROW	nothing, IOPL3, 3
	ROW	disable, 0, 13
	ROW	disable, IOPL3, 3
	ROW	enable, 0, 13
	ROW	push_flags16, 0, 13
	ROW	push_flags16, IOPL3 | FLAG_IF, 3
	ROW	pop_flags16, 0, 13
	ROW	pop_keeps_iopl, IOPL3, 3
	ROW	return, 0, 13
	ROW	return, IOPL3, 3
	ROW	return_wide, IOPL3, 3
	ROW	open_gate, 0, 13
	ROW	open_gate, IOPL3, INT_OPEN
	ROW	monitor_gate, IOPL3, 13, INT_MONITOR*8+2
	ROW	overflow, 0, 4
	ROW	halt, IOPL3, 13
	ROW	read_allowed_port, 0, 3
	ROW	read_forbidden_port, IOPL3, 13
	ROW	selectors_are_paragraphs, 0, 3
	ROW	code_is_writable, 0, 3
	ROW	far_and_back, 0, 3
	ROW	limit_is_64k, 0, 13
	ROW	stack_limit_is_64k, 0, 12
	ROW	wide_ip_past_64k, 0, 13
	ROW	store_task_register, 0, 6
	ROW	load_access_rights, 0, 6
	ROW	load_gdtr, 0, 13
	ROW	read_cr0, 0, 13
	ROW	read_msw, 0, 3
	/* with VME */
	ROW	virtual_flag, 0, 3, 0, VME
	ROW	virtual_flag, FLAG_IF, 3, 0, VME
	ROW	enable, FLAG_VIP, 13, 0, VME
	ROW	enable, FLAG_VIP | IOPL3, 3, 0, VME
	ROW	pop_with_tf, 0, 13, 0, VME
	ROW	push_flags32, 0, 13, 0, VME
	ROW	own_int, 0, 13, 0, VME, 0xff
	ROW	own_int, 0, 3, 0, VME, 0
	ROW	own_int, FLAG_VIF, 3, 0, VME, 0
	ROW	own_int, IOPL3 | FLAG_IF, 3, 0, VME, 0
	ROW	own_int, IOPL3, INT_OWN, 0, VME, 0xff
	ROW	nothing, 0, 3, 0, VME, 0
rows_end:

# --- the attempts: 8086 programs, CS=DS=SS=0 -------------------------------------------

	.code16
nothing:
	int3
disable:
	cli
	int3
enable:
	sti
	int3
push_flags16:				# IF and IOPL as they are
	pushf
	pop	%ax
	and	$IOPL3 | FLAG_IF, %ax
	cmp	$IOPL3 | FLAG_IF, %ax
	jne	not_as_expected
	int3
push_flags32:
	pushfl
	int3
pop_flags16:
	push	$FLAG_IF
	popf
	int3
pop_keeps_iopl:
	push	$FLAG_IF
	popf
	pushf
	pop	%ax
	and	$IOPL3 | FLAG_IF, %ax
	cmp	$IOPL3 | FLAG_IF, %ax
	jne	not_as_expected
	int3
pop_with_tf:
	push	$FLAG_TF
	popf
	int3
return:
	pushw	$0x0002
	pushw	$0
	pushw	$1f
	iretw
1:	int3
return_wide:				# VM cannot be popped away
	pushl	$2
	pushl	$0
	pushl	$1f
	iretl
1:	int3
open_gate:
	int	$INT_OPEN
	int3
monitor_gate:
	int	$INT_MONITOR
	int3
overflow:
	mov	$0x7f, %al
	inc	%al
	into
	int3
halt:
	hlt
	int3
read_allowed_port:
	in	$0x90, %al
	int3
read_forbidden_port:
	in	$0x92, %al
	int3
selectors_are_paragraphs:		# any value, and no table is asked
	mov	$marker - 0x10, %ax
	shr	$4, %ax
	mov	%ax, %fs
	cmpl	$0x36387638, %fs:0x10
	jne	not_as_expected
	mov	$VFS, %ax
	mov	%ax, %fs
	int3
code_is_writable:
	movb	$0x5a, %cs:scratch
	cmpb	$0x5a, %cs:scratch
	jne	not_as_expected
	int3
far_and_back:
	mov	$far_routine, %bx
	shr	$4, %bx
	mov	%bx, far_pointer + 2
	lcall	*far_pointer
	test	%bx, %bx
	jz	not_as_expected
	mov	%cs, %ax
	test	%ax, %ax
	jnz	not_as_expected
	int3
	.p2align 4
far_routine:				# at offset 0 of its own segment
	mov	%cs, %ax
	cmp	%ax, %bx
	je	1f
	xor	%bx, %bx
1:	lret
limit_is_64k:
	mov	0xffff, %ax
	int3
stack_limit_is_64k:
	mov	$1, %sp
	push	%ax
	int3
wide_ip_past_64k:
	ljmpl	$0, $0x10000
store_task_register:
	str	%ax
	int3
load_access_rights:
	lar	%ax, %ax
	int3
load_gdtr:
	lgdtl	gdtr
	int3
read_cr0:
	mov	%cr0, %eax
	int3
read_msw:
	smsw	%ax
	test	$CR0_PE, %al
	jz	not_as_expected
	int3
virtual_flag:				# the program sees what it has set, whatever IF is
	sti
	pushf
	pop	%ax
	test	$FLAG_IF, %ax
	jz	not_as_expected
	cli
	pushf
	pop	%ax
	and	$IOPL3 | FLAG_IF, %ax
	cmp	$IOPL3, %ax
	jne	not_as_expected
	push	$FLAG_IF
	popf
	pushf
	pop	%ax
	test	$FLAG_IF, %ax
	jz	not_as_expected
	int3
own_int:				# there, and back by IRET with the flag it had
	pushf
	pop	%bx
	int	$INT_OWN
	pushf
	pop	%ax
	cmp	%ax, %bx
	jne	not_as_expected
	cmp	$0x1234, %cx
	jne	not_as_expected
	int3
own_handler:				# with interrupts off; the flags pushed are the program's
	mov	$0x1234, %cx
	pushf
	pop	%ax
	test	$FLAG_IF, %ax
	jnz	not_as_expected
	mov	%sp, %bp
	cmp	%bx, 4(%bp)
	jne	not_as_expected
	iretw
not_as_expected:			# #BR, which no row has
	mov	$1, %ax
	bound	%ax, no_bounds

# --- the long program: eleven instructions that the monitor emulates -------------------

program:
	sti				# 1
	pushf				# 2
	pop	%ax
	test	$FLAG_IF, %ax
	jz	not_as_expected
	mov	$0x0b00, %ax
	int	$INT_DOS		# 3, with 4 to 6 in the handler
	cmp	$0x0bff, %ax
	jne	not_as_expected
	pushf				# 7
	pop	%ax
	test	$FLAG_IF, %ax
	jz	not_as_expected
	cli				# 8
	push	$0x0002
	popf				# 9
	mov	$0x4c00, %ax
	int	$INT_DOS		# 10: ends behind 11
dos_handler:
	cmp	$0x4c, %ah
	je	1f
	pushf				# 4
	pop	%bx
	test	$FLAG_IF, %bx
	jnz	not_as_expected
	sti				# 5
	mov	$0xff, %al
	iretw				# 6
1:	cli				# 11
	hlt

	.code32
	PRINT_ROUTINES

row_text:
	.asciz	"row "
vector_text:
	.asciz	": vector "
error_text:
	.asciz	" error code "
frame_text:
	.asciz	" frame is wrong "
program_text:
	.asciz	"the program went wrong behind "
end_of_line:
	.asciz	"\n"
all_right:
	.asciz	"v86-rows: every row is as the manual says\n"

	.p2align 4
marker:	.long	0x36387638
no_bounds:
	.word	2, 1
far_pointer:
	.word	0, 0
vector:	.long	0
error_code:
	.long	0
frame_is_wrong:
	.long	0
left_ds:
	.word	0
left_es:
	.word	0
left_fs:
	.word	0
left_gs:
	.word	0
way_back:
	.long	came_back
cr4_now:
	.long	0
row:	.long	0
virtual_if:
	.long	0
reflected:
	.long	0
emulated:
	.long	0
wrong_rows:
	.byte	0
scratch:
	.byte	0

	.p2align 3
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	# 08: code
	.quad	0x00cf93000000ffff	# 10: data
	.quad	0x00008900900000a8	# 18: TSS at 9000h, limit A8h
	END_GDT
