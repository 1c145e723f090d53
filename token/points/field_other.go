//go:build !amd64

package points

const supported = false

// None of these is called where they are not supported.
const unsupported = "points: no wide instructions on this processor"

func (e *element8) mul(a, b *element8)                               { panic(unsupported) }
func (e *element8) square(a *element8, n int)                        { panic(unsupported) }
func addToBuckets(*uint64, *niels, *uint64, *uint64, *element8, int) { panic(unsupported) }
func addPointsWide(sum, other *point8, scratch *element8)            { panic(unsupported) }
func doublePoints(*point8, *element8, int)                           { panic(unsupported) }
