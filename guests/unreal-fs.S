# unreal-fs: a cache that no selector can give back.
#
# Protected mode is entered for two instructions, only to load FS with a 4 GiB segment. Back in
# real mode the limit is still 4 GiB, because a CPU from the 386 on loads only the base there, and
# nobody has loaded FS since. With it, real-mode code stores STORES dwords around fs:OFFSET, far
# beyond FFFFh. Each dword gets its own offset as its value, so that at the end the guest
# can tell where every store went.
#
# In the third round, right before the store, the guest asks for a host interrupt. Whoever saves FS
# by its selector (0010) and loads it again gives back another segment: with the base
# 0010 * 16 = 100h, with a limit that depends on what the host left there, or both.
#
# A label stands where the state it names holds: stop there and look at `sreg`. OFFSET is
# set when the guest is assembled: 20000h, or F000000h for the seed variant (-m 256).
#
# There is no far jump after the writes of CR0, as in the program this is about: CS keeps its
# cache, and only FS is loaded while PE=1. The stores begin a little below OFFSET, so that the
# one behind the interrupt is the one to OFFSET.

	.include "guest.inc"
	.set	STORES, 10000
	.set	INTERRUPTED_ROUND, 3
	.set	FIRST, OFFSET - 4 * (INTERRUPTED_ROUND - 1)

	.code16
	.globl	_start
_start:
t0_real:				# FS 0000: base 0, limit FFFFh
	cli				# with PE=1 there is no IDT that could take an interrupt
	cld
	lgdtl	gdtr
	mov	%cr0, %eax
	mov	%eax, %ecx
	or	$CR0_PE, %al
	mov	%eax, %cr0
t1_pe_set:				# FS unchanged; a reload of 0000 would make it unusable
	mov	$0x10, %ax
	mov	%ax, %fs
t2_fs_loaded:				# FS 0010: base 0, limit FFFFFFFFh
	mov	%ecx, %cr0
t3_unreal:				# PE=0 and FS as before: a reload would give base 100h
	mov	$FIRST, %eax
	mov	$STORES, %cx
store_loop:
	cmp	$STORES - INTERRUPTED_ROUND + 1, %cx
	jne	t4_store
t5_host_interrupt:			# the boundary is the end of this OUT
	out	%al, $PORT_HOST_INTERRUPT
t4_store:				# to linear FIRST and up
	mov	%eax, %fs:(%eax)
	add	$4, %eax
	loop	store_loop
stored:
	mov	$FIRST, %eax
	mov	$STORES, %cx
check_loop:
	cmp	%eax, %fs:(%eax)
	jne	misplaced
	add	$4, %eax
	loop	check_loop

	mov	$all_there, %si
	call	print
	mov	$VERDICT_GOOD, %al
	EXIT

misplaced:				# EAX: the offset whose dword is not there
	mov	%eax, %ebx
	mov	$not_there, %si
	call	print
	mov	%ebx, %eax
	call	print_hex
	mov	$end_of_line, %si
	call	print
	mov	$1, %al
	EXIT

	PRINT_ROUTINES

all_there:
	.asciz	"unreal-fs: every store is where it belongs\n"
not_there:
	.asciz	"unreal-fs: no such dword at fs:"
end_of_line:
	.asciz	"\n"

	.p2align 3
gdt:	.quad	0
	.quad	0
	.quad	0x00cf93000000ffff	# 0010: data, base 0, limit FFFFFFFFh
gdt_end:
gdtr:	.word	gdt_end - gdt - 1
	.long	gdt
