package cli

import "github.com/aqsha/aqsha/words"

// Said is a text of the catalogue, English in JSON and the reader's to a person.
type Said = words.Said

// Text is the text of a key with {name} filled in from pairs of a name and a value.
func Text(key string, pairs ...any) Said { return words.Say(key, pairs...) }
