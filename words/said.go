package words

import (
	"errors"
	"fmt"
	"strings"
)

// Said is a text of the catalogue with what is filled in. In JSON it is English, which programs may rely upon; a person
// reads it in a language (In). What was read back from JSON is the English text alone. The zero value says nothing.
type Said struct {
	key   string
	pairs []any
	text  string // in English, where that is not the catalogue's; alone: in every language
	// counted is whether the text depends on a number, the first pair's value.
	counted bool
}

// Say is the text of a key with {name} filled in from pairs of a name and a value. A value that is a Said itself,
// or has an In as it has, and an error are said in the same language.
func Say(key string, pairs ...any) Said { return Said{key: key, pairs: pairs} }

// SayCount is Say of a text that depends on a number, which is {count} in it.
func SayCount(key string, n int, pairs ...any) Said {
	return Said{key: key, pairs: append([]any{"count", n}, pairs...), counted: true}
}

// SayAs is Say of a text whose English stands elsewhere, as with more figures in a sealed file.
func SayAs(english, key string, pairs ...any) Said {
	return Said{key: key, pairs: pairs, text: english}
}

// Quote is a text that is the same in every language: a name, or somebody's own words.
func Quote(text string) Said { return Said{text: text} }

// IsZero says whether there is no text.
func (s Said) IsZero() bool { return s.key == "" && s.text == "" }

// In is the text in a language.
func (s Said) In(l Language) string {
	if s.key == "" || l == English && s.text != "" {
		return s.text
	}
	pairs := make([]any, len(s.pairs))
	for i, value := range s.pairs {
		pairs[i] = in(l, value)
	}
	if n, is := s.number(); is {
		return l.Count(s.key, n, pairs[2:]...)
	}
	return l.Text(s.key, pairs...)
}

// number is what a text depends on.
func (s Said) number() (n int, is bool) {
	if s.counted {
		n, is = s.pairs[1].(int)
	}
	return n, is
}

// in is a value of a text in a language.
func in(l Language, value any) any {
	switch value := value.(type) {
	case interface{ In(Language) string }:
		return value.In(l)
	case error:
		return l.Error(value)
	}
	return value
}

// Error is what an error says: in English its own message, which is technical; in another language what its code means,
// where it has one.
func (l Language) Error(err error) string {
	var coded interface{ ErrorCode() string }
	has := errors.As(err, &coded)
	if l == English || !has {
		return err.Error()
	}
	if e, known := l.Explain(coded.ErrorCode()); known {
		return e.Title
	}
	return err.Error()
}

// String is the text in English.
func (s Said) String() string { return s.In(English) }

// MarshalText writes it in English.
func (s Said) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes an English text as it stands.
func (s *Said) UnmarshalText(text []byte) error {
	*s = Quote(string(text))
	return nil
}

var _ fmt.Stringer = Said{}

// Phrase is an English text that programs rely upon (a verdict, a measure's name, why something is not available) in a
// language: the text of the section under its slug. It is itself in English, and where the catalogue has it not,
// as with names that people chose.
func (l Language) Phrase(section, english string) string {
	if l == English || english == "" {
		return english
	}
	key := section + "." + Slug(english)
	if text := l.Text(key); text != key {
		return text
	}
	return english
}

// maxSlug bounds a slug, in bytes.
const maxSlug = 72

// Slug is an English text as the last part of a key: its letters and digits, small, the rest as single hyphens.
func Slug(english string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(english) {
		switch {
		case b.Len() >= maxSlug:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
