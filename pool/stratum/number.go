package stratum

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// hexDigit has the value of each hexadecimal digit, 0xff for other bytes.
var hexDigit = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, c := range "0123456789abcdef" {
		table[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		table[c] = byte(10 + i)
	}
	return table
}()

// Hex32 reads one to eight hexadecimal digits, most significant first, an optional 0x before them.
func Hex32(text []byte) (uint32, bool) {
	if len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		text = text[2:]
	}
	if len(text) == 0 || len(text) > 8 {
		return 0, false
	}
	var n uint32
	for _, c := range text {
		digit := hexDigit[c]
		if digit == 0xff {
			return 0, false
		}
		n = n<<4 | uint32(digit)
	}
	return n, true
}

// HexNumber reads a number of 32 bits however its sender pads it: 10c1, 000010c1, 0x10C1, or with
// blanks around it. Firmware leaves leading zeros away (BitMaker-hub/NerdMiner_v2#750).
func HexNumber(text []byte) (uint32, bool) {
	text = bytes.Trim(text, " ")
	if len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		text = text[2:]
	}
	for len(text) > 8 && text[0] == '0' {
		text = text[1:]
	}
	return Hex32(text)
}

// HexBytes decodes hexadecimal text of exactly twice dst's length.
func HexBytes(dst, text []byte) bool {
	if len(text) != 2*len(dst) {
		return false
	}
	for i := range dst {
		high, low := hexDigit[text[2*i]], hexDigit[text[2*i+1]]
		if high == 0xff || low == 0xff {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// AppendHex32 appends eight hexadecimal digits.
func AppendHex32(to []byte, n uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		to = append(to, digits[n>>shift&15])
	}
	return to
}

// Number reads parameter i as a JSON number, or a number in a string, as some firmware sends it.
func (m *Message) Number(i int) (float64, bool) {
	if i >= m.N {
		return 0, false
	}
	text := m.Params[i]
	if quoted, err := m.Text(i); err == nil {
		text = quoted
	}
	n, err := strconv.ParseFloat(string(text), 64)
	return n, err == nil
}

// Decode reads parameter i with the standard decoder, for rare messages.
func (m *Message) Decode(i int, into any) error {
	if i >= m.N {
		return errNoString
	}
	return json.Unmarshal(m.Params[i], into)
}

// Masks of version bits that miners may roll.
const (
	MaskBIP320 = 0x1fffe000
	MaskBIP323 = 0x1fffffe0 // a draft
)
