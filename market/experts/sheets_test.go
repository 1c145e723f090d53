package experts

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/aqsha/aqsha/market"
)

// What spreadsheets of three languages make of one table is read as one table.
func TestScoresAsProgramsWriteThem(t *testing.T) {
	t.Parallel()
	plain := "expert,system,criterion,score\nА. Б.,биткоин,\"ашықтық, толық\",2.5\nВ. Г.,теңге,\"ашықтық, толық\",4\n" +
		"А. Б.,теңге,жылдамдық,\nВ. Г.,биткоин,жылдамдық,3.25\n"
	want, err := Read("plain.csv", strings.NewReader(plain), "")
	if err != nil || len(want) != 3 || want[0] != (Score{"А. Б.", "биткоин", "ашықтық, толық", 2.5}) {
		t.Fatalf("%+v, %v", want, err)
	}
	rows := "А. Б.;биткоин;ашықтық, толық;2,5\r\nВ. Г.;теңге;ашықтық, толық;4\r\nА. Б.;теңге;жылдамдық;\r\n" +
		"В. Г.;биткоин;жылдамдық;3,25\r\n"
	excel := "Сарапшы;Жүйе;Өлшем;Баға\r\n" + rows
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(excel, ";", "\t"))
	if err != nil {
		t.Fatal(err)
	}
	russian := strings.NewReplacer("Сарапшы", "Эксперт", "Жүйе", "Система", "Өлшем", "Критерий", "Баға", "Оценка", "теңге",
		"тенге", "ашықтық", "открытость", "толық", "полная", "жылдамдық", "скорость", "биткоин", "биткойн")
	cp1251, err := charmap.Windows1251.NewEncoder().String(russian.Replace(excel))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(excel)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file  string
		words *strings.Replacer
	}{
		"semicolons and commas": {file: excel}, "with a byte order mark": {file: "\ufeff" + excel}, "gzip": {file: packed.String()},
		"sep": {file: "sep=;\r\n" + excel}, "banner": {file: "Сарапшылар сауалнамасы;;;\r\n;;;\r\n" + excel + ";;;\r\n"},
		"UTF-16, tabs": {file: utf16}, "cp1251": {cp1251, russian},
		"English names": {file: "system;expert;score;criterion\n" + "биткоин;А. Б.;2,5;ашықтық, толық\n" +
			"теңге;В. Г.;4;ашықтық, толық\nбиткоин;В. Г.;3,25;жылдамдық\n"},
	} {
		got, err := Read(name, strings.NewReader(c.file), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		expected := append([]Score(nil), want...)
		for i := range expected {
			if s := &expected[i]; c.words != nil {
				*s = Score{c.words.Replace(s.Expert), c.words.Replace(s.System), c.words.Replace(s.Criterion), s.Value}
			}
		}
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("%s: %+v, want %+v", name, got, expected)
		}
	}
}

// A score that could be thousands is refused until the sign is declared, and a declaration that the file contradicts too.
func TestTheDecimalSignOfScores(t *testing.T) {
	t.Parallel()
	file := "expert;system;criterion;score\na;s;c;1,125\nb;s;c;2,250\n"
	got, err := Read("scores.csv", strings.NewReader(file), ",")
	if err != nil || len(got) != 2 || got[0].Value != 1.125 {
		t.Errorf("%+v, %v", got, err)
	}
	var refused *market.Error
	if _, err := Read("scores.csv", strings.NewReader(file+"c;s;c;2,5\n"), "."); !errors.As(err, &refused) ||
		refused.Code != "market-number-mixed" {
		t.Errorf("declared with points: %v", err)
	}
	if _, err := Read("scores.csv", strings.NewReader(file), ";"); !errors.As(err, &refused) ||
		refused.Code != "market-decimal" {
		t.Errorf("a sign that is none: %v", err)
	}
}

// A workbook as the market's tests have it is read by the same door.
func TestAWorkbookWithoutScoresIsRefused(t *testing.T) {
	t.Parallel()
	var refused *market.Error
	if _, err := Read("book.xlsx", bytes.NewReader([]byte("PK\x03\x04 and no more")), ""); !errors.As(err, &refused) {
		t.Errorf("a workbook that is none: %v", err)
	}
	if _, err := Read("none", errReader{}, ""); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, os.ErrClosed }
