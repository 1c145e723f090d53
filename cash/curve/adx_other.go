//go:build !amd64

package curve

func (z *element) mul(x, y *element)                   { z.mulGeneric(x, y) }
func (z *element) square(x *element)                   { z.squareGeneric(x) }
func (z *element) squares(x *element, times int)       { z.squaresGeneric(x, times) }
func (p *jacobian) double(q *jacobian)                 { p.doubleGeneric(q) }
func (p *jacobian) addAffineStep(q *Point, h *element) { p.addAffineGeneric(q, h) }

func addDistinct(sum, p, q *Point, inverse *element) { addDistinctGeneric(sum, p, q, inverse) }
