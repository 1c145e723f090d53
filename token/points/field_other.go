//go:build !amd64

package points

const supported = false

func (e *element8) mul(a, b *element8)        { panic("no wide multiplication here") }
func (e *element8) square(a *element8, n int) { panic("no wide multiplication here") }
