package kernel

import "fmt"

// ConvRows is the number of rows that Conv computes together.
const ConvRows = 4

// convProducts is the number of products that make a group of ConvRows rows.
const convProducts = 6

// convGroups is the number of groups computed at once. With their 6 products
// of 96 to 288 they take 147 kB, which a second-level cache holds.
const convGroups = 16

// Conv is a maxout layer whose input is a row with its two neighbours, as in
// spaCy's window encoder: what a Matrix with three times the inputs computes,
// in half the multiplications. Four results need twelve products of a row with
// a third of the weights; by Toom's and Cook's method, as Winograd used it for
// such filters (S. Winograd, Arithmetic Complexity of Computations, 1980; A.
// Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015),
// they are sums of six products of sums of rows with sums of weights.
//
// The points of evaluation are 0, 1, -1, 1/2, -2 and infinity: of those with
// small factors they lose the least precision. The mean error is 1.4 times that
// of one chain of 288 additions (TestConvPrecision): what the factors cost, the
// shorter chains of 96 nearly save.
type Conv struct {
	out, pieces, in int
	products        [convProducts]*Matrix // in -> pieces×out, piece by piece
	bias            []float32             // [pieces][out]
}

// NewConv packs w, where w[((o*pieces+p)*3+k)*in+i] is the weight of input i of
// row k of the three in piece p of output o, and bias as in NewMatrix. Both are
// copied.
func NewConv(w, bias []float32, out, pieces, in int) *Conv {
	if out < 1 || in < 1 || pieces < 1 || pieces > MaxPieces {
		panic(fmt.Sprintf("kernel: convolution of %d outputs, %d pieces, %d inputs: want at least 1 of each and at most %d pieces", out, pieces, in, MaxPieces))
	}
	if len(w) != out*pieces*3*in || bias != nil && len(bias) != out*pieces {
		panic(fmt.Sprintf("kernel: convolution of %d×%d×3×%d with %d weights and %d biases", out, pieces, in, len(w), len(bias)))
	}
	c := &Conv{out: out, pieces: pieces, in: in, bias: alignedFloats(out * pieces)}
	for o := range out {
		for p := range pieces {
			if bias != nil {
				c.bias[p*out+o] = bias[o*pieces+p]
			}
		}
	}
	sums := make([]float32, len(w)/3)
	for k := range c.products {
		f := convWeights[k]
		for o := range out {
			for p := range pieces {
				from, to := w[(o*pieces+p)*3*in:][:3*in], sums[(p*out+o)*in:][:in]
				for i := range to {
					to[i] = float32(f[0]*float64(from[i]) + f[1]*float64(from[in+i]) + f[2]*float64(from[2*in+i]))
				}
			}
		}
		c.products[k] = NewMatrix(sums, nil, out*pieces, 1, in)
	}
	return c
}

// convWeights are the factors of a window's three parts of the weights in each
// product. The factors of the rows are in convInput, and those of the products
// in convOutput.
var convWeights = [convProducts][3]float64{
	{1. / 2, 0, 0},
	{1. / 6, 1. / 6, 1. / 6},
	{1. / 6, -1. / 6, 1. / 6},
	{4. / 30, 2. / 30, 1. / 30},
	{1. / 30, -2. / 30, 4. / 30},
	{0, 0, 1. / 2},
}

// In returns the number of inputs of one row.
func (c *Conv) In() int { return c.in }

// Out returns the number of outputs.
func (c *Conv) Out() int { return c.out }

// Pieces returns the number of maxout pieces.
func (c *Conv) Pieces() int { return c.pieces }

// Scratch returns the number of values Mul needs room for, for any number of
// rows.
func (c *Conv) Scratch() int {
	return convGroups * convProducts * (c.in + c.pieces*c.out)
}

// Mul computes rows of the layer, a multiple of ConvRows, from rows+2 rows of
// x: for r < rows and o < Out(),
//
//	dst[r*Out()+o] = max over p of ( Σ_k Σ_i w[o,p,k,i]*x[(r+k)*In()+i] + bias[o,p] )
//
// The value of a row depends, by rounding, on the six rows of x that its group
// of four is computed from, and on nothing else. dst and x must not overlap.
func (c *Conv) Mul(dst, x []float32, rows int, scratch []float32) {
	if rows%ConvRows != 0 || rows < 0 {
		panic(fmt.Sprintf("kernel: convolve %d rows: want a multiple of %d", rows, ConvRows))
	}
	if rows == 0 {
		return
	}
	if len(x) < (rows+2)*c.in || len(dst) < rows*c.out || len(scratch) < c.Scratch() {
		panic(fmt.Sprintf("kernel: convolve %d rows of %d to %d: x, dst and scratch have %d, %d and %d values", rows, c.in, c.out, len(x), len(dst), len(scratch)))
	}
	wide := c.pieces * c.out
	for row := 0; row < rows; row += convGroups * ConvRows {
		groups := min(convGroups, (rows-row)/ConvRows)
		u, v := scratch[:convProducts*groups*c.in], scratch[convProducts*groups*c.in:][:convProducts*groups*wide]
		convInput(u, x[row*c.in:], c.in, groups)
		for k, m := range c.products {
			m.Mul(v[k*groups*wide:], wide, u[k*groups*c.in:], c.in, groups)
		}
		convOutput(dst[row*c.out:], v, c.bias, c.out, c.pieces, groups)
	}
}
