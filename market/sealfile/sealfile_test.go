package sealfile

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/txlog/seal"
)

const htmlPage = `<!doctype html><html lang="kk"><head><title>BTC</title><style>td{color:red}</style></head><body>
<h1>BTC</h1><p>1 &lt; 2</p>
<h2>Тәуекел</h2><table><tr><th>әдіс</th><th>VaR</th><th>ES</th></tr>
<tr><td>historical</td><td class="n">4,25 %</td><td>6,10 %</td></tr>
<tr><td>normal</td><td>1 234,5</td><td>−3,5</td></tr>
<tr><td>t</td><td>4,01 %</td><td>6,70 %</td></tr></table>
<figure><figcaption>Бағалар</figcaption><svg><text>100</text></svg></figure>
</body></html>`

// Each way to change a page is named with the table, the row and the column, what was expected and what was found.
func TestWhatWasChangedInAPage(t *testing.T) {
	t.Parallel()
	sealed := Rows("html", []byte(htmlPage))
	for name, c := range map[string]struct {
		old, new string
		want     []Difference
	}{
		"nothing":           {},
		"a cell":            {"4,01 %", "2,01 %", []Difference{{"Тәуекел", "t", "VaR", "4,01 %", "2,01 %", Cell}}},
		"a number's format": {"1 234,5", "1234.5", []Difference{{"Тәуекел", "normal", "VaR", "1 234,5", "1234.5", Notation}}},
		"a sign":            {"−3,5", "3,5", []Difference{{"Тәуекел", "normal", "ES", "−3,5", "3,5", Cell}}},
		"a row removed": {"<tr><td>normal</td><td>1 234,5</td><td>−3,5</td></tr>", "",
			[]Difference{{"Тәуекел", "normal", "", "normal | 1 234,5 | −3,5", "", Missing}}},
		"a row doubled": {"</table>", "<tr><td>t</td><td>1 %</td><td>1 %</td></tr></table>",
			[]Difference{{"Тәуекел", "t", "", "", "t | 1 % | 1 %", Added}}},
		"a sentence": {"1 &lt; 2", "1 &gt; 2", []Difference{{"BTC", "1 < 2", "", "1 < 2", "1 > 2", Cell}}},
		"a picture":  {"<text>100</text>", "<text>900</text>", nil},
		"a style":    {"color:red", "display:none", nil},
		"a remark":   {"<h1>", "<!-- <tr><td>x</td></tr> --><h1>", nil},
		"two cells of a row": {"<td>4,01 %</td><td>6,70 %</td>", "<td>4,02 %</td><td>6,71 %</td>", []Difference{
			{"Тәуекел", "t", "VaR", "4,01 %", "4,02 %", Cell}, {"Тәуекел", "t", "ES", "6,70 %", "6,71 %", Cell}}},
	} {
		page := strings.Replace(htmlPage, c.old, c.new, 1)
		if c.old != "" && page == htmlPage {
			t.Fatalf("%s: nothing was changed", name)
		}
		got := Compare(sealed, Rows("html", []byte(page)))
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %+v, want %+v", name, got[i], c.want[i])
			}
		}
	}
}

// Markdown, CSV and JSON are named the same way.
func TestWhatWasChangedInOtherForms(t *testing.T) {
	t.Parallel()
	for form, c := range map[string]struct {
		text, old, new string
		want           Difference
	}{
		"md":  {"# Title\n\n## Risk\n\n| method | VaR |\n|---|---:|\n| t | 4.01 |\n", "4.01", "4.1", Difference{"Risk", "t", "", "4.01", "4.1", Cell}},
		"csv": {"key,value\nsharpe,1.5\n", "1.5", "2.5", Difference{"", "sharpe", "", "1.5", "2.5", Cell}},
		"json": {`{"figures":[{"key":"sharpe","value":1.50},{"key":"beta","value":null}]}`, "1.50", "1.5",
			Difference{"figures", "figures[sharpe].value", "", "1.50", "1.5", Cell}},
	} {
		got := Compare(Rows(form, []byte(c.text)), Rows(form, []byte(strings.Replace(c.text, c.old, c.new, 1))))
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v", form, got)
		}
	}
}

