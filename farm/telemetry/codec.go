package telemetry

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// errBlock is what is said of packed bytes that cannot be read.
var errBlock = errors.New("packed block is damaged")

// maxColumn is how many values a column may have: polls of an hour each second, or cells of a day.
const maxColumn = 4096

// How a column is packed.
const (
	constant = iota // every residual is zero
	sparse          // the residuals that are not zero, each with the gap before it
	riceMode        // mode byte: riceMode + k
)

// An escaped residual is escapeOnes ones, six bits of length and the bits.
const escapeOnes = 24

// packColumn appends values as: order, first values, mean, divisor, residuals. The order of differences that takes
// fewest bytes is found by trying all of them. A column is packed the same way wherever it is done.
func packColumn(to []byte, values []int64, scratch *packer) []byte {
	best := scratch.best[:0]
	for order := range min(3, len(values)) {
		candidate := scratch.pack(values, order)
		if order == 0 || len(candidate) < len(best) {
			best = append(best[:0], candidate...)
		}
	}
	scratch.best = best
	return append(to, best...)
}

// packer is room that is used again from column to column; one at a time may use it.
type packer struct {
	best, out []byte
	residuals []int64
}

// pack packs values with one order of differences. Its result lies in p.out and holds until the next call.
func (p *packer) pack(values []int64, order int) []byte {
	r := append(p.residuals[:0], values...)
	for d := range order {
		for i := len(r) - 1; i > d; i-- {
			r[i] -= r[i-1] // wraps, and unwraps when read
		}
	}
	p.residuals = r
	heads, r := r[:order], r[order:]
	mean := meanOf(r)
	divisor := uint64(0)
	for i := range r {
		r[i] -= mean
		divisor = gcd(divisor, magnitude(r[i]))
	}
	divisor = max(divisor, 1)
	if divisor > 1 && divisor < 1<<63 {
		for i := range r {
			r[i] /= int64(divisor)
		}
	} else {
		divisor = 1
	}
	k, riceBits := bestRice(r)
	sparseBytes := sparseSize(r)
	out := p.out[:0]
	mode := byte(constant)
	switch {
	case sparseBytes == 1: // no residual
	case sparseBytes <= (riceBits+7)/8:
		mode = sparse
	default:
		mode = riceMode + byte(k)
	}
	out = append(out, byte(order)<<6|mode&0x3f)
	if mode >= riceMode+60 {
		panic("rice parameter beyond its range")
	}
	for _, h := range heads {
		out = binary.AppendVarint(out, h)
	}
	out = binary.AppendVarint(out, mean)
	if mode == constant {
		p.out = out
		return out
	}
	out = binary.AppendUvarint(out, divisor)
	if mode == sparse {
		out = appendSparse(out, r)
	} else {
		out = appendRice(out, r, k)
	}
	p.out = out
	return out
}

// meanOf is the mean of the differences, brought to a value that some difference has, so that the
// divisor survives it.
func meanOf(r []int64) int64 {
	if len(r) == 0 {
		return 0
	}
	var sum int64
	for _, v := range r {
		sum += v / int64(len(r))
	}
	best := r[0]
	for _, v := range r {
		if magnitude(v-sum) < magnitude(best-sum) {
			best = v
		}
	}
	return best
}

// magnitude is |v|; as an unsigned number, so that the smallest int64 has one.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// gcd of 0 and b is b.
func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// zigzag puts numbers near zero of either sign first: 0, −1, 1, −2, 2, …
func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// bestRice chooses the parameter with the fewest bits. The search ends once a parameter takes twice the least so far;
// size is the least.
func bestRice(r []int64) (k, size int) {
	best := -1
	for candidate := range 59 {
		total := 0
		for _, v := range r {
			total += riceLength(zigzag(v), candidate)
		}
		if best < 0 || total < best {
			best, k = total, candidate
		} else if total > 2*best {
			break
		}
	}
	return k, max(best, 0)
}

// riceLength is how many bits a number takes: u>>k ones, a zero and k bits, or the escape.
func riceLength(u uint64, k int) int {
	if q := u >> k; q < escapeOnes {
		return int(q) + 1 + k
	}
	return escapeOnes + 6 + bits.Len64(u)
}

// uvarintLength is how many bytes a number takes in binary.AppendUvarint.
func uvarintLength(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }

// sparseSize is how many bytes appendSparse will write; 1 if every residual is zero.
func sparseSize(r []int64) int {
	size, gap, count := 0, uint64(0), uint64(0)
	for _, v := range r {
		if v == 0 {
			gap++
			continue
		}
		size += uvarintLength(gap) + uvarintLength(zigzag(v))
		gap = 0
		count++
	}
	return size + uvarintLength(count)
}

// appendSparse writes how many are not zero, and of each how many zeros stand before it, and its value.
func appendSparse(out []byte, r []int64) []byte {
	count := uint64(0)
	for _, v := range r {
		if v != 0 {
			count++
		}
	}
	out = binary.AppendUvarint(out, count)
	gap := uint64(0)
	for _, v := range r {
		if v == 0 {
			gap++
			continue
		}
		out = binary.AppendUvarint(out, gap)
		out = binary.AppendUvarint(out, zigzag(v))
		gap = 0
	}
	return out
}

