//go:build !amd64

package sha256d

func assembly() []Kernel { return nil }
