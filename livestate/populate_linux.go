package livestate

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// populatedBy is how many bytes are populated at a time.
const populatedBy = 8 << 20

// populate has the system find memory for what will be written soon, while others work: it changes nothing in it. A
// system that cannot (before Linux 5.14) finds it page by page as it is written. It may run beside writes to the same
// memory: populating for writing faults pages in as a write would, with what is in them (madvise(2)). Only whole pages
// within the range are asked for.
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