// appendRice writes bits from the lowest of each byte up.
func appendRice(out []byte, r []int64, k int) []byte {
	var w bitWriter
	w.out = out
	for _, v := range r {
		u := zigzag(v)
		if q := u >> k; q < escapeOnes {
			w.put(1<<q-1, int(q)+1) // q ones and a zero
			w.put(u&(1<<k-1), k)
			continue
		}
		w.put(1<<escapeOnes-1, escapeOnes)
		n := bits.Len64(u)
		w.put(uint64(n-1), 6)
		w.put(u, n)
	}
	return w.flush()
}

// bitWriter collects bits in acc, the lowest first, and hands them on by bytes.
type bitWriter struct {
	out  []byte
	acc  uint64
	held int
}

func (w *bitWriter) put(v uint64, n int) {
	for n > 0 {
		take := min(n, 32)
		w.acc |= (v & (1<<take - 1)) << w.held
		w.held += take
		for w.held >= 8 {
			w.out = append(w.out, byte(w.acc))
			w.acc >>= 8
			w.held -= 8
		}
		v >>= take
		n -= take
	}
}

// flush fills the last byte with zeros.
func (w *bitWriter) flush() []byte {
	if w.held > 0 {
		w.out = append(w.out, byte(w.acc))
	}
	return w.out
}

// bitReader reads what bitWriter wrote.
type bitReader struct {
	in  []byte
	pos int // bits
}

// get reads n bits, at most 64; false where there are fewer.
func (r *bitReader) get(n int) (uint64, bool) {
	if r.pos+n > 8*len(r.in) {
		return 0, false
	}
	var v uint64
	for got := 0; got < n; {
		offset := (r.pos + got) & 7
		take := min(8-offset, n-got)
		part := uint64(r.in[(r.pos+got)>>3]>>offset) & (1<<take - 1)
		v |= part << got
		got += take
	}
	r.pos += n
	return v, true
}

// unpackColumn reads n values and returns what follows them. Any bytes may come: it returns an error or values, and
// reads nothing outside.
func unpackColumn(in []byte, values []int64) (rest []byte, err error) {
	if len(in) == 0 {
		return nil, errBlock
	}
	order, mode := int(in[0]>>6), in[0]&0x3f
	in = in[1:]
	if order > 2 || order > len(values) {
		return nil, errBlock
	}
	for i := range order {
		if values[i], in, err = takeVarint(in); err != nil {
			return nil, err
		}
	}
	mean, in, err := takeVarint(in)
	if err != nil {
		return nil, err
	}
	// The first values stand in full and the rest as differences of that order: they are summed up again below, as
	// often. Sums may wrap round as they did in packing, so every column comes back exactly.
	r := values[order:]
	clear(r)
	if mode != constant {
		divisor, n := binary.Uvarint(in)
		if n <= 0 || divisor == 0 || divisor > 1<<63-1 {
			return nil, errBlock
		}
		if mode == sparse {
			in, err = takeSparse(in[n:], r)
		} else {
			in, err = takeRice(in[n:], r, int(mode-riceMode))
		}
		if err != nil {
			return nil, err
		}
		for i := range r {
			r[i] *= int64(divisor)
		}
	}
	for i := range r {
		r[i] += mean
	}
	for d := order - 1; d >= 0; d-- {
		for i := d + 1; i < len(values); i++ {
			values[i] += values[i-1]
		}
	}
	return in, nil
}

// takeVarint reads one number and returns what follows it.
func takeVarint(in []byte) (int64, []byte, error) {
	v, n := binary.Varint(in)
	if n <= 0 {
		return 0, nil, errBlock
	}
	return v, in[n:], nil
}

// takeSparse reads what appendSparse wrote into r, which is all zeros before.
func takeSparse(in []byte, r []int64) ([]byte, error) {
	count, n := binary.Uvarint(in)
	if n <= 0 || count > uint64(len(r)) {
		return nil, errBlock
	}
	in = in[n:]
	at := uint64(0)
	for range count {
		gap, n := binary.Uvarint(in)
		if n <= 0 || gap >= uint64(len(r)) {
			return nil, errBlock
		}
		v, m := binary.Uvarint(in[n:])
		if m <= 0 || at+gap >= uint64(len(r)) {
			return nil, errBlock
		}
		in = in[n+m:]
		r[at+gap] = unzigzag(v)
		at += gap + 1
	}
	return in, nil
}

// takeRice reads numbers in Golomb–Rice code. Whatever the bytes are, it ends: a run of ones is bounded by escapeOnes,
// behind which the number stands in full, and each number takes at least a bit.
func takeRice(in []byte, r []int64, k int) ([]byte, error) {
	b := bitReader{in: in}
	for i := range r {
		q := uint64(0)
		for q < escapeOnes {
			bit, ok := b.get(1)
			if !ok {
				return nil, errBlock
			}
			if bit == 0 {
				break
			}
			q++
		}
		if q < escapeOnes {
			low, ok := b.get(k)
			if !ok {
				return nil, errBlock
			}
			r[i] = unzigzag(q<<k | low)
			continue
		}
		// The number's length less one, in six bits: 1 to 64 bits follow.
		n, ok := b.get(6)
		if !ok {
			return nil, errBlock
		}
		u, ok := b.get(int(n) + 1)
		if !ok {
			return nil, errBlock
		}
		r[i] = unzigzag(u)
	}
	return in[(b.pos+7)/8:], nil
}
