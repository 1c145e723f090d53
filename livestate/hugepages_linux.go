package livestate

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	hugePage    = 2 << 20
	populatedBy = 8 << 20 // bytes at a time
)

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

// populate has the system find memory for what will be written soon, while others work: it changes nothing in it. A system
// that cannot (before Linux 5.14) finds it page by page as it is written.
func populate(memory unsafe.Pointer, size uintptr) {
	page := uintptr(unix.Getpagesize())
	skip := -uintptr(memory) & (page - 1)
	if size < skip+page {
		return
	}
	whole := unsafe.Slice((*byte)(unsafe.Add(memory, skip)), (size-skip)&^(page-1))
	for len(whole) > 0 {
		some := min(len(whole), populatedBy)
		if unix.Madvise(whole[:some], unix.MADV_POPULATE_WRITE) != nil {
			return
		}
		whole = whole[some:]
	}
}
