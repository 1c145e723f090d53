package market

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding/charmap"

	"github.com/aqsha/aqsha/internal/charset"
)

// charsetReader decodes the text of an XML file by the name of its encoding.
func charsetReader(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "utf-8", "us-ascii", "ascii":
		return r, nil
	case "windows-1251", "cp1251":
		return charmap.Windows1251.NewDecoder().Reader(r), nil
	case "windows-1252", "cp1252", "iso-8859-1", "latin1":
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	}
	return nil, fmt.Errorf("the encoding %.40q is not read", name)
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
				return "", nil, nil, refusePacked("gzip", name, err)
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
				return "", nil, nil, refusePacked("zip", name, fmt.Errorf("%s: %w", member.Name, err))
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

// errUnpacksTooLarge is the end of what unpacks to more than is read; the packed file itself may be whole.
var errUnpacksTooLarge = fmt.Errorf("unpacks to more than %d MiB", MaxFileBytes>>20)

// refusePacked refuses what cannot be unpacked: as too large, or as damaged.
func refusePacked(code, name string, err error) error {
	if errors.Is(err, errUnpacksTooLarge) {
		code = "too-large"
	}
	return Refuse(code, name, "%v", err)
}

// readBounded reads at most MaxFileBytes.
func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err == nil && len(data) > MaxFileBytes {
		err = errUnpacksTooLarge
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
		guess, why = charset.Of(data)
	}
	switch strings.ToLower(strings.ReplaceAll(guess, "windows-", "cp")) {
	case "utf-8", "utf8":
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		if why != charset.Valid && !utf8.Valid(data) {
			return "", d, Refuse("not-text", name, "not UTF-8 text")
		}
		text = unsafe.String(unsafe.SliceData(data), len(data))
	case charset.UTF16LE, charset.UTF16BE, "utf-16", charset.CP1251, charset.CP1252:
		if text, err = charset.Decode(data, guess); err != nil {
			err = Refuse("not-text", name, "%v", err)
		}
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

// zeros counts zero bytes at even and odd places.
// decodeUTF16 reads UTF-16; half a surrogate becomes the replacement character.
