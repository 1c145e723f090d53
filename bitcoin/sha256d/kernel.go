package sha256d

import (
	"math/bits"
	"time"
)

// Kernel is one way to search, for one kind of processor.
type Kernel struct {
	Name      string
	Lanes     int    // headers at a time
	Needs     string // instruction sets, for people
	Supported bool   // by this processor
	// scan tries groups of Lanes positions each, from word on, and stops behind the first group that has a lane whose
	// last word is at most the target's: left is the number of groups not tried, bit i of mask is lane i of the last
	// group tried. The mask is 0 when all groups were tried in vain. It writes to scratch alone.
	scan func(w *Work, scratch []uint32, word uint32, groups uint64) (left, mask uint64)
}

// Kernels lists all, best first as a rule, whether supported or not.
func Kernels() []Kernel {
	return append(assembly(), Kernel{"generic", 1, "Go", true, scanGeneric})
}

// Find returns a supported kernel by name.
func Find(name string) (Kernel, bool) {
	for _, kernel := range Kernels() {
		if kernel.Name == name && kernel.Supported {
			return kernel, true
		}
	}
	return Kernel{}, false
}

// burst bounds the lanes of one call into assembly, which the scheduler cannot interrupt: some 0.5 ms.
const burst = 1 << 14

// Searcher is a kernel with the memory it writes to; each goroutine has its own. The work may be shared.
type Searcher struct {
	Kernel
	scratch []uint32
}

// NewSearcher prepares a kernel, which must be supported.
func (k Kernel) NewSearcher() *Searcher {
	if !k.Supported {
		panic("sha256d: kernel " + k.Name + " is not supported by this processor")
	}
	return &Searcher{k, aligned(16 * 16)}
}

// Search tries count nonces, beginning at position first of the order in which the eight bytes
// of the counter count: position p stands for the nonce whose bytes are those of p reversed.
// found gets every nonce whose hash meets the target; it may stop the search with false.
// It returns the number of positions tried, which may exceed count by less than the lanes.
func (s *Searcher) Search(w *Work, first uint32, count uint64, found func(nonce uint32) bool) uint64 {
	lanes := uint64(s.Lanes)
	var tried uint64
	for tried < count {
		groups := min((count-tried+lanes-1)/lanes, burst/lanes)
		left, mask := s.scan(w, s.scratch, first+uint32(tried), groups)
		done := groups - left
		start := first + uint32(tried) + uint32((done-1)*lanes)
		tried += done * lanes
		for ; mask != 0; mask &= mask - 1 {
			nonce := bits.ReverseBytes32(start + uint32(bits.TrailingZeros64(mask)))
			if w.meets(w.Hash(nonce)) && !found(nonce) {
				return tried
			}
		}
	}
	return tried
}

// Fastest measures the supported kernels for about 20 ms each and returns the best. It is the wall
// clock's verdict; Measure is the one for figures.
func Fastest() Kernel {
	var best Kernel
	var most uint64
	w := NewWork(&[80]byte{1}, &[32]byte{}) // no hash meets a target of zero
	for _, kernel := range Kernels() {
		if !kernel.Supported {
			continue
		}
		searcher := kernel.NewSearcher()
		var tried uint64
		for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
			tried += searcher.Search(w, uint32(tried), burst, func(uint32) bool { return true })
		}
		if tried > most {
			best, most = kernel, tried
		}
	}
	return best
}
