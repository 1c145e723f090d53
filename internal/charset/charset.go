// Package charset finds out in which encoding a person's file is and reads it as UTF-8 text: spreadsheets write what
// their system writes, and nobody knows the name of it.
package charset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The encodings that are told apart.
const (
	UTF8    = "utf-8"
	UTF16LE = "utf-16le"
	UTF16BE = "utf-16be"
	CP1251  = "cp1251" // Windows' Cyrillic code page
	CP1252  = "cp1252" // Windows' Western code page
	Binary  = "binary" // no text at all
)

// Text is a file's text, whatever its encoding, which is returned beside it. Where the encoding is no more than
// likely, a wrong guess shows in a name; none replaces a letter by nothing. The error says why a file is no text.
func Text(data []byte) (text, encoding string, err error) {
	encoding, why := Of(data)
	if encoding == Binary {
		if strings.HasPrefix(string(data[:min(4, len(data))]), "PK\x03\x04") {
			why = "it is a workbook or another packed file; save its table as text (CSV)"
		}
		return "", encoding, errors.New("no text: " + why)
	}
	if text, err = Decode(data, encoding); err == nil && strings.ContainsRune(text, 0) {
		err = errors.New("zero bytes in the text")
	}
	return text, encoding, err
}

// Decode reads text in one of the encodings; "utf-16" is that of a file without a mark, little end first. A byte order
// mark is left out. A byte that stands for no letter is an error: it is not put in another's place.
func Decode(data []byte, encoding string) (string, error) {
	text, err := decode(data, encoding)
	if err == nil && encoding != UTF8 && strings.ContainsRune(text, utf8.RuneError) {
		err = errors.New("a letter that is none in " + encoding)
	}
	return text, err
}

func decode(data []byte, encoding string) (string, error) {
	switch encoding {
	case CP1251:
		b, err := charmap.Windows1251.NewDecoder().Bytes(data)
		return string(b), err
	case CP1252:
		b, err := charmap.Windows1252.NewDecoder().Bytes(data)
		return string(b), err
	case UTF16LE, UTF16BE, "utf-16":
		return decodeUTF16(data, encoding == UTF16BE)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return "", errors.New("not UTF-8 text")
	}
	return string(data), nil
}

// Valid is why a text without a mark is taken for UTF-8: all of it was looked at.
const Valid = "valid as that"

// Of guesses a file's encoding and says why, as the guess is part of a table's provenance and somebody may know better:
// by byte order mark, by the zeros of UTF-16, as UTF-8 where it is that, and else as Windows' Cyrillic or Western code
// page, told apart by their letters' neighbours.
func Of(data []byte) (guess, why string) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return UTF8, "its byte order mark"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return UTF16LE, "its byte order mark"
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return UTF16BE, "its byte order mark"
	}
	head := data[:min(len(data), 4096)]
	// Digits and separators of UTF-16 have a zero byte each, on one side; zeros on both are no text.
	if even, odd := zeros(head); even+odd > 0 {
		switch {
		case odd > len(head)/4 && even < len(head)/16:
			return UTF16LE, "every second byte of its beginning is zero"
		case even > len(head)/4 && odd < len(head)/16:
			return UTF16BE, "every second byte of its beginning is zero"
		}
		return Binary, "it has zero bytes"
	}
	if utf8.Valid(data) {
		return UTF8, Valid
	}
	words, mixed, control := letters(data)
	switch {
	case control > 0:
		return Binary, "it has control characters"
	case words > 0 && mixed*4 < words:
		return CP1251, "not UTF-8, and its letters beyond ASCII stand beside each other: Cyrillic words"
	}
	return CP1252, "not UTF-8, and its letters beyond ASCII stand alone or among Latin ones"
}

// zeros counts the zero bytes at even and at odd places.
func zeros(data []byte) (even, odd int) {
	for i, b := range data {
		if b == 0 {
			if i%2 == 0 {
				even++
			} else {
				odd++
			}
		}
	}
	return even, odd
}

// letters counts letters of the upper half that stand beside another such, and
// beside an ASCII letter.
func letters(data []byte) (words, mixed, control int) {
	upper := func(b byte) bool { return b >= 0xc0 || b == 0xa8 || b == 0xb8 }
	for i := 1; i < len(data); i++ {
		a, b := data[i-1], data[i]
		switch {
		case upper(a) && upper(b):
			words++
		case upper(a) && b < 0x80 && unicode.IsLetter(rune(b)), upper(b) && a < 0x80 && unicode.IsLetter(rune(a)):
			mixed++
		}
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' {
			control++
		}
	}
	return words, mixed, control
}

func decodeUTF16(data []byte, big bool) (string, error) {
	if len(data)%2 != 0 {
		return "", errors.New("UTF-16 with an odd number of bytes")
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff"), nil
}