// Whatever rows there are: equal lists have no difference, others have, and as many cells are named as were changed.
func TestEveryChangedCellIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "rows")
		var rows, changed []Row
		for i := range n {
			r := Row{"T", []string{string(rune('a' + i)), rapid.StringMatching("[0-9]{1,2}").Draw(t, "cell")}, false}
			rows = append(rows, r)
			changed = append(changed, Row{r.Table, append([]string(nil), r.Cells...), false})
		}
		if d := Compare(rows, changed); d != nil {
			t.Fatalf("equal, and %+v", d)
		}
		count := 0
		for i := range changed {
			if rapid.Bool().Draw(t, "change") {
				changed[i].Cells[1] += "x"
				count++
			}
		}
		if d := Compare(rows, changed); len(d) != count {
			t.Fatalf("%d cells changed, %d named: %+v", count, len(d), d)
		}
		gone := rapid.IntRange(0, n-1).Draw(t, "gone")
		less := append(append([]Row(nil), rows[:gone]...), rows[gone+1:]...)
		if d := Compare(rows, less); len(d) != 1 || d[0].Kind != Missing || d[0].Row != rows[gone].Cells[0] {
			t.Fatalf("a row removed: %+v", d)
		}
	})
}

// Documents that somebody made to be slow or large are read and compared in a time and a space of their size: the square
// of any of these would be hours or hundreds of gigabytes.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	const many = 200_000
	pictures := Rows("html", []byte(strings.Repeat("<SVG></sVg>", 5*many)+"<p>end</p>"))
	if len(pictures) != 1 || pictures[0].Cells[0] != "end" {
		t.Errorf("%d rows of pictures", len(pictures))
	}
	long := strings.Repeat("k", 1<<20)
	for form, text := range map[string]string{
		"json": `{"` + long + `":[` + strings.Repeat("1,", many) + `1]}`,
		"html": "<h1>" + long + "</h1>" + strings.Repeat("<tr><td>a</td></tr>", many),
		"md":   "# " + long + "\n" + strings.Repeat("|a|\n", many),
	} {
		rows, size := Rows(form, []byte(text)), 0
		for _, r := range rows {
			size += len(r.key())
		}
		if len(rows) == 0 || size > maxTexts+2*len(long) {
			t.Errorf("%s: %d rows of %d bytes", form, len(rows), size)
		}
	}
	// A table of which every row was changed, but for its names and then with them.
	table := func(name, value string) []Row {
		rows := make([]Row, many)
		for i := range rows {
			rows[i] = Row{"T", []string{name + strconv.Itoa(i), value}, false}
		}
		return rows
	}
	for _, name := range []string{"a", "b"} {
		if d := Compare(table("a", "1"), table(name, "2")); len(d) < many || d[many-1].Kind != Cell {
			t.Errorf("%d differences", len(d))
		}
	}
}

type fixture struct {
	file   *File
	public string
	hashes map[string]string
}

func sealed(t *testing.T, page string) fixture {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "test/reports")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	verifier, _ := note.NewVerifier(public)
	log, dir := seal.Log{Origin: "test/reports", Signer: signer, Verifier: verifier}, t.TempDir()
	rows := Rows("html", []byte(page))
	hashes := map[string]string{"html.kk": TextHash(rows)}
	entry, _ := json.Marshal(hashes)
	for _, e := range [][]byte{[]byte("another report"), entry, []byte("a third")} {
		if _, _, err := log.Append(dir, e); err != nil {
			t.Fatal(err)
		}
	}
	proof, err := log.Prove(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{&File{Format, log.Origin, public, proof, map[string][]Row{"html.kk": rows}}, public, hashes}
}

