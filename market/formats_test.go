package market

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"html"
	"testing"
)

// formatted is a workbook of dates and numbers, whose numbers' cells have the formats of these codes in turn; a code
// of digits is a built-in format's number.
func formatted(t *testing.T, codes []string, numbers ...string) []byte {
	t.Helper()
	custom, styles, rows := `<numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/>`, `<xf numFmtId="164"/>`, ""
	for i, code := range codes {
		id := code
		if !digitsOnly(code) || len(code) > 2 {
			id = fmt.Sprint(165 + i)
			custom += fmt.Sprintf(`<numFmt numFmtId="%s" formatCode="%s"/>`, id, html.EscapeString(code))
		}
		styles += fmt.Sprintf(`<xf numFmtId="%s"/>`, id)
	}
	for i, number := range numbers {
		rows += fmt.Sprintf(`<row><c s="0"><v>%d</v></c><c s="%d"><v>%s</v></c></row>`, 45444+i, 1+i%len(codes), number)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Target="s.xml"/></Relationships>`,
		"xl/styles.xml": `<styleSheet><numFmts>` + custom + `</numFmts><cellXfs>` + styles +
			`</cellXfs></styleSheet>`,
		"xl/s.xml": `<worksheet><sheetData><row><c t="str"><v>date</v></c><c t="str"><v>rate</v></c></row>` + rows +
			`</sheetData></worksheet>`,
	} {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A number's format is its unit: what a cell shows as 14.50% is what a text's 14.50% is, and a tenge's sign in the
// format is one behind the number.
func TestANumberFormatIsAUnit(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		unit  string
		value float64
	}{
		"0.00%": {"percent", 14.5}, "9": {"percent", 14.5}, "10": {"percent", 14.5},
		"0.0%;[Red]-0.0%": {"percent", 14.5},
		`0.00"%"`:         {"percent", 0.145}, `0.00\%`: {"percent", 0.145}, `0.00" %"`: {"percent", 0.145},
		"#,##0.00 [$₸-43F]": {"KZT", 0.145}, `#,##0.00\ "₸"`: {"KZT", 0.145}, `#,##0.00\ \₸`: {"KZT", 0.145},
		`"$"#,##0.00`: {"USD", 0.145}, "[$$-409]#,##0.00": {"USD", 0.145}, "$#,##0": {"USD", 0.145},
		"[$€-2] #,##0": {"EUR", 0.145}, `_-* #,##0.00\ [$€-407]_-`: {"EUR", 0.145}, "€#,##0": {"EUR", 0.145},
		`#,##0.00" тг."`: {"KZT", 0.145}, "[$USD] 0.00": {"USD", 0.145},
		"General": {"quote", 0.145}, "0": {"quote", 0.145}, "2": {"quote", 0.145}, "44": {"quote", 0.145},
		`0.00" a share"`: {"quote", 0.145}, `_-* #,##0.00_-`: {"quote", 0.145}, "0.00E+00": {"quote", 0.145},
	} {
		table, err := Parse("r.xlsx", formatted(t, []string{code}, "0.14499999999999999", "0.15", "-0.002", "2", "0"),
			ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		c, factor := table.Columns[0], want.value/0.145
		if c.Unit != want.unit || c.Values[0] != want.value || c.Values[2] != -0.002*factor && c.Values[2] != -0.2 ||
			c.Values[3] != 2*factor || c.Values[4] != 0 {
			t.Errorf("%s: %v %s, want %v %s", code, c.Values, c.Unit, want.value, want.unit)
		}
	}
}

// Formats of two units in one column are refused as two signs in a text are, and so is a unit on some cells only.
func TestNumberFormatsOfTwoUnitsAreRefused(t *testing.T) {
	t.Parallel()
	for _, codes := range [][]string{{"0.00%", "0.00"}, {"0.00%", `0.00"%"`}, {"[$₸-43F]0", "[$$-409]0"}} {
		table, err := Parse("r.xlsx", formatted(t, codes, "0.1", "0.2", "0.3"), ReadOptions{})
		var refused *Error
		if codes[1] == `0.00"%"` { // both are per cent, each as it is shown
			if err != nil || table.Columns[0].Values[0] != 10 || table.Columns[0].Values[1] != 0.2 {
				t.Errorf("%q: %v", codes, err)
			}
			continue
		}
		if !errors.As(err, &refused) || refused.Code != "market-number-mixed" {
			t.Errorf("%q: %v", codes, err)
		}
	}
}
