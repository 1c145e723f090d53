package charset

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

const inventory = "site;rack;model\r\nЭкибастуз;Қатар 1;Antminer S19\r\nКатар;2;Antminer S21\r\n"

// A text in each encoding is read as what was written, and the encoding is found without being declared.
func TestTextsOfAllEncodings(t *testing.T) {
	western := "café;größe;ærø\r\nAntminer S19;München;1\r\n"
	cyrillic := strings.ReplaceAll(inventory, "Қ", "К") // the code page has no Kazakh letters
	for want, c := range map[string]struct {
		text string
		as   encoding.Encoding
		mark string
	}{
		UTF8:               {inventory, encoding.Nop, ""},
		UTF8 + " marked":   {inventory, encoding.Nop, "\xef\xbb\xbf"},
		UTF16LE:            {inventory, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "\xff\xfe"},
		UTF16BE:            {inventory, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "\xfe\xff"},
		UTF16LE + " plain": {strings.Repeat("12;34\n", 20), unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), ""},
		CP1251:             {cyrillic, charmap.Windows1251, ""},
		CP1252:             {western, charmap.Windows1252, ""},
	} {
		raw, err := c.as.NewEncoder().String(c.text)
		if err != nil {
			t.Fatal(err)
		}
		text, found, err := Text([]byte(c.mark + raw))
		if name, _, _ := strings.Cut(want, " "); err != nil || found != name || text != c.text {
			t.Errorf("%s: %q in %s, %v", want, text, found, err)
		}
	}
}

// What is no text, or not all of it, is refused: nothing is put in the place of a letter.
func TestWhatIsNoText(t *testing.T) {
	for name, data := range map[string]string{
		"a picture":               "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
		"control characters":      "абв\xff\x01\x02",
		"half a unit":             "\xff\xfeA\x00B",
		"half a pair":             "\xff\xfeA\x00\x3d\xd8B\x00",
		"no letter of the page":   "\xdd\xea\xe8\x98\xdd\xea\xe8\n",
		"zeros under a mark":      "\xff\xfe\x00\x00A\x00",
		"UTF-8 with a stray byte": "\xef\xbb\xbfabc\xff",
	} {
		if text, found, err := Text([]byte(data)); err == nil {
			t.Errorf("%s: %q in %s", name, text, found)
		}
	}
	if _, _, err := Text([]byte("PK\x03\x04\x14\x00\x06\x00\x00\x00")); err == nil || !strings.Contains(err.Error(), "workbook") {
		t.Errorf("a workbook: %v", err)
	}
	if _, err := Decode([]byte("\xff"), UTF8); err == nil {
		t.Error("a stray byte is UTF-8")
	}
}

// Whatever the bytes, a text that comes out is UTF-8 without zeros, and what was UTF-8 is not changed.
func TestTextIsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		text, found, err := Text(data)
		if err == nil && (!utf8.ValidString(text) || strings.ContainsRune(text, 0)) {
			t.Fatalf("%q in %s", text, found)
		}
		plain := rapid.String().Draw(t, "plain")
		if text, _, err := Text([]byte(plain)); err == nil && strings.TrimPrefix(plain, "\ufeff") != text {
			t.Fatalf("%q became %q", plain, text)
		}
	})
}
