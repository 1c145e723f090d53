// Package tidy holds the house rules as tests: which package may import which,
// that the core is pure, and that files stay readable.
package tidy
