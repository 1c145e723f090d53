// Package catalog reads translations that stand outside the code: a file for each language, en.json, kk.json and
// ru.json, in a folder "translations" beside the package that prints them. A translator edits these files and nothing
// else.
//
// Invariant: all languages have the same keys, and what a text is filled with (%s, %[2]s) is the same in all of them.
// Where it is not, the program does not start: no reader meets a hole.
package catalog

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// Languages in the order in which a text's translations stand.
var Languages = [3]string{"en", "kk", "ru"}

// verb is what a text is filled with.
var verb = regexp.MustCompile(`%(\[\d+\])?[+#-]?[\d.]*[a-z]`)

// Load reads the translations that are embedded in a package, by key. It panics where Read refuses: they are part of
// the program.
func Load(files fs.FS) map[string][3]string {
	texts, err := Read(files)
	if err != nil {
		panic(err)
	}
	return texts
}

// ByLanguage is Load, for templates that take all texts of a language.
func ByLanguage(files fs.FS) map[string]map[string]string {
	out := map[string]map[string]string{}
	for i, language := range Languages {
		out[language] = map[string]string{}
		for key, of := range Load(files) { // any order: into a map
			out[language][key] = of[i]
		}
	}
	return out
}

// Read reads translations and checks that they are whole. A text may use a filling more often than its translation
// does: which there are is compared, not how many.
func Read(files fs.FS) (map[string][3]string, error) {
	all := map[string][3]string{}
	for i, language := range Languages {
		name := "translations/" + language + ".json"
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var texts map[string]string
		if err := json.Unmarshal(content, &texts); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if i > 0 && len(texts) != len(all) {
			return nil, fmt.Errorf("%s: %d texts, %s has %d", name, len(texts), Languages[0], len(all))
		}
		for key, text := range texts { // any order: each is looked at by itself
			of, known := all[key]
			if i > 0 && !known {
				return nil, fmt.Errorf("%s: %q is not in %s", name, key, Languages[0])
			}
			if i > 0 && !slices.Equal(fillings(text), fillings(of[0])) {
				return nil, fmt.Errorf("%s: %q is filled with %v, in %s with %v", name, key, fillings(text),
					Languages[0], fillings(of[0]))
			}
			of[i] = text
			all[key] = of
		}
	}
	return all, nil
}

// fillings are what a text is filled with, in order of the arguments.
func fillings(text string) []string {
	found := verb.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
