# loadall-ds: LOADALL of a 386 puts a cache under DS that no descriptor has.
#
# The table at ES:EDI holds every register with its cache. DS gets the selector of flat data and
# the base 300000h: nothing is compared. The selector, stored and loaded again, brings the
# descriptor back. The table is as 80386 parts have it (Collins, specification F2: P, DPL, S and
# type in bits 23 to 16 of the attributes, D in bit 14).

	.include "cpu/cpu.inc"

	.set	DATA_ATTR, 0x00934000
	.set	CODE_ATTR, 0x009b4000

	ENTER_PROTECTED protected
protected:
	movl	$0x11111111, 0x300000
	movl	$0, 0
	SHOW	"before: ds:0 ", 0
	mov	$table, %edi
	.byte	0x0f, 0x07
not_reached:
	ud2
reached:
	mov	0, %edx				# through DS
	mov	%ds, %ebp
	mov	$FLAT, %ax
	mov	%ax, %ds
	SHOW	"\nafter LOADALL\n  esi from the table ", %esi
	SHOW	"\n  ebx from the table ", %ebx
	SHOW	"\n  ds                 ", %ebp
	SHOW	"\n  ds:0               ", %edx
	mov	0, %edx
	SHOW	"\n  ds:0, reloaded     ", %edx
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	.p2align 2
# Attributes, base, limit.
.macro CACHE attr, base, limit
	.long	\attr, \base, \limit
.endm

table:	.long	0x11				# CR0
	.long	2				# EFLAGS
	.long	reached				# EIP
	.long	0, 0xe51e51, 0, 0x7000		# EDI ESI EBP ESP
	.long	0xeb8eb8, 0, 0, 0		# EBX EDX ECX EAX
	.long	0, 0x400			# DR6 DR7
	.long	TSS, 0				# TR LDTR
	.long	0, 0, FLAT, FLAT, CODE32, FLAT	# GS FS DS SS CS ES
	CACHE	0x008b0000, 0, 0x67		# TR
	CACHE	0, 0, 0				# IDTR
	CACHE	0, gdt, gdt_limit		# GDTR
	CACHE	0x00820000, 0, 0		# LDTR
	CACHE	DATA_ATTR, 0, 0xffffffff	# GS
	CACHE	DATA_ATTR, 0, 0xffffffff	# FS
	CACHE	DATA_ATTR, 0x300000, 0xffffffff	# DS
	CACHE	DATA_ATTR, 0, 0xffffffff	# SS
	CACHE	CODE_ATTR, 0, 0xffffffff	# CS
	CACHE	DATA_ATTR, 0, 0xffffffff	# ES

	BEGIN_GDT
	.set	gdt_limit, 0x2f
	END_GDT

idtr:	.word	0
	.long	0
