package tidy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	italics     = regexp.MustCompile(`(?:^|[^*])\*([^*\n]+)\*`)
	imageOfPage = regexp.MustCompile(`!\[[^\]\n]+\]\(([^)\n]+)\)`)
	placeholder = regexp.MustCompile(`\{\w+\}`)
	sentenceEnd = regexp.MustCompile(`[.!?](?:\s|$)`)
	markup      = regexp.MustCompile(`^#+ |^\d+\. |[*` + "`" + `]|\]\([^)]*\)|!?\[`)
)

// catalogue are the texts of the wallet's pages in a language, without what is put into them, in small letters.
func catalogue(t *testing.T, language string) map[string]bool {
	t.Helper()
	content, err := os.ReadFile("../../console/ui/src/words/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var words map[string]string
	if err := json.Unmarshal(content, &words); err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	for _, text := range words {
		texts[strings.ToLower(strings.Trim(placeholder.ReplaceAllString(text, ""), " :"))] = true
	}
	return texts
}

// longSentences are those of a page of more than 16 words.
func longSentences(page string) (long []string) {
	for line := range strings.SplitSeq(page, "\n") {
		for cell := range strings.SplitSeq(line, "|") {
			for _, sentence := range sentenceEnd.Split(markup.ReplaceAllString(strings.TrimSpace(cell), ""), -1) {
				words := slices.DeleteFunc(strings.Fields(sentence), func(w string) bool { return w == "—" || w == "·" })
				if len(words) > 16 {
					long = append(long, sentence)
				}
			}
		}
	}
	return long
}

// The wallet's guide says the same in three languages, with the names that stand on the screen, in short sentences, and
// shows pictures of the screen in its own language.
func TestTheWalletsGuide(t *testing.T) {
	pages := map[string]string{"en": "wallet.md", "kk": "wallet.kk.md", "ru": "wallet.ru.md"}
	var shapes, used []string
	for _, language := range []string{"en", "kk", "ru"} {
		name := pages[language]
		content, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		page, _, _ := strings.Cut(string(content), "\n## For engineers")
		for _, other := range pages {
			if linked := strings.Contains(page, "]("+other+")"); linked == (other == name) {
				t.Errorf("%s: linked %s: %v", name, other, linked)
			}
		}
		texts, named := catalogue(t, language), 0
		for _, m := range italics.FindAllStringSubmatch(page, -1) {
			named++
			if !texts[strings.ToLower(m[1])] {
				t.Errorf("%s: *%s* stands on no page of the wallet", name, m[1])
			}
		}
		if named < 40 {
			t.Errorf("%s names only %d texts", name, named)
		}
		for _, sentence := range longSentences(page) {
			t.Errorf("%s: more than 16 words: %s", name, sentence)
		}
		shape := ""
		for line := range strings.SplitSeq(page, "\n") {
			kind, _, _ := strings.Cut(line, " ")
			if slices.Contains([]string{"#", "##", "|"}, kind) || regexp.MustCompile(`^\d+\.$`).MatchString(kind) {
				shape += kind + "\n"
			}
			for _, m := range imageOfPage.FindAllStringSubmatch(line, -1) {
				used = append(used, m[1])
				of := strings.TrimSuffix(m[1], "-"+language+".png")
				if of == m[1] {
					t.Errorf("%s shows %s, of another language", name, m[1])
				}
				shape += of + "\n"
			}
		}
		shapes = append(shapes, shape)
	}
	if shapes[0] != shapes[1] || shapes[0] != shapes[2] {
		t.Errorf("the pages are not built alike:\n%s", strings.Join(shapes, "\n---\n"))
	}
	pictures, err := filepath.Glob("../../docs/wallet/*.png")
	if err != nil || len(pictures) != len(used) {
		t.Errorf("%v: %d pictures, %d shown", err, len(pictures), len(used))
	}
	for _, path := range pictures {
		if !slices.Contains(used, "wallet/"+filepath.Base(path)) {
			t.Errorf("%s is shown nowhere", path)
		}
	}
}

func TestLongSentencesAreSeen(t *testing.T) {
	const sixteen = "a b c d e f g h i j k l m n *o* p"
	if long := longSentences("1. " + sixteen + ". Short.\n| " + sixteen + " | — " + sixteen + " |"); len(long) != 0 {
		t.Errorf("16 words are held to be too many: %q", long)
	}
	if long := longSentences("Short. " + sixteen + " q. Short."); len(long) != 1 {
		t.Errorf("17 words: %q", long)
	}
}
