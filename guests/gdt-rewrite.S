# gdt-rewrite: a cache that the table contradicts.
#
# In flat 32-bit protected mode FS is loaded from slot 5 of the GDT, and then the slot is rewritten.
# The segment does not change: it is what the load left in the CPU. Three stores show where
# FS points: 1 before a host interrupt, 2 after it, 3 after the guest has loaded FS again.
#
# Whoever saves FS by its selector (0028) and loads it again gives back what the table says *now*:
# store 2 goes to 2000h in place of 1000h, and nothing faults. At the end the guest looks
# where its stores went and says so:
#
#	verdict 0, exact:	[1000]=2 [2000]=0 [2004]=3
#	verdict 1, reloaded:	[1000]=1 [2000]=2 [2004]=3
#	verdict 2, foreign:	anything else: FS came from another table, or was lost
#
# A label stands where the state it names holds.

	.include "guest.inc"
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	SLOT5, 0x28

	.code16
	.globl	_start
_start:
	cli				# the host interrupts, nobody else
	cld
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$CODE32, $protected

	.code32
protected:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7000, %esp
	xor	%eax, %eax
	mov	%ax, %fs
	mov	%eax, 0x1000
	mov	%eax, 0x2000
	mov	%eax, 0x2004

	mov	$descriptor_a, %esi
	call	write_slot5
t0_slot5_is_a:				# FS null
	mov	$SLOT5, %ax
	mov	%ax, %fs
t1_fs_loaded:				# FS 0028: base 1000h, limit 1000h
	mov	$descriptor_b, %esi
	call	write_slot5
t2_slot5_is_b:				# FS unchanged; a reload would give base 2000h
	mov	$SLOT5, %ax
t3_store_1:				# to linear 1000h
	movl	$1, %fs:0
t4_host_interrupt:			# the boundary is the end of this OUT
	out	%al, $PORT_HOST_INTERRUPT
t8_store_2:				# to linear 1000h, if FS has survived
	movl	$2, %fs:0
	mov	%ax, %fs
t9_fs_reloaded:				# FS 0028: base 2000h
	movl	$3, %fs:4

	call	report
	mov	$is_exact, %esi
	mov	$0, %ebx
	mov	$2, %ecx
	mov	$0, %edx
	call	compare
	je	finish
	mov	$is_reloaded, %esi
	inc	%ebx
	mov	$1, %ecx
	mov	$2, %edx
	call	compare
	je	finish
	mov	$is_foreign, %esi
	inc	%ebx
finish:					# ESI: the word for it, EBX: the verdict
	call	print
	mov	%bl, %al
	EXIT

# Copies the descriptor at ESI to slot 5.
write_slot5:
	mov	$gdt + SLOT5, %edi
	movsl
	movsl
	ret

# ZF set when [1000] is ECX, [2000] is EDX and [2004] is 3.
compare:
	cmp	%ecx, 0x1000
	jne	1f
	cmp	%edx, 0x2000
	jne	1f
	cmpl	$3, 0x2004
1:	ret

# Prints the three dwords.
report:
	mov	$at_1000, %esi
	call	print
	mov	0x1000, %eax
	call	print_hex
	mov	$at_2000, %esi
	call	print
	mov	0x2000, %eax
	call	print_hex
	mov	$at_2004, %esi
	call	print
	mov	0x2004, %eax
	call	print_hex
	ret

	PRINT_ROUTINES

at_1000:
	.asciz	"gdt-rewrite: [1000]="
at_2000:
	.asciz	" [2000]="
at_2004:
	.asciz	" [2004]="
is_exact:
	.asciz	" exact\n"
is_reloaded:
	.asciz	" reloaded\n"
is_foreign:
	.asciz	" foreign\n"

	.p2align 3
descriptor_a:
	.quad	0x0040930010001000	# data, base 1000h, limit 1000h
descriptor_b:
	.quad	0x0040930020001000	# data, base 2000h, limit 1000h
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	# 0008: code, base 0, limit FFFFFFFFh
	.quad	0x00cf93000000ffff	# 0010: data, base 0, limit FFFFFFFFh
	.quad	0
	.quad	0
	.quad	0			# 0028: slot 5
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
