package sha256d_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/bitcoin/sha256d"
)

// The genesis block's nonce is found among its neighbours.
func ExampleSearcher_Search() {
	raw, _ := hex.DecodeString("0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c")
	var target [32]byte
	target[26], target[27] = 0xff, 0xff // difficulty 1
	work := sha256d.NewWork((*[80]byte)(raw), &target)
	searcher := sha256d.Fastest().NewSearcher()
	near := bits.ReverseBytes32(2083236893) - 1000
	searcher.Search(work, near, 2000, func(nonce uint32) bool {
		fmt.Println(nonce)
		return true
	})
	// Output: 2083236893
}

// supported lists the kernels that this processor runs and names those it does not.
func supported(t testing.TB) []sha256d.Kernel {
	var kernels []sha256d.Kernel
	for _, kernel := range sha256d.Kernels() {
		if kernel.Supported {
			kernels = append(kernels, kernel)
		} else {
			t.Logf("not tested, this processor lacks it: %s (%s)", kernel.Name, kernel.Needs)
		}
	}
	return kernels
}

// expect is the same search by the standard library alone.
func expect(work *sha256d.Work, target [32]byte, first uint32, count uint64) []uint32 {
	var nonces []uint32
	for i := range count {
		nonce := bits.ReverseBytes32(first + uint32(i))
		hash := work.Hash(nonce)
		slices.Reverse(hash[:])
		bound := target
		slices.Reverse(bound[:])
		if slices.Compare(hash[:], bound[:]) <= 0 {
			nonces = append(nonces, nonce)
		}
	}
	return nonces
}

func search(kernel sha256d.Kernel, work *sha256d.Work, first uint32, count uint64) ([]uint32, uint64) {
	var nonces []uint32
	tried := kernel.NewSearcher().Search(work, first, count, func(nonce uint32) bool {
		nonces = append(nonces, nonce)
		return true
	})
	return nonces, tried
}

// Every kernel finds exactly what the standard library finds, over millions of headers: random
// headers, and targets near the middle so that each hash's top word decides with one bit or more.
func TestKernelsAgreeWithTheStandardLibrary(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 20
	}
	const positions = 768 // a multiple of every kernel's lanes
	random := rand.New(rand.NewPCG(20, 26))
	kernels := supported(t)
	total := 0
	for range rounds {
		var header [80]byte
		var target [32]byte
		for i := range header {
			header[i] = byte(random.Uint32())
		}
		binary.LittleEndian.PutUint32(target[28:], random.Uint32())
		binary.LittleEndian.PutUint32(target[24:], random.Uint32())
		first := random.Uint32()
		if random.IntN(8) == 0 {
			first = -uint32(random.IntN(600)) // wraps around
		}
		work := sha256d.NewWork(&header, &target)
		want := expect(work, target, first, positions)
		for _, kernel := range kernels {
			got, tried := search(kernel, work, first, positions)
			total += int(tried)
			if tried != positions || !slices.Equal(got, want) {
				t.Fatalf("%s: header %x, first %08x: tried %d, found %d nonces, want %d", kernel.Name, header, first, tried, len(got), len(want))
			}
		}
	}
	t.Logf("%d headers", total)
}

// The boundary is exact: with a target equal to a lane's hash it is found, one below it is not.
func TestBoundary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, kernel := range supported(t) {
		for i := range 3 * kernel.Lanes {
			var header [80]byte
			binary.LittleEndian.PutUint64(header[60:], random.Uint64())
			var zero [32]byte
			nonce := bits.ReverseBytes32(uint32(i))
			target := sha256d.NewWork(&header, &zero).Hash(nonce)
			got, _ := search(kernel, sha256d.NewWork(&header, &target), 0, uint64(3*kernel.Lanes))
			if !slices.Contains(got, nonce) {
				t.Fatalf("%s: lane %d is lost at its own hash", kernel.Name, i)
			}
			for j := 0; ; j++ {
				target[j]--
				if target[j] != 0xff {
					break
				}
			}
			got, _ = search(kernel, sha256d.NewWork(&header, &target), 0, uint64(3*kernel.Lanes))
			if slices.Contains(got, nonce) {
				t.Fatalf("%s: lane %d is found above its target", kernel.Name, i)
			}
		}
	}
}

// Blocks of mainnet: each kernel finds the nonce that the network accepted.
func TestRealBlocks(t *testing.T) {
	for _, b := range []struct{ height, header string }{
		{"0", "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"},
		{"1", "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"},
		{"125552", "0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000e320b6c2fffc8d750423db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695"},
	} {
		raw, err := hex.DecodeString(b.header)
		if err != nil {
			t.Fatal(err)
		}
		nonce := binary.LittleEndian.Uint32(raw[76:])
		bitsField := binary.LittleEndian.Uint32(raw[72:])
		var target [32]byte
		binary.LittleEndian.PutUint32(target[bitsField>>24-3:], bitsField&0xffffff)
		work := sha256d.NewWork((*[80]byte)(raw), &target)
		for _, kernel := range supported(t) {
			got, _ := search(kernel, work, bits.ReverseBytes32(nonce)-2500, 5000)
			if !slices.Equal(got, []uint32{nonce}) {
				t.Errorf("block %s, %s: found %d, want %d", b.height, kernel.Name, got, nonce)
			}
		}
	}
}

func TestSearchCanBeStopped(t *testing.T) {
	var target [32]byte
	target[31] = 0xff
	work := sha256d.NewWork(&[80]byte{}, &target)
	for _, kernel := range supported(t) {
		n := 0
		kernel.NewSearcher().Search(work, 0, 1<<20, func(uint32) bool { n++; return n < 3 })
		if n != 3 {
			t.Errorf("%s: %d nonces after the stop", kernel.Name, n)
		}
	}
}

func FuzzKernels(f *testing.F) {
	f.Add(make([]byte, 80), uint32(0), uint32(1<<31))
	f.Fuzz(func(t *testing.T, raw []byte, first, top uint32) {
		var header [80]byte
		copy(header[:], raw)
		var target [32]byte
		binary.LittleEndian.PutUint32(target[28:], top)
		work := sha256d.NewWork(&header, &target)
		for _, kernel := range supported(t) {
			got, tried := search(kernel, work, first, 48)
			if want := expect(work, target, first, tried); !slices.Equal(got, want) {
				t.Fatalf("%s: found %x, want %x", kernel.Name, got, want)
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	var target [32]byte
	work := sha256d.NewWork(&[80]byte{1}, &target)
	for _, kernel := range sha256d.Kernels() {
		if !kernel.Supported {
			continue
		}
		b.Run(kernel.Name, func(b *testing.B) {
			searcher := kernel.NewSearcher()
			var tried uint64
			for b.Loop() {
				tried += searcher.Search(work, uint32(tried), 1<<16, func(uint32) bool { return true })
			}
			b.ReportMetric(float64(tried)/b.Elapsed().Seconds()/1e6, "MH/s")
		})
	}
	b.Run("standard library", func(b *testing.B) {
		header := make([]byte, 80)
		tried := 0
		for b.Loop() {
			for i := range 1 << 12 {
				binary.LittleEndian.PutUint32(header[76:], uint32(i))
				sha256d.Sum(header)
			}
			tried += 1 << 12
		}
		b.ReportMetric(float64(tried)/b.Elapsed().Seconds()/1e6, "MH/s")
	})
}
