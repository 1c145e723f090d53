package catalog_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aqsha/aqsha/internal/catalog"
)

// files are translations of three languages.
func files(en, kk, ru string) fstest.MapFS {
	return fstest.MapFS{"translations/en.json": {Data: []byte(en)}, "translations/kk.json": {Data: []byte(kk)}, "translations/ru.json": {Data: []byte(ru)}}
}

func TestTextsByKey(t *testing.T) {
	t.Parallel()
	texts, err := catalog.Read(files(`{"a":"One %[2]s of %[1]s","b":"5 %%"}`, `{"a":"%[1]s: бір %[2]s","b":"5 %%"}`, `{"b":"5 %%","a":"Один %[2]s из %[1]s"}`))
	if err != nil || len(texts) != 2 || texts["a"] != [3]string{"One %[2]s of %[1]s", "%[1]s: бір %[2]s", "Один %[2]s из %[1]s"} {
		t.Errorf("%v, %v", texts, err)
	}
}

// A missing key, one too many, a filling that is lost, a file that is not there or not JSON: each is refused by its file.
func TestHolesAreRefused(t *testing.T) {
	t.Parallel()
	whole := `{"a":"%s now","b":"x"}`
	for name, c := range map[string]struct {
		files fstest.MapFS
		says  string
	}{
		"a key is missing":     {files(whole, whole, `{"a":"%s"}`), "ru.json"},
		"a key too many":       {files(whole, `{"a":"%s","b":"x","c":"y"}`, whole), "kk.json"},
		"another key":          {files(whole, `{"a":"%s","c":"y"}`, whole), `"c"`},
		"a filling is lost":    {files(whole, `{"a":"qazir","b":"x"}`, whole), "is filled with"},
		"a filling is another": {files(whole, `{"a":"%d","b":"x"}`, whole), "is filled with"},
		"no JSON":              {files(whole, whole, `{`), "ru.json"},
		"no file":              {fstest.MapFS{}, "en.json"},
	} {
		if _, err := catalog.Read(c.files); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
