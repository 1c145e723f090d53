package web

import "testing"

// Every language has every word.
func TestWords(t *testing.T) {
	for language, known := range words {
		for word := range words["en"] {
			if known[word] == "" {
				t.Errorf("%s lacks %q", language, word)
			}
		}
	}
}
