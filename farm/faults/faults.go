package faults

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aqsha/aqsha/farm"
)

//go:embed codes.csv
var codesFile string

//go:embed groups.csv
var groupsFile string

// Languages of the explanations.
var Languages = []string{"en", "ru", "kk"}

// Explanation is what is known of a code, in one language.
type Explanation struct {
	Family string `json:"family"`
	Code   string `json:"code"`
	Known  bool   `json:"known"`
	Means  string `json:"means"`
	Do     string `json:"do,omitempty"`
	Part   string `json:"part,omitempty"` // spare part to bring, as it is ordered
	Source string `json:"source,omitempty"`
}

// String is the explanation in a line.
func (e Explanation) String() string {
	text := e.Means
	if e.Known {
		text = e.Code + ": " + e.Means
	}
	if e.Do != "" {
		text += " " + e.Do
	}
	if e.Part != "" {
		text += " [" + e.Part + "]"
	}
	return text
}

// sources are where a family's codes are published.
var sources = map[string]string{"whatsminer": "pyasic, pyasic/data/error_codes/whatsminer.py"}

// table has the rows of both files: codes by family and pattern, groups by name.
type table struct {
	codes  [][]string
	groups map[string][]string
}

var tables = sync.OnceValue(func() (t table) {
	read := func(text string) [][]string {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			panic(fmt.Sprintf("faults: the built-in table: %v", err))
		}
		return rows[1:]
	}
	t.codes, t.groups = read(codesFile), map[string][]string{}
	for _, row := range read(groupsFile) {
		t.groups[row[0]] = row
	}
	return t
})

// FamilyOf is the family whose codes a protocol shows.
func FamilyOf(protocol string) string {
	if strings.HasPrefix(protocol, "whatsminer") {
		return "whatsminer"
	}
	return protocol
}

var unknown = map[string]string{"en": "unknown code %s", "ru": "неизвестный код %s", "kk": "белгісіз код %s"}

// Explain says what a family's code means in a language, en where it is another.
func Explain(family, code, language string) Explanation {
	at := max(0, slices.Index(Languages, language))
	for _, row := range tables().codes {
		slot, ok := match(row[1], code)
		if row[0] != family || !ok {
			continue
		}
		group := tables().groups[row[2]]
		return Explanation{Family: family, Code: code, Known: true, Means: strings.ReplaceAll(row[3+at], "{n}", slot),
			Do: group[2+at], Part: group[1], Source: sources[family]}
	}
	return Explanation{Family: family, Code: code, Means: fmt.Sprintf(unknown[Languages[at]], code)}
}

// match compares a code with a pattern, whose n stands for the digit of a slot.
func match(pattern, code string) (slot string, ok bool) {
	if len(pattern) != len(code) {
		return "", false
	}
	for i := range pattern {
		switch {
		case pattern[i] == 'n' && code[i] >= '0' && code[i] <= '9':
			slot = code[i : i+1]
		case pattern[i] != code[i]:
			return "", false
		}
	}
	return slot, true
}

// Parse parts "whatsminer/218", as alerts carry a code, into family and code.
func Parse(text string) (family, code string, err error) {
	family, code, ok := strings.Cut(text, "/")
	if !ok || family == "" || code == "" || len(text) > 120 {
		return "", "", farm.Refuse("bad-code", "code", "%q: want FAMILY/CODE, such as whatsminer/218", text)
	}
	return family, code, nil
}

// Text explains the codes of an alert ("whatsminer/218 whatsminer/110") in a line.
func Text(codes, language string) string {
	var lines []string
	for _, text := range strings.Fields(codes) {
		if family, code, err := Parse(text); err == nil {
			lines = append(lines, Explain(family, code, language).String())
		}
	}
	return strings.Join(lines, "; ")
}
