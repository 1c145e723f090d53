package livestate

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// adviseHugePages asks the system to back memory that nobody has touched yet with large pages, where it holds whole
// ones: looking up tokens at random then misses fewer translations. A system that will not is as good as before.
func adviseHugePages(memory unsafe.Pointer, size uintptr) {
	skip := -uintptr(memory) & (hugePage - 1)
	if size < skip+hugePage {
		return
	}
	whole := (size - skip) &^ (hugePage - 1)
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(memory, skip)), whole), unix.MADV_HUGEPAGE)
}
