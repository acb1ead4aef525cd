package kernel

import "fmt"

// ConvRows is the number of rows that Conv computes together.
const ConvRows = 4

// convProducts is the number of products from which a group of ConvRows rows is computed.
const convProducts = 6

// convGroups is the number of groups that are computed at once. With 96 inputs and 288
// outputs their 6 products take 147 kB, which fits into a second-level cache.
const convGroups = 16

// Conv is a maxout layer whose input is a row and its two neighbours, as in spaCy's window
// encoder. A Matrix with three times the inputs computes the same. Conv needs half as many
// multiplications.
//
// Computed directly, four results are sums of twelve products, each of a row and a third of
// the weights. With the method of Toom and Cook they are sums of six products, each of a sum
// of rows and a sum of weights. Winograd used this method for such filters (S. Winograd,
// Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray, Fast Algorithms for
// Convolutional Neural Networks, 2015).
//
// The points of evaluation are 0, 1, -1, 1/2, -2 and infinity. Of the points with small
// factors these lose the least precision. The mean error is 1.4 times that of one chain of
// 288 additions (TestConvPrecision). The factors make the error larger, and the shorter
// chains of 96 additions make it smaller by nearly as much.
type Conv struct {
	out, pieces, in int
	products        [convProducts]*Matrix // in -> pieces×out, piece by piece
	bias            []float32             // [pieces][out]
}

// NewConv returns a packed layer. w[((o*pieces+p)*3+k)*in+i] is the weight of input i of row
// k of the three rows, in piece p of output o. bias is as in NewMatrix. Both are copied.
// NewConv panics if a size does not fit.
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

// convWeights has for each product the factors of the weights of the window's three rows.
// The factors of the rows are in convInput, and those of the products in convOutput.
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

// Scratch returns the length of the scratch slice that Mul needs. It is the same for any
// number of rows.
func (c *Conv) Scratch() int {
	return convGroups * convProducts * (c.in + c.pieces*c.out)
}

// Mul computes rows rows of the layer from rows+2 rows of x. rows must be a multiple of
// ConvRows. For r < rows and o < Out() it computes
//
//	dst[r*Out()+o] = max over p of ( Σ_k Σ_i w[o,p,k,i]*x[(r+k)*In()+i] + bias[o,p] )
//
// Because of rounding, the result of a row depends on all six rows of x from which its group
// of four is computed. It depends on no other rows. dst and x must not overlap.
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
