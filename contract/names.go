package contract

import (
	"strings"
	"unicode"
)

// NameProblem says why a purpose or an agency may not bear a name since rules version 3: who reads it must not take it
// for a number, a word of the language, or another name. It returns what is wrong, or nothing.
func NameProblem(name string) string {
	switch {
	case name == "plain" || name == "same" || name == Any:
		return "the word means something else where purposes are named"
	case strings.Trim(name, "0123456789") == "":
		return "it is a number, and purposes have numbers"
	case strings.TrimSpace(name) != name || strings.Contains(name, "  "):
		return "it begins or ends with a space, or has two together"
	case strings.Contains(name, "/"):
		return "the stroke stands between an agency's name and a purpose's"
	}
	word := "" // the script of the word that is being read
	for _, r := range name {
		script := scriptOf(r)
		switch {
		case r == ' ':
			word = ""
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsMark(r) || unicode.IsSpace(r) ||
			!unicode.IsPrint(r):
			return "it has a character that cannot be seen, or that changes others"
		case unicode.IsLetter(r) && script == "":
			return "its letters are neither Latin, Cyrillic nor Greek"
		case script != "" && word != "" && script != word:
			return "a word of it mixes letters of two scripts"
		case script != "":
			word = script
		}
	}
	return ""
}

// scriptOf is the script of a letter; empty for what belongs to none of these.
func scriptOf(r rune) string {
	switch {
	case unicode.Is(unicode.Latin, r):
		return "Latin"
	case unicode.Is(unicode.Cyrillic, r):
		return "Cyrillic"
	case unicode.Is(unicode.Greek, r):
		return "Greek"
	}
	return ""
}

// alike are letters that are drawn like a Latin one: pairs, the letter and what it is taken for (the skeletons of UTS
// #39, section 4, as far as Latin, Cyrillic, Greek and digits go, after folding to lower case).
var alike = strings.NewReplacer(
	"а", "a", "ә", "e", "в", "b", "г", "r", "е", "e", "ё", "e", "з", "3", "һ", "h", "і", "i", "ї", "i", "ј", "j", "к",
	"k", "қ", "k", "м", "m",
	"н", "h", "ң", "h", "о", "o", "ө", "o", "р", "p", "с", "c", "т", "t", "у", "y", "ү", "y", "ұ", "y", "х", "x", "ѕ",
	"s", "ԁ", "d", "ԛ", "q", "ԝ", "w", "ь", "b",
	"α", "a", "β", "b", "ε", "e", "η", "n", "ι", "i", "κ", "k", "ν", "v", "ο", "o", "ρ", "p", "τ", "t", "υ", "u", "χ",
	"x", "γ", "y", "ω", "w",
	"ı", "i", "ɑ", "a", "ɡ", "g", "ſ", "f", "0", "o", "1", "i", "l", "i", "|", "i", "5", "s", "-", "", "_", "", " ", "",
	".", "", "'", "",
)

// Skeleton is what a name looks like at a glance: two names with one skeleton can be taken for each other.
func Skeleton(name string) string { return alike.Replace(strings.ToLower(name)) }
