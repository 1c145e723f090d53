//go:build !race

package office

const raced = false
