package cli

import "github.com/aqsha/aqsha/words"

// Said is a text of the catalogue with what is filled in. In JSON it is English, which programs may rely upon; a
// person reads it in a language (In).
type Said struct {
	key   string
	pairs []any
}

// Text is the text of a key with {name} filled in from pairs of a name and a value.
func Text(key string, pairs ...any) Said { return Said{key, pairs} }

// IsZero says whether there is no text.
func (s Said) IsZero() bool { return s.key == "" }

// In is the text in a language.
func (s Said) In(l words.Language) string { return l.Text(s.key, s.pairs...) }

// String is the text in English.
func (s Said) String() string { return s.In(words.English) }

// MarshalText writes it in English.
func (s Said) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
