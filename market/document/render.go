package document

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/aqsha/aqsha/internal/chart"
	"github.com/aqsha/aqsha/market"
)

//go:embed document.html
var page string

var pageTemplate = template.Must(template.New("document").Parse(page))

// view is what the template sees; its methods write in the language.
type view struct {
	*Document
	*writer
	Lang Language
}

// T is a word.
func (v view) T(key string) string { return v.word(key) }

// Say is a sentence.
func (v view) Say(s Sentence) string { return v.sentence(s) }

// Cell is a cell's text.
func (v view) Cell(c Cell) template.HTML { return v.html(c) }

// Numeric says that a cell stands to the right.
func (v view) Numeric(c Cell) bool { return c.Value != nil }

// Earlier says that the page is written as it was in the formats before.
func (v view) Earlier() bool { return v.Document.earlier }

// Draw is a picture.
func (v view) Draw(p Picture) template.HTML { return template.HTML(v.picture(p)) }

// HTML writes a page that needs nothing from the network and prints well.
func (d *Document) HTML(out io.Writer, lang Language) error {
	w := d.writer(lang)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, view{d, w, lang}); err != nil {
		return err
	}
	if err := w.err(); err != nil {
		return err
	}
	_, err := out.Write(b.Bytes())
	return err
}

// Markdown writes the sentences and tables; pictures are in the page only.
func (d *Document) Markdown(out io.Writer, lang Language) error {
	w := d.writer(lang)
	var b strings.Builder
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	table := func(heads []string, rows [][]string) {
		fmt.Fprintf(&b, "\n|%s|\n|%s\n", strings.Join(heads, "|"), strings.Repeat("---|", len(heads)))
		for _, cells := range rows {
			for i := range cells {
				cells[i] = escape.Replace(cells[i])
			}
			fmt.Fprintf(&b, "|%s|\n", strings.Join(cells, "|"))
		}
	}
	fmt.Fprintf(&b, "# %s\n", w.word("title."+d.Options.System))
	if d.Synthetic {
		fmt.Fprintf(&b, "\n> %s\n", w.word("synthetic"))
	}
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "\n## %s\n", w.word(s.Key))
		for _, p := range s.Paragraphs {
			fmt.Fprintf(&b, "\n%s\n", w.sentence(p))
		}
		for _, p := range s.Pictures {
			if p.Bars != nil {
				fmt.Fprintf(&b, "\n### %s\n", w.word(p.Title))
				table([]string{"", w.word(p.Names[0]), w.word(p.Names[1])}, barRows(w, p))
			}
		}
		for _, t := range s.Tables {
			fmt.Fprintf(&b, "\n### %s\n", w.word(t.Title))
			heads := make([]string, len(t.Heads))
			for i, h := range t.Heads {
				heads[i] = w.word(h)
			}
			rows := make([][]string, len(t.Rows))
			for i, r := range t.Rows {
				for _, c := range r {
					rows[i] = append(rows[i], w.cell(c))
				}
			}
			table(heads, rows)
		}
	}
	fmt.Fprintf(&b, "\n## %s\n", w.word("provenance"))
	var inputs [][]string
	for _, i := range d.Inputs {
		inputs = append(inputs, []string{i.File, "`" + i.SHA256 + "`"})
	}
	table([]string{w.word("file"), "SHA-256"}, inputs)
	if d.Missing != nil {
		fmt.Fprintf(&b, "\n%s: %s\n", w.word("missing files"), strings.Join(d.Missing, ", "))
	}
	// A word that a language lacks fails the whole: half a translation would be published.
	if err := w.err(); err != nil {
		return err
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// JSON writes the document without a language: words are keys.
func (d *Document) JSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}

// Write writes one of the forms json, html and md.
func (d *Document) Write(out io.Writer, form string, lang Language) error {
	switch form {
	case "json":
		return d.JSON(out)
	case "html":
		return d.HTML(out, lang)
	case "md":
		return d.Markdown(out, lang)
	}
	return market.Refuse("format", "format", "%q is not one of html, md, json, pdf", form)
}

// picture is a chart as SVG, in the writer's language.
func (w *writer) picture(p Picture) string {
	if p.Bars != nil {
		return w.bars(p)
	}
	c := chart.Chart{Title: w.word(p.Title), Days: p.Days, Log: p.Log, Format: chart.Compact(w.lang != English)}
	for _, l := range p.Lines {
		c.Lines = append(c.Lines, chart.Line{Name: w.word(l.Name), Values: l.Values})
	}
	return c.SVG()
}

// barRows are a bar chart's figures as a table.
func barRows(w *writer, p Picture) [][]string {
	var rows [][]string
	for _, x := range p.Bars {
		rows = append(rows, []string{w.cell(x.Label), w.cell(number(x.First, 2)), w.cell(number(x.Second, 2))})
	}
	return rows
}

// bars draws two shares of each row, one under the other, with their figures. All are to one scale, so that lengths
// may be compared between rows; a share that is not known has a bar of no length. Words and labels are escaped here,
// as the SVG is written into the page as it is.
func (w *writer) bars(p Picture) string {
	const width, left, row = 860.0, 190.0, 46.0
	most := 0.0
	for _, x := range p.Bars {
		for _, v := range []*float64{x.First, x.Second} {
			if v != nil {
				most = max(most, *v)
			}
		}
	}
	var b strings.Builder
	escape := template.HTMLEscapeString
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, row*float64(len(p.Bars))+6,
		escape(w.word(p.Title)))
	for i, x := range p.Bars {
		top := row * float64(i)
		fmt.Fprintf(&b, `<text class="y" x="%g" y="%g">%s</text>`, left-10, top+26, escape(w.cell(x.Label)))
		for j, v := range []*float64{x.First, x.Second} {
			y, length := top+6+float64(j)*18, 0.0
			if v != nil && most > 0 {
				length = *v / most * (width - left - 150)
			}
			fmt.Fprintf(&b, `<rect class="b%d" x="%g" y="%g" width="%.1f" height="14"/><text x="%.1f" y="%g">%s</text>`,
				j, left, y, length, left+length+6, y+12, escape(w.cell(measured(v, 2, p.Unit))))
		}
	}
	b.WriteString("</svg>")
	return b.String()
}
