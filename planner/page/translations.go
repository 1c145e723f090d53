package page

import (
	"embed"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/catalog"
)

// words: English, Kazakh, Russian.
var words = catalog.Load(translations)

//go:embed translations
var translations embed.FS

// index of a language in words.
func index(language string) (int, error) {
	for i, l := range []string{"en", "kk", "ru"} {
		if l == language {
			return i, nil
		}
	}
	return 0, farm.Refuse("language", "lang", "%q is not one of en, kk, ru", language)
}
