package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// blockLanes is the number of float32 in a block. It is the same in both variants.
const blockLanes = 16

// floatSize is the size of a float32 in bytes.
const floatSize = 4

// unit is a vector unit and the tile sizes that fill its registers.
type unit struct {
	name         string
	lanes        int // float32 in a register: 8 or 16
	tileRows     int // rows of a tile of the product
	hiddenBlocks int // blocks of the hidden layer that one pass adds
}

// wide reports whether a block is one register.
func (u unit) wide() bool { return u.lanes == blockLanes }

// vec returns a new register.
func (u unit) vec() reg.VecVirtual {
	if u.wide() {
		return ZMM()
	}
	return YMM()
}

// vecs returns n new registers.
func (u unit) vecs(n int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, n)
	for i := range list {
		list[i] = u.vec()
	}
	return list
}

// zero sets registers to zero. It does not use VXORPS for ZMM registers, because that needs
// AVX512DQ.
func (u unit) zero(list ...reg.VecVirtual) {
	for _, v := range list {
		if u.wide() {
			VPXORD(v, v, v)
		} else {
			VXORPS(v, v, v)
		}
	}
}

// block is 16 values: one register or two.
type block []reg.VecVirtual

func (u unit) block() block { return u.vecs(blockLanes / u.lanes) }

func (u unit) blocks(n int) []block {
	list := make([]block, n)
	for i := range list {
		list[i] = u.block()
	}
	return list
}

// at returns the memory of register h of the block that is i blocks after m.
func (u unit) at(m Mem, i, h int) Mem {
	return m.Offset((i*blockLanes + h*u.lanes) * floatSize)
}

// mask selects the first values of a block, for the end of a row. The zero value selects all
// values.
type mask struct {
	k      reg.Register     // AVX-512
	halves []reg.VecVirtual // AVX2
}

// none is the mask of whole blocks.
var none mask

func (m mask) partial() bool { return m.k != nil || m.halves != nil }

// maskTable has 16 words of ones and then 16 words of zeros. The 16 words from word 16-n on are
// the mask of n values. Only AVX2 needs it.
var maskTable = NewDataAddr(NewStaticSymbol("maskTable"), 0)

// data writes the constants of the unit.
func (u unit) data() {
	if u.wide() {
		return
	}
	GLOBL(maskTable.Symbol.Name, RODATA|NOPTR)
	for i := range 2 * blockLanes {
		var word uint32
		if i < blockLanes {
			word = 0xffffffff
		}
		DATA(i*floatSize, U32(word))
	}
}

// first returns the mask of the first n values of a block. It may overwrite n.
func (u unit) first(n reg.GPVirtual) mask {
	if u.wide() {
		bits, k := GP64(), K()
		MOVQ(n, reg.RCX)
		MOVQ(I32(-1), bits)
		SHLQ(reg.CL, bits)
		NOTQ(bits)
		KMOVW(bits.As32(), k)
		return mask{k: k}
	}
	base := GP64()
	LEAQ(maskTable, base)
	NEGQ(n)
	halves := u.vecs(2)
	for h, v := range halves {
		VMOVUPS(Mem{Base: base, Index: n, Scale: floatSize, Disp: (blockLanes + h*u.lanes) * floatSize}, v)
	}
	return mask{halves: halves}
}

// load reads the block that is i blocks after from. Values that the mask leaves out become zero
// and are not read.
func (u unit) load(from Mem, i int, b block, m mask) {
	for h, v := range b {
		u.loadHalf(u.at(from, i, 0), h, v, m)
	}
}

// store writes the block that is i blocks after to. Values that the mask leaves out are not
// written.
func (u unit) store(b block, to Mem, i int, m mask) {
	for h, v := range b {
		u.storeHalf(v, u.at(to, i, 0), h, m)
	}
}

// loadHalf reads register h of the block at from.
func (u unit) loadHalf(from Mem, h int, v reg.VecVirtual, m mask) {
	switch src := u.at(from, 0, h); {
	case !m.partial():
		VMOVUPS(src, v)
	case u.wide():
		VMOVUPS_Z(src, m.k, v)
	default:
		VMASKMOVPS(src, m.halves[h], v)
	}
}

// storeHalf writes register h of the block at to.
func (u unit) storeHalf(v reg.VecVirtual, to Mem, h int, m mask) {
	switch dst := u.at(to, 0, h); {
	case !m.partial():
		VMOVUPS(v, dst)
	case u.wide():
		VMOVUPS(v, m.k, dst)
	default:
		VMASKMOVPS(v, m.halves[h], dst)
	}
}

// add adds the block that is i blocks after from to b.
func (u unit) add(from Mem, i int, b block, m mask) {
	if m.partial() {
		x := u.block()
		u.load(from, i, x, m)
		for h, v := range b {
			VADDPS(x[h], v, v)
		}
		return
	}
	for h, v := range b {
		VADDPS(u.at(from, i, h), v, v)
	}
}

// sum adds the 16 values of a block in the order of a tree: 8 to 8, 4 to 4, 2 to 2, 1 to 1. It
// returns a register with the sum in its lowest lane.
func (u unit) sum(b block) reg.VecVirtual {
	lo, hi := YMM(), YMM()
	if u.wide() {
		VEXTRACTF64X4(Imm(1), b[0], hi)
		VADDPS(b[0].AsY(), hi, lo)
	} else {
		VADDPS(b[0], b[1], lo)
	}
	x, y := XMM(), XMM()
	VEXTRACTF128(Imm(1), lo, y)
	VADDPS(lo.AsX(), y, x)
	VMOVHLPS(x, x, y)
	VADDPS(x, y, x)
	VMOVSHDUP(x, y)
	VADDSS(x, y, x)
	return x
}

// load64 loads a parameter of the function into a register.
func load64(name string) reg.GPVirtual {
	return Load(Param(name), GP64()).(reg.GPVirtual)
}

// done writes the end of a function. Without VZEROUPPER Go's own SSE code would be slow
// afterwards.
func done() {
	VZEROUPPER()
	RET()
}

// constants returns a register for each number, with the number in all its lanes.
func (u unit) constants(list ...float32) []reg.VecVirtual {
	regs := u.vecs(len(list))
	for i, c := range list {
		x := XMM()
		loadConstant(c, x)
		VBROADCASTSS(x, regs[i])
	}
	return regs
}
