package datadir

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// ownKeys are those that config.toml has outside of any table.
var ownKeys = func() (keys []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if key, _, _ := strings.Cut(field.Tag.Get("toml"), ","); key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}()

// strayKey says in which table a key stands that is one of the file's own; nil if it does not. What is written at the
// end of a file that ends with a table is that table's, as TOML has it, and nobody who appends a line means it.
func strayKey(key []string) error {
	if len(key) < 2 || !slices.Contains(ownKeys, key[len(key)-1]) {
		return nil
	}
	last, table := key[len(key)-1], strings.Join(key[:len(key)-1], ".")
	return token.Errorf(BadConfig, last,
		"it stands below [%s] and so belongs to that table: put it above the first line that begins with a bracket", table)
}

// unknownKey says what is wrong with a key that the file has and nobody reads.
func unknownKey(key toml.Key) error {
	if stray := strayKey(key); stray != nil {
		return stray
	}
	return fmt.Errorf("unknown key %q", key.String())
}

// undecoded says what is wrong with a file that cannot be read into a configuration: a stray key has a value of
// another kind than its table has, most often.
func undecoded(path string, err error) error {
	var tables map[string]any
	if _, e := toml.DecodeFile(path, &tables); e != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		table, _ := tables[name].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(table)) {
			if stray := strayKey([]string{name, key}); stray != nil {
				return stray
			}
		}
	}
	return err
}

// strayFollower refuses, among the URLs of followers, a name that is one of the file's own keys and no follower's:
// "leader" or "url", written at the end of the file, would otherwise be taken for a follower.
func (c Config) strayFollower() error {
	for name := range c.FollowerURLs {
		isFollower := slices.ContainsFunc(c.Followers, func(public string) bool {
			v, err := node.ParseFollower(public)
			return err == nil && v.Name() == name
		})
		if stray := strayKey([]string{"follower_urls", name}); stray != nil && !isFollower {
			return stray
		}
	}
	return nil
}
