package web

import (
	"embed"
	"fmt"
	"time"

	"github.com/aqsha/aqsha/internal/catalog"
	"github.com/aqsha/aqsha/money"
)

// words of the pages by language.
var words = catalog.ByLanguage(translations)

//go:embed translations
var translations embed.FS

func btc(amount money.Satoshi) string { return fmt.Sprintf("%.8f BTC", float64(amount)/1e8) }

// hashRate writes hashes per second with a prefix.
func hashRate(rate float64) string {
	prefixes := []string{"", "k", "M", "G", "T", "P", "E"}
	i := 0
	for ; rate >= 1000 && i < len(prefixes)-1; i++ {
		rate /= 1000
	}
	return fmt.Sprintf("%.3g %sH/s", rate, prefixes[i])
}

func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}
