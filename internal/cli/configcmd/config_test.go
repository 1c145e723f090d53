package configcmd

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// keysRead are the keys that a struct is decoded from, the fields of its lists of tables as "table.key".
func keysRead(t reflect.Type, prefix string) []string {
	keys := []string{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		switch {
		case name == "" || name == "-":
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysRead(field.Type.Elem(), name+".")...)
		default:
			keys = append(keys, prefix+name)
		}
	}
	return keys
}

// Every key that is read is explained, and none that is not.
func TestEverySettingIsExplained(t *testing.T) {
	for _, file := range []struct {
		read      reflect.Type
		explained []setting
	}{{reflect.TypeFor[datadir.Config](), ledgerSettings}, {reflect.TypeFor[records.Config](), farmSettings}} {
		read, explained := keysRead(file.read, ""), []string{}
		for _, s := range file.explained {
			explained = append(explained, s.Key)
			if s.About == "" || s.Default == "" || s.Example == s.Default {
				t.Errorf("%s: want what it means, its default and another value as example", s.Key)
			}
		}
		slices.Sort(read)
		slices.Sort(explained)
		if !slices.Equal(read, explained) {
			t.Errorf("%v is read from:\n%v\nand explained are:\n%v", file.read, read, explained)
		}
	}
}

// The sample is a configuration: as it stands it says nothing, and with its examples it says every key.
func TestTheSampleCanBeRead(t *testing.T) {
	example := regexp.MustCompile(`(?m)^#(\[\[|\w+ = )`)
	for file, settings := range map[string][]setting{"config.toml": ledgerSettings, "farm.toml": farmSettings} { // any order: each by itself
		written := exampleOf(file, settings)
		var nothing map[string]any
		if _, err := toml.Decode(written, &nothing); err != nil || len(nothing) != 0 {
			t.Errorf("%s as it is printed: %v, %v", file, nothing, err)
		}
		filled := example.ReplaceAllString(written, "$1")
		var meta toml.MetaData
		var err error
		if file == "farm.toml" {
			meta, err = toml.Decode(filled, new(records.Config))
		} else {
			filled = strings.ReplaceAll(filled, `"0d9f…"`, `"`+strings.Repeat("0d", 16)+`"`)
			meta, err = toml.Decode(filled, new(datadir.Config))
		}
		if err != nil || len(meta.Undecoded()) > 0 {
			t.Fatalf("%s with its examples: %v, unknown %v\n%s", file, err, meta.Undecoded(), filled)
		}
		for _, s := range settings {
			if !meta.IsDefined(strings.Split(s.Key, ".")...) && !strings.Contains(s.Key, ".") {
				t.Errorf("%s: the sample does not set %s", file, s.Key)
			}
		}
	}
}

// What a default is said to be, it is.
func TestDefaultsAreThoseThatAreSaid(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "farm.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, s := range farmSettings {
		if strings.Contains(s.Key, ".") {
			continue // of a table that is not there by default
		}
		said.WriteString(s.Key + " = " + s.Default + "\n")
	}
	silent, err := records.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "farm.toml"), []byte(said.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	loud, err := records.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	loud.Pools, loud.Webhooks = nil, nil // said as empty lists
	if !reflect.DeepEqual(silent, loud) {
		t.Errorf("without a key %+v, with its default %+v", silent, loud)
	}
}
