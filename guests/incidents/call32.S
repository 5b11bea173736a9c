# call32: a BIOS that runs 32-bit code for its caller, and what it gives back.
#
# The caller has FS at 20000h with 4 KiB, from a GDT of its own. INT 15h does what SeaBIOS's call32
# does: saves selectors, goes to 32-bit code through the BIOS's GDT, comes back through 4 GiB data
# segments, and pops the selectors with PE=0. INT 16h does the same work in system management
# mode, whose RSM brings every cache back.

	.include "incidents/unreal.inc"

	.set	WINDOW, 0x08			# of the caller
	.set	BIOS_CODE32, 0x08		# of the BIOS
	.set	BIOS_DATA32, 0x10
	.set	BIOS_CODE16, 0x18
	.set	BIOS_BIG, 0x20
	.set	PORT_SMI, 0xb2
	.set	SMI_ENTRY, 0x38000

	.code16
	.globl	_start, by_smm, smm_done, by_call32, call32_done
_start:
	cli
	cld
	movl	$int15, 0x15 * 4
	movl	$int16, 0x16 * 4
	lgdtl	caller_gdtr
	LOAD_PROTECTED es, BIG			# only to put the SMI handler into its place
	mov	$handler, %esi
	mov	$SMI_ENTRY, %edi
	mov	$handler_end - handler, %ecx
	addr32 rep movsb
	LOAD_PROTECTED es, SMALL
	xor	%ax, %ax
	mov	%ax, %es
	LOAD_PROTECTED fs, WINDOW
	movl	$0x11111111, %fs:0
by_smm:
	int	$0x16
smm_done:
	movl	$0x22222222, %fs:0
by_call32:
	int	$0x15
call32_done:
	movl	$0x33333333, %fs:0
	mov	$0x12340, %esi
	movl	$0x44444444, (%esi)		# DS ends at FFFFh, does it not?
	xor	%ax, %ax
	mov	%ax, %fs			# base 0, and the limit that it has got
	mov	$0x20000, %esi
	SHOW16	"at 20000: ", %fs:(%esi)
	SHOW16	"\nat 00080: ", 0x80
	mov	$0x12340, %esi
	SHOW16	"\nat 12340: ", %fs:(%esi)
	SAY16	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

int15:
	push	%ds
	push	%es
	push	%fs
	push	%gs
	sgdtl	%cs:saved_gdtr
	lgdtl	%cs:bios_gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$BIOS_CODE32, $service
	.code32
service:
	mov	$BIOS_DATA32, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%ax, %fs
	mov	%ax, %gs
	incl	calls				# the work that is worth the trip
	ljmp	$BIOS_CODE16, $leave
	.code16
leave:
	mov	$BIOS_BIG, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%cr0, %eax
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$0, $real
real:
	xor	%ax, %ax
	mov	%ax, %ss
	lgdtl	%cs:saved_gdtr
	pop	%gs
	pop	%fs
	pop	%es
	pop	%ds
	iret

int16:
	out	%al, $PORT_SMI
	iret

handler:
	xor	%ax, %ax
	mov	%ax, %fs			# it may use what it likes
	mov	%ax, %ds
	incl	calls
	rsm
handler_end:

	PRINT_ROUTINES

	.p2align 3
calls:	.long	0
saved_gdtr:
	.fill	6, 1, 0
caller_gdt:
	.quad	0
	.quad	0x0000930200000fff	# 08: the window: 20000h, 4 KiB
	.set	BIG, . - caller_gdt
	.quad	0x00cf93000000ffff
	.set	SMALL, . - caller_gdt
	.quad	0x000093000000ffff
caller_gdtr:
	.word	. - caller_gdt - 1
	.long	caller_gdt
	.p2align 3
bios_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	# 08: 32-bit code
	.quad	0x00cf93000000ffff	# 10: 32-bit data
	.quad	0x00009b000000ffff	# 18: 16-bit code
	.quad	0x008f93000000ffff	# 20: 16-bit data, 4 GiB
bios_gdtr:
	.word	. - bios_gdt - 1
	.long	bios_gdt
