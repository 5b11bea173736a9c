# smm: an SMI from real mode and one from protected mode, and what RSM brings back.
#
# FS is made unreal, so that no load of its selector could give its cache again. The handler at
# SMBASE + 8000h counts, and adds 1000h to the base of FS where the save map has it: FS_BASE, which
# is another place in each map. Behind RSM the limit of FS must still be 4 GiB, its selector and
# all registers the same, and its base another one. Expectations: SDM vol. 3, System Management
# Mode. The verdict is the number of checks that failed.

	.include "guest.inc"
	.set	PORT_SMI, 0xb2
	.set	CODE32, 0x08
	.set	FLAT, 0x10
	.set	SMBASE, 0x30000
	.set	ENTRY, 0x8000
	.set	MARK_AT, 0x120000	# beyond what 16 bits reach

	.code16
	.globl	_start
_start:
	cli
	cld
	lgdtl	gdtr
	call	unreal_fs

	mov	$handler, %si		# to its place
	mov	$SMBASE >> 4, %ax
	mov	%ax, %es
	mov	$ENTRY, %di
	mov	$handler_end - handler, %cx
	rep movsb

	movl	$0x12345678, %ebx
	addr32 movl %ebx, %fs:MARK_AT

# Real mode.
	mov	$0x1111, %cx
	mov	%cx, %es
	mov	$0xaaaaaaaa, %edx
	out	%al, $PORT_SMI
	cmpw	$1, count
	jne	1f
	incb	good			# 1: the handler has run once
1:	addr32 cmpl %ebx, %fs:MARK_AT - 0x1000
	jne	1f
	incb	good			# 2: the base that it wrote, the limit that was there
1:	mov	%fs, %ax
	cmp	$FLAT, %ax
	jne	1f
	incb	good			# 3
1:	mov	%es, %ax
	cmp	$0x1111, %ax
	jne	1f
	cmp	$0xaaaaaaaa, %edx
	jne	1f
	incb	good			# 4
1:
# Protected mode, 32-bit code.
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$CODE32, $protected

unreal_fs:
	mov	%cr0, %eax
	mov	%eax, %ecx
	or	$CR0_PE, %al
	mov	%eax, %cr0
	jmp	1f
1:	mov	$FLAT, %ax
	mov	%ax, %fs
	mov	%ecx, %cr0
	jmp	1f
1:	ret

	.code32
protected:
	mov	$FLAT, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7000, %esp
	out	%al, $PORT_SMI
	cmpw	$2, count
	jne	1f
	incb	good			# 5: back in 32-bit code, by a cache and no table
1:	mov	%cr0, %eax
	test	$CR0_PE, %al
	jz	1f
	incb	good			# 6
1:	cmp	%ebx, %fs:MARK_AT - 0x2000
	jne	1f
	incb	good			# 7
1:	cmpw	$0x3000, handler_cs
	jne	1f
	incb	good			# 8: where SMBASE is after reset
1:
	mov	$7f, %esi
	cmpb	$8, good
	je	1f
	mov	$8f, %esi
1:	call	print
	mov	$8, %al
	sub	good, %al
	EXIT
7:	.asciz	"smm: every check is as the manual says\n"
8:	.asciz	"smm: a check failed\n"

	PRINT_ROUTINES

	.code16
handler:				# every segment but CS at 0, limits of 4 GiB
	incw	count
	mov	%cs, handler_cs
	mov	$0xffff, %ax
	mov	%ax, %es
	mov	$0xffffffff, %edx
	addr32 addl $0x1000, SMBASE + ENTRY + FS_BASE
	rsm
handler_end:

	.p2align 2
count:	.word	0
handler_cs:
	.word	0
good:	.byte	0

	.p2align 3
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	# 08: code
	.quad	0x00cf93000000ffff	# 10: data
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
