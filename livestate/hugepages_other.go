//go:build !linux

package livestate

import "unsafe"

func adviseHugePages(unsafe.Pointer, uintptr) {}

func populate(unsafe.Pointer, uintptr) {}