// A seal file that was forged in any part is refused; the key that it brings is worth no more than itself.
func TestForgedSealFiles(t *testing.T) {
	t.Parallel()
	honest, other := sealed(t, htmlPage), sealed(t, htmlPage+"<p>x</p>")
	read := func(f *File) *File {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	f := read(honest.file)
	if entry, err := f.Check(honest.public); err != nil || string(entry) != string(honest.file.Proof.Entry) {
		t.Fatalf("honest: %v", err)
	}
	if _, err := f.Check(""); err != nil {
		t.Fatalf("by its own key: %v", err)
	}
	if err := f.CheckTexts(honest.hashes); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Check(other.public); err == nil {
		t.Error("another log's key was taken")
	}
	for name, forge := range map[string]func(f *File){
		"entry":      func(f *File) { f.Proof.Entry = []byte(`{"html.kk":"00"}`) },
		"index":      func(f *File) { f.Proof.Index = 0 },
		"beyond":     func(f *File) { f.Proof.Index = 7 },
		"path":       func(f *File) { f.Proof.Hashes[0][3] ^= 1 },
		"checkpoint": func(f *File) { f.Proof.Checkpoint = other.file.Proof.Checkpoint },
		"size":       func(f *File) { f.Proof.Checkpoint = strings.Replace(f.Proof.Checkpoint, "\n3\n", "\n4\n", 1) },
		"origin":     func(f *File) { f.Origin = "test/others" },
	} {
		forged := read(honest.file)
		forge(forged)
		if _, err := forged.Check(honest.public); err == nil {
			t.Errorf("a forged %s was taken", name)
		}
	}
	forged := read(honest.file)
	forged.Texts["html.kk"][2].Cells[0] = "2,01 %"
	if err := forged.CheckTexts(honest.hashes); err == nil {
		t.Error("forged texts were taken")
	}
	for _, text := range []string{"", "{}", `{"format":"aqsha-seal-file/1","texts":{"html.en":[{"table":"x"}]}}`, "[1"} {
		if _, err := Read([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// The form is found by its hash, also after mail changed line ends; a changed byte is no form.
func TestTheFormOfADocument(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte(htmlPage))
	forms := map[string]string{"html.kk": hex.EncodeToString(sum[:]), "html.en": strings.Repeat("0", 64)}
	for text, want := range map[string]string{htmlPage: "html.kk true", "\ufeff" + strings.ReplaceAll(htmlPage, "\n", "\r\n"): "html.kk false",
		strings.Replace(htmlPage, "4,01", "4,02", 1): " false"} {
		form, plain := SameForm([]byte(text), forms)
		got := form + " false"
		if plain {
			got = form + " true"
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f := &File{Texts: map[string][]Row{"html.kk": Rows("html", []byte(htmlPage)), "html.en": {{"", []string{"x"}, false}}, "md.kk": nil}}
	if got := f.Likest("html", Rows("html", []byte(strings.Replace(htmlPage, "4,01", "4,02", 1)))); got != "html.kk" {
		t.Errorf("likest is %q", got)
	}
	if got := f.Likest("pdf", nil); got != "" {
		t.Errorf("a PDF is like %q", got)
	}
}

// FuzzRows: whatever the bytes, rows with cells, of which each list is like itself.
func FuzzRows(f *testing.F) {
	f.Add("html", htmlPage)
	f.Add("html", "<tr><td>a<td><!-- <svg><script")
	f.Add("json", `{"a":[1,{"key":"b"}]}`)
	f.Add("md", "|a|b|\n#\n||")
	f.Fuzz(func(t *testing.T, form, text string) {
		rows := Rows(form, []byte(text))
		for _, r := range rows {
			if len(r.Cells) == 0 {
				t.Fatalf("a row without cells of %q", text)
			}
		}
		if d := Compare(rows, rows); d != nil {
			t.Fatalf("%+v", d)
		}
		Compare(rows, Rows(form, []byte(text[:len(text)/2])))
	})
}

// FuzzRead: a seal file from anybody is refused or read, and never believed without its key.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":"aqsha-seal-file/1","origin":"x","proof":{"index":1,"entry":"YQ==","hashes":[],"checkpoint":"x\n1\n\n"},"texts":{"json":[{"cells":["a"]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read(text)
		if err != nil {
			return
		}
		if _, err := file.Check(file.Key); err == nil && file.Key == "" {
			t.Fatal("believed without a key")
		}
	})
}
