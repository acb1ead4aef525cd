package kernel

import "fmt"

// epsilon is added to the variance, so that a constant row is not divided by zero. spaCy
// uses the same value.
const epsilon = 1e-8

// LayerNorm normalises rows of width n = len(g). For r < rows and i < n it computes
//
//	dst[r*ldd+i] = (x[r*ldx+i]-mu) * (1/sqrt(var+1e-8)) * g[i] + b[i] + residual[r*ldr+i]
//
// where mu and var are the mean and the population variance of the row of x. residual may
// be nil: then it is not added. dst may be the same slice as x or residual, with the same
// distance between rows. It must not overlap them in any other way.
func LayerNorm(dst []float32, ldd int, x []float32, ldx int, residual []float32, ldr int, g, b []float32, rows int) {
	n := len(g)
	if rows <= 0 || n == 0 {
		return
	}
	if len(b) != n {
		panic(fmt.Sprintf("kernel: normalise rows of %d: b has %d values", n, len(b)))
	}
	if ldx < 0 || len(x) < (rows-1)*ldx+n {
		panic(fmt.Sprintf("kernel: normalise %d rows of %d, %d apart: x has %d values", rows, n, ldx, len(x)))
	}
	if ldd < n || len(dst) < (rows-1)*ldd+n {
		panic(fmt.Sprintf("kernel: normalise %d rows of %d, %d apart: dst has %d values", rows, n, ldd, len(dst)))
	}
	if residual != nil && (ldr < 0 || len(residual) < (rows-1)*ldr+n) {
		panic(fmt.Sprintf("kernel: normalise %d rows of %d, %d apart: residual has %d values", rows, n, ldr, len(residual)))
	}
	layerNorm(dst, ldd, x, ldx, residual, ldr, g, b, rows)
}

// AddRows adds rows of a table of little-endian float32. A row has n = len(dst) values. For
// i < n it computes
//
//	dst[i] = ((0 + table[rows[0]][i]) + table[rows[1]][i]) + …
//
// All variants compute the same bits. The table may start at any address, so that a file
// can be read in place.
func AddRows(dst []float32, table []byte, rows []uint32) {
	size := uint64(len(dst)) * 4
	if size == 0 {
		return
	}
	for _, row := range rows {
		if (uint64(row)+1)*size > uint64(len(table)) {
			panic(fmt.Sprintf("kernel: add row %d of a table of %d", row, uint64(len(table))/size))
		}
	}
	addRows(dst, table, rows)
}
