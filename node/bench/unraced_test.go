//go:build !race

package bench_test

// raced says that the race detector watches: campaigns of one goroutine, and measurements, are short then, as it finds nothing
// in them and makes them ten times as long. "make test" runs them at length without it.
const raced = false
