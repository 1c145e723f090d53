//go:build !linux

package livestate

import "unsafe"

func adviseHugePages(unsafe.Pointer, uintptr) {}
