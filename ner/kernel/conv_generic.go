package kernel

// convInputGeneric computes the inputs of the six products of each group from rows 4g to
// 4g+5 of x. u[k][g][i] is input i of product k of group g.
//
//	u0 = 2*d0 - 3*d1 - 4*d2 + 3*d3 + 2*d4
//	u1 =      - 2*d1 +   d2 + 5*d3 + 2*d4
//	u2 =      - 2*d1 + 5*d2 -   d3 - 2*d4
//	u3 =        2*d1 +   d2 - 2*d3 -   d4
//	u4 =          d1 - 2*d2 -   d3 + 2*d4
//	u5 =        2*d1 - 3*d2 - 4*d3 + 3*d4 + 2*d5
func convInputGeneric(u, x []float32, n, groups int) {
	plane := groups * n
	for g := range groups {
		d := x[g*ConvRows*n:][:6*n]
		d0, d1, d2, d3, d4, d5 := d[:n], d[n:2*n], d[2*n:3*n], d[3*n:4*n], d[4*n:5*n], d[5*n:6*n]
		u0, u1, u2 := u[g*n:][:n], u[plane+g*n:][:n], u[2*plane+g*n:][:n]
		u3, u4, u5 := u[3*plane+g*n:][:n], u[4*plane+g*n:][:n], u[5*plane+g*n:][:n]
		for i := range n {
			p, q := d1[i]-d3[i], d2[i]-d4[i]
			u0[i] = 2*(d0[i]+d4[i]) - 3*p - 4*d2[i]
			u1[i] = 2*(d4[i]-d1[i]) + d2[i] + 5*d3[i]
			u2[i] = 5*d2[i] - 2*(d1[i]+d4[i]) - d3[i]
			u3[i] = p + p + q
			u4[i] = p - q - q
			u5[i] = 2*(d1[i]+d5[i]) - 3*q - 4*d3[i]
		}
	}
}

// convOutputGeneric computes the four rows of each group from its six products v[k][g][p][o].
// It adds the bias and takes the maximum over the pieces.
//
//	y0 = v0 + v1 + v2 + 8*v3 +   v4
//	y1 =      v1 - v2 + 4*v3 - 2*v4
//	y2 =      v1 + v2 + 2*v3 + 4*v4
//	y3 =      v1 - v2 +   v3 - 8*v4 + v5
func convOutputGeneric(dst, v, bias []float32, out, pieces, groups int) {
	plane := groups * pieces * out
	for g := range groups {
		y := dst[g*ConvRows*out:][:ConvRows*out]
		y0, y1, y2, y3 := y[:out], y[out:2*out], y[2*out:3*out], y[3*out:4*out]
		for p := range pieces {
			at := (g*pieces + p) * out
			v0, v1, v2 := v[at:][:out], v[plane+at:][:out], v[2*plane+at:][:out]
			v3, v4, v5 := v[3*plane+at:][:out], v[4*plane+at:][:out], v[5*plane+at:][:out]
			for o, b := range bias[p*out:][:out] {
				s, t := v1[o]+v2[o], v1[o]-v2[o]
				r0 := v0[o] + s + 8*v3[o] + v4[o] + b
				r1 := t + 4*v3[o] - 2*v4[o] + b
				r2 := s + 2*v3[o] + 4*v4[o] + b
				r3 := t + v3[o] - 8*v4[o] + v5[o] + b
				if p > 0 {
					r0, r1, r2, r3 = max(r0, y0[o]), max(r1, y1[o]), max(r2, y2[o]), max(r3, y3[o])
				}
				y0[o], y1[o], y2[o], y3[o] = r0, r1, r2, r3
			}
		}
	}
}
