package session

import (
	"strings"

	"github.com/aqsha/aqsha/words"
)

// KindText says in a language what an entry of the ledger is: a transaction's kind, or what the rules did by
// themselves, by the names that the ledger has for them. What is neither keeps its name.
func KindText(l words.Language, name string) string {
	key := strings.ReplaceAll(name, " ", "-")
	if text := l.Text("kind." + key); text != "kind."+key {
		return text
	}
	if text := l.Text("system." + key); text != "system."+key {
		return text
	}
	return name
}
