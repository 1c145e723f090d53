package market

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding/charmap"
)

// charsetReader decodes the text of an XML file by the name of its encoding.
func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "utf-8", "us-ascii", "ascii":
		return r, nil
	case "windows-1251", "cp1251":
		return charmap.Windows1251.NewDecoder().Reader(r), nil
	case "windows-1252", "cp1252", "iso-8859-1", "latin1":
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	}
	return nil, fmt.Errorf("the encoding %.40q is not read", charset)
}

// unpack opens gzip and zip, of which data files are often a wrapping; a
// workbook is a zip too and stays one. What it unpacks to is bounded.
func unpack(name string, data []byte, options ReadOptions) (inner string, _ []byte, decided []Decision, err error) {
	chosen := false
	for range 2 { // a .csv.gz in a .zip, but no onions
		switch {
		case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				return "", nil, nil, Refuse("gzip", name, "%v", err)
			}
			if data, err = readBounded(r); err != nil {
				return "", nil, nil, Refuse("gzip", name, "%v", err)
			}
			decided = append(decided, Decision{"container", "gzip", "its first two bytes"})
		case bytes.HasPrefix(data, []byte("PK\x03\x04")):
			r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return "", nil, nil, Refuse("zip", name, "%v", err)
			}
			if slices.ContainsFunc(r.File, func(f *zip.File) bool { return f.Name == "xl/workbook.xml" }) {
				return name, data, decided, nil
			}
			member, err := memberOf(name, r, options.Member)
			if err != nil {
				return "", nil, nil, err
			}
			if data, err = readMember(member); err != nil {
				return "", nil, nil, Refuse("zip", name, "%s: %v", member.Name, err)
			}
			chosen = true
			decided = append(decided, Decision{"container", "zip, " + member.Name, "its first four bytes"})
		default:
			if options.Member != "" && !chosen {
				return "", nil, nil, Refuse("member", name, "is neither a zip nor a workbook: it has no part %q",
					options.Member)
			}
			return name, data, decided, nil
		}
	}
	return name, data, decided, nil
}

// memberOf is the only data file of a zip, or the one that was asked for. Which of several is not guessed.
func memberOf(name string, r *zip.Reader, wanted string) (*zip.File, error) {
	var members []*zip.File
	var names []string
	for _, f := range r.File {
		base := path.Base(f.Name)
		if wanted != "" && f.Name != wanted || f.FileInfo().IsDir() || strings.HasPrefix(base, ".") ||
			strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		if wanted == "" && !slices.Contains([]string{".csv", ".tsv", ".txt", ".gz", ".xlsx", ".parquet"},
			strings.ToLower(path.Ext(base))) {
			continue
		}
		members, names = append(members, f), append(names, f.Name)
	}
	if len(members) != 1 {
		return nil, Refuse("zip-members", name, "holds %d data files (%.300s); name one with --member", len(members),
			strings.Join(names, ", "))
	}
	return members[0], nil
}

// readMember unpacks one part of a zip; what its header claims of the size is not believed.
func readMember(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readBounded(r)
}

// readBounded reads at most MaxFileBytes.
func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err == nil && len(data) > MaxFileBytes {
		err = fmt.Errorf("unpacks to more than %d MiB", MaxFileBytes>>20)
	}
	return data, err
}

// decodeText turns bytes into UTF-8 text. The text of a file in UTF-8 is the
// caller's bytes themselves, which are not written to while they are read; what
// of it outlives the reading (headers, names, raw cells) is copied.
//
// The encoding is found by byte order mark, by the zeros of UTF-16, as UTF-8
// where it is that, and else as Windows' Cyrillic or Western code page, told
// apart by their letters' neighbours.
func decodeText(name string, data []byte, declared string) (text string, d Decision, err error) {
	guess, why := declared, "as declared"
	if declared == "" {
		guess, why = encodingOf(data)
	}
	switch strings.ToLower(strings.ReplaceAll(guess, "windows-", "cp")) {
	case "utf-8", "utf8":
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		if why != validUTF8 && !utf8.Valid(data) {
			return "", d, Refuse("not-text", name, "not UTF-8 text")
		}
		text = unsafe.String(unsafe.SliceData(data), len(data))
	case "utf-16le", "utf-16be", "utf-16":
		text, err = decodeUTF16(name, data, strings.HasSuffix(guess, "be"))
	case "cp1251":
		var b []byte
		b, err = charmap.Windows1251.NewDecoder().Bytes(data)
		text = string(b)
	case "cp1252":
		var b []byte
		b, err = charmap.Windows1252.NewDecoder().Bytes(data)
		text = string(b)
	case "binary":
		return "", d, Refuse("not-text", name, "neither Parquet, a workbook, nor text: %s", why)
	default:
		return "", d, Refuse("encoding", "encoding", "%q is not utf-8, utf-16le, utf-16be, cp1251 or cp1252", declared)
	}
	// A wrong guess of the encoding leaves zeros: better refused than read as numbers with holes.
	if err == nil && strings.ContainsRune(text, 0) {
		err = Refuse("not-text", name, "zero bytes in the text")
	}
	return text, Decision{"encoding", guess, why}, err
}

// validUTF8 is why a text without a mark is taken for UTF-8: all of it was looked at.
const validUTF8 = "valid as that"

// encodingOf guesses a file's encoding and says why, as the guess is part of a table's provenance and somebody may know
// better.
func encodingOf(data []byte) (guess, why string) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "utf-8", "its byte order mark"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return "utf-16le", "its byte order mark"
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return "utf-16be", "its byte order mark"
	}
	head := data[:min(len(data), 4096)]
	// Digits and separators of UTF-16 have a zero byte each, on one side; zeros on both are no text.
	if even, odd := zeros(head); even+odd > 0 {
		switch {
		case odd > len(head)/4 && even < len(head)/16:
			return "utf-16le", "every second byte of its beginning is zero"
		case even > len(head)/4 && odd < len(head)/16:
			return "utf-16be", "every second byte of its beginning is zero"
		}
		return "binary", "it has zero bytes"
	}
	if utf8.Valid(data) {
		return "utf-8", validUTF8
	}
	words, mixed, control := letters(data)
	switch {
	case control > 0:
		return "binary", "it has control characters"
	case words > 0 && mixed*4 < words:
		return "cp1251", "not UTF-8, and its letters beyond ASCII stand beside each other: Cyrillic words"
	}
	return "cp1252", "not UTF-8, and its letters beyond ASCII stand alone or among Latin ones"
}

// zeros counts zero bytes at even and odd places.
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

// decodeUTF16 reads UTF-16; half a surrogate becomes the replacement character.
func decodeUTF16(name string, data []byte, big bool) (string, error) {
	if len(data)%2 != 0 {
		return "", Refuse("not-text", name, "UTF-16 with an odd number of bytes")
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
