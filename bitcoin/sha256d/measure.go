package sha256d

import (
	"context"
	"encoding/binary"
	"runtime"
	"time"
)

// Rate is what a kernel reached in a measurement.
type Rate struct {
	Name      string  `json:"name"`
	Supported bool    `json:"supported"`
	Lanes     int     `json:"lanes,omitempty"`
	Needs     string  `json:"needs,omitempty"`
	MHPerCPU  float64 `json:"mh_per_cpu_second"` // million header hashes per second of processor time
}

// Comparison holds the rates of one measurement.
type Comparison struct {
	Kernels []Rate `json:"kernels"`
	Std     Rate   `json:"standard_library"`
	// BestOverStd is the best kernel's rate over the standard library's double hash.
	BestOverStd float64 `json:"best_over_std"`
	Best        string  `json:"best"`
}

// slice is the time given to one kernel at a time, short beside the disturbances of a shared machine.
const slice = 25 * time.Millisecond

// Measure runs all supported kernels and the standard library in turns, rounds times, and keeps
// each one's best turn: what the processor does when nothing else shares its units. Rates are per
// second of this thread's processor time where the system tells it.
func Measure(ctx context.Context, rounds int, progress func(done int)) (*Comparison, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	kernels := Kernels()
	result := &Comparison{Std: Rate{Name: "standard library", Supported: true, Lanes: 1}}
	for _, kernel := range kernels {
		result.Kernels = append(result.Kernels, Rate{kernel.Name, kernel.Supported, kernel.Lanes, kernel.Needs, 0})
	}
	// Each kernel has its turn within a round: whoever else takes the processor for a while takes it from all.
	w := NewWork(&[80]byte{1}, &[32]byte{})
	header := w.Header(0)
	var sink byte
	for i := range rounds {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for j, kernel := range kernels {
			if !kernel.Supported {
				continue
			}
			searcher := kernel.NewSearcher()
			rate := measure(func(from uint32) uint64 {
				return searcher.Search(w, from, burst, func(uint32) bool { return true })
			})
			result.Kernels[j].MHPerCPU = max(result.Kernels[j].MHPerCPU, rate)
		}
		rate := measure(func(from uint32) uint64 {
			for n := range uint32(1 << 10) {
				binary.LittleEndian.PutUint32(header[76:], from+n)
				sum := Sum(header[:])
				// Used, or the compiler may leave the hashing out.
				sink ^= sum[31]
			}
			return 1 << 10
		})
		result.Std.MHPerCPU = max(result.Std.MHPerCPU, rate)
		if progress != nil {
			progress(i + 1)
		}
	}
	runtime.KeepAlive(sink)
	for _, rate := range result.Kernels {
		if over := rate.MHPerCPU / result.Std.MHPerCPU; over > result.BestOverStd {
			result.BestOverStd, result.Best = over, rate.Name
		}
	}
	return result, nil
}

// measure returns million hashes per second of processor time over one slice.
func measure(run func(from uint32) uint64) float64 {
	run(0) // fetches code and table
	var hashes uint64
	start := threadTime()
	for {
		hashes += run(uint32(hashes))
		if spent := threadTime() - start; spent >= slice {
			return float64(hashes) / spent.Seconds() / 1e6
		}
	}
}
