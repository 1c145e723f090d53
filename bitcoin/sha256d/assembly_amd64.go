package sha256d

import "golang.org/x/sys/cpu"

// hasSHA reports the SHA extensions, which x/sys/cpu does not name.
func hasSHA() bool

func assembly() []Kernel {
	has := cpu.X86
	avx512 := has.HasAVX512F && has.HasAVX512BW
	sha := hasSHA() && has.HasSSE41 && has.HasSSSE3
	return []Kernel{
		{"avx512+sha", 24, "AVX-512 F and BW, SHA", avx512 && sha, call(scanMixed)},
		{"avx512", 16, "AVX-512 F and BW", avx512, call(scanAVX512)},
		{"sha", 2, "SHA, SSE4.1", sha, call(scanSHA)},
		{"avx2", 8, "AVX2", has.HasAVX2, func(w *Work, scratch []uint32, word uint32, groups uint64) (left,
			mask uint64) {
			return scanAVX2(&w.wide[0], &scratch[0], word, groups)
		}},
	}
}

func call(kernel func(work, scratch *uint32, nonce uint32, groups uint64) (left, mask uint64)) func(*Work, []uint32,
	uint32, uint64) (uint64, uint64) {
	return func(w *Work, scratch []uint32, word uint32, groups uint64) (uint64, uint64) {
		return kernel(&w.table[0], &scratch[0], word, groups)
	}
}
